"""Wrong settings of communities are refused, with a hint."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sessions_farm import checks as engine_checks
from sessions_farm.communities import checks
from sessions_farm.communities.checks import SCHEMA, check_community_settings
from sessions_farm.communities.tests.support import handoff_site

COMMUNITIES = Path(checks.__file__).parent
DOMAINS_MD = (COMMUNITIES / "DOMAINS.md").read_text()


@pytest.fixture(autouse=True)
def right(settings):
    settings.SESSIONS_FARM_COMMUNITIES = {}
    settings.MIDDLEWARE = list(handoff_site.MIDDLEWARE)
    return settings


def ids(messages):
    return [message.id.removeprefix("communities.") for message in messages]


def test_right_settings_need_no_message(right):
    assert check_community_settings() == []
    right.SESSIONS_FARM_COMMUNITIES = {"STAFF_OF": "builtins.dir", "PROBE_SECONDS": 0, "NAMESERVERS": ["192.0.2.1"]}
    assert check_community_settings() == []


@pytest.mark.parametrize(
    ("given", "message_id", "hint"),
    [
        ({"RESOLVR": "x"}, "E001", "Did you mean RESOLVER?"),
        ({"RESOLVER": "no.such.Resolver"}, "E003", "a Resolver"),
        ({"EXTERNAL_FACTS": "sessions_farm.session.ids.LOCAL"}, "E003", "f(visitor or None"),
        ({"STAFF_OF": "no.such.function"}, "E003", "f(user)"),
        ({"STAFF_OF": "sessions_farm.conf.DAY"}, "E003", "f(user)"),
        ({"PROFILES": {"user": "no.such.function"}}, "E003", "f(user)"),
        ({"PROFILES": ["user"]}, "E006", "path"),
        ({"NAMESERVERS": "127.0.0.1"}, "E006", "such as ()"),
        ({"ADDRESSES": [7]}, "E006", "such as ()"),
        ({"PROBE_SECONDS": "2"}, "E006", "float"),
        ({"PROBE_SECONDS": -1}, "E007", "It takes 0"),
        ({"COOKIELESS_AGE": 0}, "E007", "more than 0"),
        ({"PROFILES": {"visitor": "builtins.dir"}}, "E018", "another name"),
        ({"PROBE_ADDRESS": "https://lb:443"}, "E025", "lb:443"),
    ],
)
def test_wrong_settings_are_refused(right, given, message_id, hint):
    right.SESSIONS_FARM_COMMUNITIES = given
    message = check_community_settings()[0]
    assert ids([message]) == [message_id]
    assert hint in message.hint


def test_settings_are_a_dictionary(right):
    right.SESSIONS_FARM_COMMUNITIES = [("PROBE_SECONDS", 2)]
    assert ids(check_community_settings()) == ["E009"]


def test_order_of_middleware(right):
    right.MIDDLEWARE.reverse()
    assert set(ids(check_community_settings())) == {"E005"}


def test_forms_of_other_sites_are_refused_on_the_hosts_of_a_registry(right):
    right.CSRF_TRUSTED_ORIGINS = ["https://evil.test"]
    assert ids(check_community_settings()) == ["W022"]
    right.MIDDLEWARE.remove("sessions_farm.communities.middleware.HostMiddleware")
    assert check_community_settings() == []  # without communities it is the project's own choice


def test_documentation_lists_every_id():
    shared = (Path(engine_checks.__file__).parent / "schema.py").read_text()
    known = set(re.findall(r"\b[EW]0\d\d\b", shared + (COMMUNITIES / "checks.py").read_text()))
    assert len(known) > 10
    assert known == set(re.findall(r"`([EW]0\d\d)`", DOMAINS_MD))


def test_documentation_lists_every_setting():
    table = DOMAINS_MD.partition("## Settings")[2].partition("## Faults")[0]
    assert set(SCHEMA.names) == set(re.findall(r"`([A-Z_]{4,})`", table)) - {"SESSIONS_FARM_COMMUNITIES"}

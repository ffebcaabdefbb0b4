"""Wrong settings are told with what to do; the sweeper keeps to its batches."""

from __future__ import annotations

import datetime
import os
import re
import secrets
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection

import sessions_farm
from sessions_farm.checks import check_deployment, check_servers, check_settings
from sessions_farm.checks.options import SCHEMA
from sessions_farm.clock import now_ms
from sessions_farm.conf import DAY
from sessions_farm.models import OutboxEvent, Session
from sessions_farm.session import sweeper
from sessions_farm.stores import current_store
from sessions_farm.stores.base import Lifetime
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.tests.support import session_site
from sessions_farm.tests.support.redis_version import RedisOfVersion
from sessions_farm.tests.support.stores_fixtures import HOUR, NOW


@pytest.fixture
def right(settings):
    settings.SESSIONS_FARM = {"STORE": "database"}
    settings.SESSION_ENGINE = "sessions_farm.engine"
    settings.MIDDLEWARE = list(session_site.MIDDLEWARE)
    return settings


def test_right_settings_say_nothing(right):
    assert check_settings() == []


OTHERS = {
    "CACHES",
    "DEBUG",
    "SECRET_KEY_FALLBACKS",
    "SESSIONS_FARM",
    "SESSIONS_FARM_COMMUNITIES",
    "SESSION_COOKIE_NAME",
    "SESSION_COOKIE_SECURE",
    "SESSION_EXPIRE_AT_BROWSER_CLOSE",
}
REDIS = {"REDIS_URL": "redis://127.0.0.1/0"}


def ids(messages):
    return [message.id.removeprefix("sessions_farm.") for message in messages]


@pytest.mark.parametrize(
    ("given", "fault", "hint"),
    [
        ({"STOER": "database"}, "E001", "Did you mean STORE?"),
        ({"STORE": "redis"}, "E002", "REDIS_URL"),
        ({"SWITCH_FROM": "redis"}, "E002", "REDIS_URL"),
        ({"STORE": "no.such.Store"}, "E003", "Stores by name: memory"),
        ({"IDLE": "20"}, "E006", "int"),
        ({"GRACE": True}, "E006", "int"),
        ({"REDIS_TIMEOUT": None}, "E006", "float"),
        ({"EVENTS": 1}, "E006", "bool"),
        ({"READONLY_RAISES": "no"}, "E006", "bool | None"),
        ({"IDLE": 0}, "E007", "more than 0"),
        ({"GRACE": -1}, "E007", "10"),
        ({"SESSION_LIMIT": 200_000}, "E008", "SESSION_LIMIT"),
        ({"VARIABLES": ["hits"]}, "E010", "indexed"),
        ({"VARIABLES": {"*_page": {"ttl": 1}}}, "E010", "checkout_*"),
        ({"VARIABLES": {"": {}}}, "E010", "Give a name"),
        ({"VARIABLES": {"page": "indexed"}}, "E010", "indexed"),
        ({"VARIABLES": {"page": {"indexd": True}}}, "E010", "Did you mean indexed?"),
        ({"VARIABLES": {"page": {"indexed": "yes"}}}, "E010", "True or False"),
        ({"VARIABLES": {"otp": {"ttl": 1.5}}}, "E010", "whole seconds"),
        ({"VARIABLES": {"otp": {"ttl": -5}}}, "E010", "whole seconds"),
        ({"VARIABLES": {"hits": {"counter": True, "ttl": 5}}}, "E011", "counter"),
        ({"VARIABLES": {"otp": {"indexed": True, "ttl": 5}}}, "E011", "found"),
        ({"VARIABLES": {"card": {"guarded": True, "shared": True}}}, "E011", "master"),
        ({"VARIABLES": {"page_*": {"indexed": True}}}, "E012", "by itself"),
        ({"VARIABLES": {"page_*": {"shared": True}}}, "E012", "by itself"),
        ({"VARIABLES": {"_auth_user_id": {}}}, "E013", "Django's own"),
        ({"VARIABLES": {"_farm_signed_in": {"guarded": True}}}, "E013", "_farm_staff"),
        ({"VARIABLES": {"*": {"guarded": True}}}, "E013", "_farm_staff"),
        ({"STORE": "redis", "REDIS_URL": "http://here"}, "E014", "redis://"),
        ({"STORE": "redis", **REDIS, "REDIS_TLS_CA": __file__}, "E014", "rediss://"),
        ({"STORE": "redis", "REDIS_URL": "rediss://here", "REDIS_TLS_CA": "/no/such.pem"}, "E014", "PEM"),
        ({"STORE": "redis", **REDIS, "SWITCH_FROM": "redis"}, "E016", "Nothing is to be moved"),
        ({"STORE": "tiered", **REDIS, "SWITCH_FROM": "database"}, "E016", "change STORE alone"),
        ({"SWITCH_FROM": "memory"}, "E016", "expire"),
        ({**REDIS, "SWITCH_FROM": "redis", "SWITCH_TO": "redis"}, "E016", "SWITCH_TO first"),
        ({"COOKIE_NAME": "my mall"}, "E017", "letters"),
        ({"SESSION_WARNING": 2_000_000}, "W004", "lower SESSION_WARNING"),
        ({"IDLE": 40 * DAY, "COOKIE_AGE": 60 * DAY}, "W004", "lower IDLE"),
        ({"IDLE_STAFF": 15 * DAY}, "W004", "Staff"),
        ({"ABSOLUTE": 31 * DAY}, "W004", "COOKIE_AGE"),
        ({"GRACE": 3600}, "W005", "10 seconds"),
    ],
)
def test_wrong_farm_settings_are_told(right, given, fault, hint):
    if any("REDIS" in name or "redis" in str(value) for name, value in given.items()):
        pytest.importorskip("redis")
    right.SESSIONS_FARM = given
    message = check_settings()[0]
    assert ids([message]) == [fault]
    assert hint in message.hint


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"VARIABLES": {"page": {"indexed": True, "shared": True}, "hits": {"counter": True, "indexed": True}}},
        {"VARIABLES": {"checkout_*": {"guarded": True}, "otp_*": {"ttl": 300}, "views_*": {"counter": True}}},
        {"VARIABLES": {"_farm_signed_in": {"indexed": True, "shared": True}}},
        {"VARIABLES": {"page": {"indexed": False, "ttl": 0, "shared": True}}},
        {"READONLY_RAISES": None, "MAX_LIVE": 0, "TIER_POLL": 0, "REDIS_TIMEOUT": 1},
    ],
)
def test_right_farm_settings_say_nothing(right, given):
    right.SESSIONS_FARM = given
    assert check_settings() == []


def test_settings_are_a_dictionary(right):
    right.SESSIONS_FARM = [("STORE", "memory")]
    assert ids(check_settings()) == ["E009"]
    assert ids(check_deployment()) == []


def test_folder_is_there_and_can_be_written(right, tmp_path, monkeypatch):
    share = tmp_path / "share"
    right.SESSIONS_FARM = {"STORE": "file"}
    assert "E015" in ids(check_settings())
    right.SESSIONS_FARM = {"STORE": "file", "FOLDER": share / "sessions"}
    assert "mount it" in check_settings()[-1].hint
    share.mkdir()
    assert "E015" not in ids(check_settings())
    monkeypatch.setattr(os, "access", lambda path, mode: path != share)  # root may write anywhere
    assert "chmod" in check_settings()[-1].hint


@pytest.mark.parametrize(
    ("setting", "value", "fault"),
    [
        ("MIDDLEWARE", ["django.contrib.sessions.middleware.SessionMiddleware"], "E004"),
        ("MIDDLEWARE", [*session_site.MIDDLEWARE, "django.contrib.sessions.middleware.SessionMiddleware"], "E004"),
        ("MIDDLEWARE", [*reversed(session_site.MIDDLEWARE)], "E005"),
        ("SESSION_SERIALIZER", "x.PickleSerializer", "W001"),
        ("SESSION_SAVE_EVERY_REQUEST", True, "W002"),
        ("SESSION_COOKIE_AGE", 60, "W003"),
        ("SESSION_CACHE_ALIAS", "sessions", "W003"),
        ("SESSION_COOKIE_DOMAIN", "example.org", "W003"),
        ("SESSION_COOKIE_PATH", "/shop", "W003"),
        ("SESSION_COOKIE_SAMESITE", "Strict", "W003"),
    ],
)
def test_wrong_django_settings_are_told(right, setting, value, fault):
    setattr(right, setting, value)
    assert set(ids(check_settings())) == {fault}


def test_djangos_own_app_is_a_leftover(right, monkeypatch):
    monkeypatch.setattr(apps, "is_installed", lambda name: name == "django.contrib.sessions")
    assert ids(check_settings()) == ["W006"]


def test_other_engines_need_none_of_ours(right):
    right.SESSION_ENGINE, right.MIDDLEWARE, right.SESSION_COOKIE_AGE = "django.contrib.sessions.backends.db", [], 60
    assert check_settings() == []


def test_deployment_asks_for_more(right):
    right.SESSIONS_FARM, right.SESSION_COOKIE_SECURE = {"STORE": "memory"}, False
    assert sorted(ids(check_deployment())) == ["W007", "W008"]
    right.SESSIONS_FARM, right.SESSION_COOKIE_SECURE = {"STORE": "database"}, True
    assert set(ids(check_deployment())) <= {"W032"}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite is waited for as long as its own time-out says.")
def test_waits_for_a_dead_postgresql_have_an_end(right, monkeypatch):
    right.SESSIONS_FARM, right.SESSION_COOKIE_SECURE = {"STORE": "tiered", "REDIS_URL": "redis://x"}, True
    settings = connection.settings_dict
    bounds = {"connect_timeout": 5, "tcp_user_timeout": 5000, "keepalives_idle": 5}
    for host, options, missing in [
        ("db.test", {}, ["connect_timeout, tcp_user_timeout, keepalives_idle"]),
        ("db.test", {"connect_timeout": 5}, ["tcp_user_timeout, keepalives_idle"]),
        ("db.test", bounds, []),
        ("/run/postgresql", {}, ["connect_timeout"]),
        ("", {"connect_timeout": 5}, []),
    ]:
        monkeypatch.setitem(settings, "HOST", host)
        monkeypatch.setitem(settings, "OPTIONS", options)
        found = [message for message in check_deployment() if message.id == "sessions_farm.W032"]
        assert [message.msg.rpartition(": ")[2].rstrip(".") for message in found] == missing
    right.SESSIONS_FARM = {"STORE": "redis", "REDIS_URL": "redis://x"}
    monkeypatch.setitem(settings, "OPTIONS", {})
    assert check_deployment() == []


@pytest.mark.parametrize(("version", "refused"), [("6.2.14", ["E026"]), ("7.0.0", []), ("8.2.1", [])])
def test_an_old_redis_is_refused(db, right, version, refused):
    pytest.importorskip("redis")
    with RedisOfVersion(version) as url:
        right.SESSIONS_FARM = {"STORE": "tiered", "REDIS_URL": url, "REDIS_TIMEOUT": 5}
        messages = check_servers(databases=["default"])
    assert ids(messages) == refused
    assert all(version in message.msg and "7.0" in message.hint for message in messages)


def test_only_a_redis_that_answers_is_judged_and_only_where_servers_are_asked(db, right):
    pytest.importorskip("redis")
    with RedisOfVersion("6.2.14") as url:
        right.SESSIONS_FARM = {"STORE": "database", "REDIS_URL": url}
        assert check_servers(databases=["default"]) == []
        right.SESSIONS_FARM = {"STORE": "redis", "REDIS_URL": url}
        assert check_servers(databases=None) == []
    assert check_servers(databases=["default"]) == []


def test_events_that_wait_for_a_sweeper_are_told(db, right):
    right.SESSIONS_FARM = {"STORE": "database"}
    life = Lifetime(HOUR, NOW + HOUR)
    lately, long_ago = now_ms(), now_ms() - 700_000
    run_sync(current_store().create(secrets.token_urlsafe(32), {}, life, lately))
    assert check_servers(databases=["default"]) == []
    OutboxEvent.objects.update(at_ms=long_ago)
    (found,) = check_servers(databases=["default"])
    assert found.id == "sessions_farm.W031"
    assert 700 <= int(re.search(r"has waited (\d+) seconds", found.msg)[1]) < 800
    assert check_servers(databases=None) == []


README = Path(sessions_farm.__file__).parent / "README.md"


def test_readme_lists_every_fault():
    code = "".join(path.read_text() for path in sorted((README.parent / "checks").glob("*.py")))
    known = set(re.findall(r"\b[EW]0\d\d\b", code))
    assert len(known) > 20
    assert known == set(re.findall(r"`([EW]0\d\d)`", README.read_text()))


def test_readme_lists_every_setting():
    table = README.read_text().partition("## Settings")[2].partition("## System checks")[0]
    assert set(SCHEMA.names) == set(re.findall(r"`([A-Z_]{4,})`", table)) - OTHERS


def test_sweeper_works_in_batches_until_nothing_is_due(db, right, capsys):
    right.SESSIONS_FARM = {"STORE": "database", "SWEEP_BATCH": 10}
    for number in range(25):
        ends = NOW + (HOUR if number else 90 * HOUR)
        run_sync(current_store().create(secrets.token_urlsafe(32), {"x": "1"}, Lifetime(90 * HOUR, ends), NOW))
    later = datetime.datetime.fromtimestamp(NOW / 1000, datetime.UTC) + datetime.timedelta(hours=2)
    assert sweeper.sweep(now=later) == 5  # of 24 ends, and of 49 events with the 25 starts
    assert Session.objects.count() == 1
    call_command("clearsessions")
    assert "Swept in 1 batch." in capsys.readouterr().out

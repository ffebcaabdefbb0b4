"""Wrong settings are told with what to do; the sweeper keeps to its batches."""

from __future__ import annotations

import datetime
import secrets

import pytest
from django.core.management import call_command

from sessions_farm import sweeper
from sessions_farm.checks import check_settings
from sessions_farm.models import Session
from sessions_farm.stores import current_store
from sessions_farm.stores.base import Lifetime
from sessions_farm.tests import session_site
from sessions_farm.tests.stores_fixtures import HOUR, NOW


@pytest.fixture
def right(settings):
    settings.SESSIONS_FARM = {"STORE": "database"}
    settings.SESSION_ENGINE = "sessions_farm.engine"
    settings.MIDDLEWARE = list(session_site.MIDDLEWARE)
    return settings


def test_right_settings_say_nothing(right):
    assert check_settings() == []


@pytest.mark.parametrize(
    ("given", "fault", "hint"),
    [
        ({"STOER": "database"}, "E001", "STORE"),
        ({"STORE": "redis"}, "E002", "REDIS_URL"),
        ({"STORE": "no.such.Store"}, "E003", "memory, database"),
        ({"STAFF_OF": "no.such.function"}, "E003", "f(user)"),
    ],
)
def test_wrong_farm_settings_are_told(right, given, fault, hint):
    right.SESSIONS_FARM = given
    (message,) = check_settings()
    assert message.id == f"sessions_farm.{fault}"
    assert hint in message.hint


@pytest.mark.parametrize(
    ("setting", "value", "fault"),
    [
        ("MIDDLEWARE", ["django.contrib.sessions.middleware.SessionMiddleware"], "E004"),
        ("MIDDLEWARE", [*reversed(session_site.MIDDLEWARE)], "E005"),
        ("SESSION_SERIALIZER", "x.PickleSerializer", "W001"),
        ("SESSION_SAVE_EVERY_REQUEST", True, "W002"),
    ],
)
def test_wrong_django_settings_are_told(right, setting, value, fault):
    setattr(right, setting, value)
    assert [message.id for message in check_settings()] == [f"sessions_farm.{fault}"]


def test_sweeper_works_in_batches_until_nothing_is_due(db, right, capsys):
    right.SESSIONS_FARM = {"STORE": "database", "SWEEP_BATCH": 10}
    for number in range(25):
        ends = NOW + (HOUR if number else 90 * HOUR)
        current_store().create(secrets.token_urlsafe(32), {"x": "1"}, Lifetime(90 * HOUR, ends), NOW)
    later = datetime.datetime.fromtimestamp(NOW / 1000, datetime.UTC) + datetime.timedelta(hours=2)
    assert sweeper.sweep(now=later) == 3
    assert Session.objects.count() == 1
    call_command("clearsessions")
    assert "Swept in 1 batch." in capsys.readouterr().out

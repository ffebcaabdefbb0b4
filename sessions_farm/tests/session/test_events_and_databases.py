"""Events are delivered in the database that has their dedup rows, whatever a router says and whoever dies."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from sessions_farm.checks import check_settings
from sessions_farm.models import DeliveredEvent
from sessions_farm.session.events import deliver_events
from sessions_farm.session.session import SessionStore
from sessions_farm.signals import session_started
from sessions_farm.tests.support import second_database, session_site
from sessions_farm.tests.support.people import make_user

SUPPORT = "sessions_farm.tests.support.second_database"
ROUTERS = {"all in the second": "Router", "record in the default": "RouterOfSessionsAlone"}

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", second_database.ALIAS]),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="The second database is PostgreSQL's."),
]


class DeathError(BaseException):
    """The end of the process, as its transactions see it."""


@pytest.fixture(scope="module", autouse=True)
def second(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), second_database.made([]):
        yield


@pytest.fixture(autouse=True)
def farm(settings):
    settings.SESSION_ENGINE = "sessions_farm.engine"
    settings.SESSIONS_FARM = {"STORE": "database"}
    settings.MIDDLEWARE = session_site.MIDDLEWARE
    return settings


class Receiver:
    """Writes a row into the default database at each call, and dies after its first."""

    def __init__(self, *, error):
        self.error = error
        self.calls = 0

    def __call__(self, **_event):
        self.calls += 1
        make_user(f"{self.calls}@example.org")
        if self.calls == 1:
            raise self.error


def start_session():
    session = SessionStore()
    session["x"] = 1
    session.save()


def deliver_twice(receiver):
    start_session()
    session_started.connect(receiver)
    try:
        try:
            deliver_events()
        except DeathError:
            deliver_events()
        return deliver_events()
    finally:
        session_started.disconnect(receiver)


@pytest.mark.parametrize("router", [None, *ROUTERS.values()], ids=["none", *ROUTERS])
def test_work_of_a_receiver_is_done_once_though_the_deliverer_dies(farm, router):
    farm.DATABASE_ROUTERS = [f"{SUPPORT}.{router}"] if router else []
    receiver = Receiver(error=DeathError())
    assert deliver_twice(receiver) == 0  # nothing is left
    assert list(get_user_model().objects.values_list("email", flat=True)) == ["2@example.org"]
    assert receiver.calls == 2
    assert DeliveredEvent.objects.count() == 1


@pytest.mark.parametrize("router", [None, *ROUTERS.values()], ids=["none", *ROUTERS])
def test_work_of_a_receiver_that_fails_is_undone(farm, router):
    """First all events in one savepoint, then each by itself: two calls, of which the second is kept."""
    farm.DATABASE_ROUTERS = [f"{SUPPORT}.{router}"] if router else []
    deliver_twice(Receiver(error=ValueError("once")))
    assert list(get_user_model().objects.values_list("email", flat=True)) == ["2@example.org"]


def messages():
    return [message.id.removeprefix("sessions_farm.") for message in check_settings()]


def test_routers_are_checked(farm):
    assert messages() == []
    farm.DATABASE_ROUTERS = [f"{SUPPORT}.Router"]
    assert messages() == ["W030"]
    farm.SESSIONS_FARM = {"STORE": "database", "EVENTS": False}
    assert messages() == []
    farm.DATABASE_ROUTERS = [f"{SUPPORT}.RouterOfSessionsAlone"]
    farm.SESSIONS_FARM = {"STORE": "database"}
    assert messages() == []
    farm.DATABASE_ROUTERS = [f"{SUPPORT}.RouterOfVariables"]
    assert messages() == ["E030"]
    farm.SESSIONS_FARM = {"STORE": "memory"}
    assert messages() == []

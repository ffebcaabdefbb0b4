"""Trips, counted on the wire between a node and its servers: what one page of each kind costs."""

from __future__ import annotations

import time

import pytest
from django.contrib.auth import login
from django.db import connection
from django.test import Client as StockClient

from sessions_farm.clock import STORE_CLOCK
from sessions_farm.communities.registry import registry
from sessions_farm.communities.tests.support.fixtures import HOST_MIDDLEWARE
from sessions_farm.models import Session
from sessions_farm.session import ids as keys
from sessions_farm.session.session import SessionStore
from sessions_farm.stores import current_store
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.tests.support import session_site
from sessions_farm.tests.support.cable import DatabaseCable, RedisCable
from sessions_farm.tests.support.people import make_user
from sessions_farm.tests.support.stores_fixtures import REDIS_URL
from sessions_farm.web import cookies

HOST = "mall.test"
MINUTE = 60_000

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not REDIS_URL, reason="The wire to a Redis is counted: set REDIS_URL."),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no wire."),
]


class Wires:
    """Both lines of a node; ``cost`` gives the trips of one page on each."""

    def __init__(self, store, redis, database):
        self.store, self.redis, self.database = store, redis, database

    def cost(self, session_id, do=None, method="get"):
        """(Redis, SQL)"""
        client = StockClient()
        if session_id:
            client.cookies["mall"] = cookies.seal(registry.resolve(HOST), session_id)
        session_site.TO_DO[:] = [do] if do else []
        before = self.redis.trips, self.database.trips
        assert getattr(client, method)("/", headers={"host": HOST}).status_code == 200
        return self.redis.trips - before[0], self.database.trips - before[1]

    def each(self, database=(0, 0), redis=(0, 0), tiered=(0, 0)):
        """What is expected of the store at hand."""
        return {"database": database, "redis": redis, "tiered": tiered}[self.store]


@pytest.fixture(params=["database", "redis", "tiered"])
def wires(request, two_communities, settings):
    redis, database = RedisCable(REDIS_URL), DatabaseCable(connection)
    settings.MIDDLEWARE = [HOST_MIDDLEWARE, *session_site.MIDDLEWARE]
    settings.ROOT_URLCONF = "sessions_farm.tests.support.session_site"
    settings.SESSION_COOKIE_SECURE = False
    # What a node asks once a second for all its pages (the registry, the tier's epoch) is asked before we count.
    settings.SESSIONS_FARM = {
        "STORE": request.param,
        "REDIS_URL": redis.url,
        "REDIS_TIMEOUT": 60,
        "REDIS_PREFIX": f"farm-{keys.new_id()[:8]}",
        "TIER_POLL": 3600,
    }
    registry.forget()
    registry.resolve(HOST)
    warm_up()
    yield Wires(request.param, redis, database)
    session_site.TO_DO.clear()
    database.unplug()
    redis.cut()


def warm_up():
    """Scripts are loaded once in the life of a Redis, and connections made once in a node's."""
    session_id = new_session(x=1)
    session = SessionStore(session_id)
    session.increment("x")
    session["z"] = 1
    session.save()
    session.cycle_key()
    session["y"] = 1
    session.save()
    SessionStore(session.session_key).delete()
    nobody = SessionStore(proof=keys.Proof(keys.new_id(), int(time.time())))
    nobody.get("x")
    run_sync(current_store().touch(session_id, 0))


def new_session(**variables):
    session = SessionStore()
    session.update(variables)
    session.save()
    return session.session_key


def read(request):
    return request.session.get("x")


def write(request):
    request.session["x"] = request.session.get("x", 0) + 1


def write_and_drop(request):
    write(request)
    request.session["new"] = 1
    request.session.pop("y", None)


def test_cable_counts_trips(wires):
    """The control: what we count by is the wire's, not the store's own tally."""
    before = wires.database.trips
    with connection.cursor() as cursor:
        for _ in range(3):
            cursor.execute("SELECT repeat('x', 200000)")
    assert wires.database.trips - before == 3


def test_untouched_page(wires):
    assert wires.cost(new_session(x=1)) == (0, 0)


def test_reading_page(wires):
    assert wires.cost(new_session(x=1), read) == wires.each((0, 1), (1, 0), (1, 0))


def test_reading_page_that_slides_the_time_out(wires, monkeypatch):
    session_id = new_session(x=1)
    key, store = keys.digest(session_id), current_store()
    monkeypatch.setattr(STORE_CLOCK, "offset_ms", 5 * MINUTE)
    soon = STORE_CLOCK.now_ms()
    assert wires.cost(session_id, read) == wires.each((0, 1), (1, 0), (1, 1))
    assert run_sync(store.load(key, soon + 18 * MINUTE)).variables == {"x": "1"}
    if wires.store != "redis":
        assert Session.objects.get(key_hash=key).expires_ms >= soon + 20 * MINUTE


def test_page_that_reads_then_writes(wires):
    assert wires.cost(new_session(x=1), write) == wires.each((0, 2), (2, 0), (2, 1))


def test_page_that_reads_then_writes_and_drops(wires):
    session_id = new_session(x=1, y=1)
    assert wires.cost(session_id, write_and_drop) == wires.each((0, 2), (2, 0), (2, 1))
    assert dict(SessionStore(session_id).items()) == {"x": 2, "new": 1}


def test_page_that_clears(wires):
    session_id = new_session(x=1, y=1)
    seen = wires.cost(session_id, lambda request: (read(request), request.session.clear(), write(request)))
    assert seen == wires.each((0, 2), (2, 0), (2, 1))
    assert dict(SessionStore(session_id).items()) == {"x": 1}


def test_first_write_of_a_new_visitor(wires):
    assert wires.cost(None, write) == wires.each((0, 1), (1, 0), (1, 1))


def test_pages_of_a_visitor_with_nothing_stored(wires):
    """Redis cannot tell what SQL has not; so the tiers ask both once, and Redis keeps the answer for a while."""
    session_id = keys.new_id()
    costs = [wires.cost(session_id, read) for _ in range(3)]
    assert costs[0] == wires.each((0, 1), (1, 0), (2, 1))
    assert costs[1:] == [wires.each((0, 1), (1, 0), (1, 0))] * 2


def test_first_write_after_pages_with_nothing_stored(wires):
    session_id = keys.new_id()
    wires.cost(session_id, read)
    wires.cost(session_id, read)
    assert wires.cost(session_id, write) == wires.each((0, 2), (2, 0), (2, 1))
    assert SessionStore(session_id)["x"] == 1


def test_login_rotates_in_two_trips_a_tier(wires):
    """Load and rotate; the visitor moves along, by one statement where the store is not in SQL itself."""
    session_id = new_session(x=1)

    def take_new_id(request):
        request.session.cycle_key()
        request.session["_farm_signed_in"] = True

    assert wires.cost(session_id, take_new_id) == wires.each((0, 2), (2, 0 + 1), (2, 1))


def test_page_after_a_login_is_one_trip(wires):
    session_id, ids = new_session(x=1), []

    def take_new_id(request):
        request.session.cycle_key()
        request.session["y"] = 2
        ids.append(request.session.session_key)

    wires.cost(session_id, take_new_id)
    assert wires.cost(ids[0], read) == wires.each((0, 1), (1, 0), (1, 0))
    assert dict(SessionStore(ids[0]).items()) == {"x": 1, "y": 2}


def test_login_of_a_person_keeps_the_sessions_trips(wires):
    """All of Django's login; SQL has the person, the visitor and the last login besides, Redis the session alone."""
    user = make_user()
    session_id = new_session(x=1)
    redis, _ = wires.cost(session_id, lambda request: login(request, user), method="post")
    assert redis == wires.each((0,), (2,), (2,))[0]

"""A node whose clock is wrong ends no session, and none of its own ends early: moments are by the store's clock."""

from __future__ import annotations

import time

import pytest
import time_machine
from asgiref.sync import async_to_sync

from sessions_farm.clock import STORE_CLOCK, StoreClock
from sessions_farm.conf import options
from sessions_farm.session import queries, sweeper
from sessions_farm.session.audience import SITE
from sessions_farm.session.session import SessionStore
from sessions_farm.stores import current_store
from sessions_farm.tests.support.named_stores import RUNNABLE, options_of
from sessions_farm.web import cookies

WRONG = 21 * 60  # seconds: more than an anonymous session may idle
STORES = [pytest.param(name, marks=pytest.mark.django_db(transaction=True)) for name in RUNNABLE]


@pytest.fixture(params=STORES)
def store(request, settings, tmp_path, monkeypatch):
    settings.SESSIONS_FARM = options_of(request.param, tmp_path)
    current_store()  # as in a process that serves pages
    monkeypatch.setattr(STORE_CLOCK, "is_followed", True)
    STORE_CLOCK.forget()
    yield request.param
    STORE_CLOCK.offset_ms = 0
    STORE_CLOCK.forget()
    current_store.cache_clear()


@pytest.fixture(params=[WRONG, -WRONG], ids=["ahead", "behind"])
def wrong_clock(request):
    return lambda: time_machine.travel(time.time() + request.param, tick=True)


def saved():
    session = SessionStore()
    session["a"] = 1
    session.save()
    return session.session_key


def found(key):
    return SessionStore(key).get("a")


def test_node_with_a_wrong_clock_ends_no_session(store, wrong_clock):
    others = saved()
    with wrong_clock():
        assert found(others) == 1
        assert async_to_sync(SessionStore(others).aget)("a") == 1
        own = saved()
        assert SessionStore(own).increment("n") == 1
        sweeper.sweep()
        SessionStore.clear_expired()
        assert (found(others), found(own), queries.count()) == (1, 1, 2)
        cookie = cookies.seal(SITE, own, host="shop.test")
        assert cookies.prove(SITE, cookie, host="shop.test").id == own
    assert cookies.prove(SITE, cookie, host="shop.test").id == own
    sweeper.sweep()
    assert (found(others), found(own)) == (1, 1)
    for key in (others, own):
        session = SessionStore(key)
        session.load()
        assert abs(session._header.expires / 1000 - time.time() - options().idle) < 60


def test_control_by_its_own_clock_the_node_sees_no_session(store, monkeypatch):
    monkeypatch.setattr(STORE_CLOCK, "is_followed", False)
    others = saved()
    with time_machine.travel(time.time() + WRONG, tick=True):
        assert found(others) is None


def test_process_that_begins_with_a_wrong_clock_asks_first(store, wrong_clock):
    if store == "memory":
        pytest.skip("The memory of a process has no other clock than that of its beginning.")
    others = saved()
    with wrong_clock():
        STORE_CLOCK.offset_ms = 0
        STORE_CLOCK.forget()
        assert found(others) == 1


def test_store_is_asked_once_a_minute_and_counts_as_nobodys_trip(store, monkeypatch):
    asked, place = [], current_store()
    clock = place.clock
    monkeypatch.setattr(place, "clock", lambda: asked.append(1) or clock())
    key = saved()
    sessions = [SessionStore(key) for _ in range(3)]
    assert [session.get("a") for session in sessions] == [1, 1, 1]
    assert len(asked) == 1
    STORE_CLOCK.forget()
    last = SessionStore(key)
    last.load()
    assert len(asked) == 2
    assert last.round_trips.trips == sessions[-1].round_trips.trips


def test_difference_below_a_second_is_left_alone():
    clock = StoreClock()
    clock.set(clock.now_ms() + 900, time.monotonic())
    assert clock.offset_ms == 0
    clock.set(clock.now_ms() - 5000, time.monotonic())
    assert abs(clock.offset_ms + 5000) < 3000


def test_slow_answer_moves_the_clock_by_no_more_than_is_known():
    """What was asked eight seconds ago may be eight seconds old."""
    clock = StoreClock()
    clock.set(clock.now_ms() - 4000, time.monotonic() - 8)
    assert clock.offset_ms == 0

"""Redis over SQL when an answer of SQL is lost, or its writer goes away: no copy is believed that SQL does not have."""

from __future__ import annotations

import asyncio
import secrets
import time

import pytest
from django.db import connection

from sessions_farm.models import Tier
from sessions_farm.stores.base import Change, Increment, SessionEndedError, State, StoreUnavailableError
from sessions_farm.stores.effects.effects import run_async, run_sync
from sessions_farm.tests.support.cable import DatabaseCable
from sessions_farm.tests.support.redis_servers import until
from sessions_farm.tests.support.stores_fixtures import (
    HOUR,
    LIFE,
    NOW,
    REDIS_URL,
    copy_of,
    in_threads,
    make_node,
    read,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not REDIS_URL, reason="The tiers need a Redis: set REDIS_URL."),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no wire."),
]

CALLERS = 64  # one after the other they would need half a minute


@pytest.fixture
def node(cable, prefix):
    """A node that asks for the epoch once, so that the answers that are lost are those to its writes."""
    store = make_node(cable.url, prefix, tier_poll=60)
    store.load("a key", NOW)
    return store


@pytest.fixture
def live(node):
    key = secrets.token_urlsafe(32)
    node.create(key, {"a": "1"}, LIFE, NOW)
    return key


@pytest.fixture
def database():
    line = DatabaseCable(connection)
    yield line
    line.unplug()


def losing(database, act):
    """Do it and lose the answer; SQL has done it."""
    connection.ensure_connection()
    database.lose_answer()
    with pytest.raises(StoreUnavailableError):
        act()
    connection.close()


def nothing(*_args):
    """Steps that are none."""
    yield from ()


def test_write_whose_answer_was_lost_is_read_from_sql(node, other, live, database):
    assert read(other, live) == {"a": "1"}
    losing(database, lambda: node.apply(live, Change(put={"a": "2"}), NOW))
    assert read(other, live) == read(node, live) == {"a": "2"}


def test_control_without_invalidation_the_old_copy_is_believed(node, other, live, database, monkeypatch):
    monkeypatch.setattr(node._store.redis, "invalidate", lambda _keys: [])
    losing(database, lambda: node.apply(live, Change(put={"a": "2"}), NOW))
    assert read(other, live) == {"a": "1"}


def test_logout_whose_answer_was_lost_is_final(node, other, live, database):
    losing(database, lambda: node.delete(live, "ended", NOW))
    assert other.load(live, NOW).state is State.ENDED
    with pytest.raises(SessionEndedError):
        other.apply(live, Change(put={"a": "2"}), NOW)


def test_session_whose_making_was_not_answered_is_not_hidden(node, other, database):
    key = secrets.token_urlsafe(32)
    other.load(key, NOW)  # Redis knows that there is none
    losing(database, lambda: node.create(key, {"a": "1"}, LIFE, NOW))
    assert read(other, key) == {"a": "1"}


def test_rotation_whose_answer_was_lost_is_seen_under_both_keys(node, other, live, database):
    new = secrets.token_urlsafe(32)
    other.load(new, NOW)
    losing(database, lambda: node.rotate(live, new, Change(put={"user": "7"}), NOW, 10_000))
    assert read(other, new) == {"a": "1", "user": "7"}
    assert other.load(live, NOW).state is State.ENDED


def test_end_of_many_whose_answer_was_lost_leaves_no_copy_believed(node, other, database):
    key = secrets.token_urlsafe(32)
    node.create(key, {"owner": '"u"'}, LIFE, NOW)
    losing(database, lambda: node.end_where("owner", '"u"', "", "everywhere", NOW))
    node.load(secrets.token_urlsafe(32), NOW)  # the next page of this node tells SQL
    assert other.load(key, NOW).state is State.ENDED


def test_epoch_is_bumped_once_sql_is_back_where_redis_could_not_be_told(node, other, cable, live, database):
    epoch = Tier.objects.get().epoch
    connection.ensure_connection()
    cable.cut()
    database.lose_answer()
    with pytest.raises(StoreUnavailableError):
        node.apply(live, Change(put={"a": "2"}), NOW)
    connection.close()
    assert read(node, live) == {"a": "2"}
    assert Tier.objects.get().epoch == epoch + 1
    assert read(other, live) == {"a": "2"}


def test_write_that_comes_true_after_its_answer_was_given_up(node, other, live, monkeypatch):
    """A reader in between must not put the old version back."""
    real = node.sql.apply

    def give_up(*_args):
        raise StoreUnavailableError("The line went dead.")

    with monkeypatch.context() as patch:
        patch.setattr(node.sql, "apply", give_up)
        with pytest.raises(StoreUnavailableError):
            node.apply(live, Change(put={"a": "2"}), NOW)
    assert read(other, live) == {"a": "1"}
    real(live, Change(put={"a": "2"}), NOW)
    assert read(other, live) == {"a": "2"}


def test_lost_sum_asked_for_again_counts_once(node, other, live, database):
    change = Change(add={"hits": 3}, idempotency_key="once")
    losing(database, lambda: node.apply(live, change, NOW))
    node.apply(live, change, NOW)
    losing(database, lambda: node.modify(live, Increment("hits", 1), NOW, "twice"))
    assert node.modify(live, Increment("hits", 1), NOW, "twice") == "4"
    assert read(node, live) == read(other, live) == {"a": "1", "hits": "4"}


def test_sums_follow_in_the_copy(node, live, monkeypatch):
    node.apply(live, Change(add={"a": 2, "hits": -3}), NOW)
    assert copy_of(node, live) == {"a": "3", "hits": "-3"}
    node.apply(live, Change(put={"big": "9" * 30}), NOW)
    node.apply(live, Change(add={"big": 1}), NOW)  # more than Redis can add
    assert copy_of(node, live) == {}
    assert read(node, live)["big"] == "1" + "0" * 30


def test_session_that_ended_without_its_copy_is_found_out_at_the_next_touch(node, other, live):
    """Its ender was killed between SQL and Redis."""
    node.sql.delete(live, "ended", NOW)
    assert other.load(live, NOW).state is State.LIVE
    assert other.load(live, NOW + HOUR // 5).state is State.ENDED
    assert node.load(live, NOW + HOUR // 5).state is State.ENDED


def test_end_of_many_buries_every_copy(node, other):
    keys = [secrets.token_urlsafe(32) for _ in range(5)]
    for key in keys:
        node.create(key, {"owner": '"u"'}, LIFE, NOW)
    assert node.end_where("owner", '"u"', keys[0], "everywhere", NOW) == 4
    assert [other.load(key, NOW).state for key in keys] == [State.LIVE] + [State.ENDED] * 4


def test_swept_session_leaves_no_copy(node, other, live):
    """A copy may have been touched where SQL could not be."""
    later = NOW + HOUR - 1
    node.redis.touch(live, later)
    assert other.redis.load(live, NOW + HOUR + 1).state is State.LIVE
    node.sweep(NOW + HOUR + 1, 10)
    assert other.load(live, NOW + HOUR + 1).state is State.ABSENT


def test_write_whose_request_was_cancelled_reaches_its_copy(node, live, monkeypatch):
    store, written, go_on = node._store, asyncio.Event(), asyncio.Event()
    real = store.sql.apply

    def stop_in_between(*args):
        found = yield from real(*args)
        yield Stop(written, go_on)
        return found

    monkeypatch.setattr(store.sql, "apply", stop_in_between)

    async def be_cancelled():
        task = asyncio.ensure_future(run_async(store.apply(live, Change(put={"a": "2"}), NOW)))
        await written.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go_on.set()
        await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
        return await run_async(store.load(live, NOW))

    assert dict(asyncio.run(be_cancelled()).variables) == {"a": "2"}
    assert copy_of(node, live) == {"a": "2"}


class Stop:
    """A step that says that it has come so far, and goes on when it is told to."""

    def __init__(self, here, go_on):
        self.here, self.go_on = here, go_on

    async def run_async(self):
        self.here.set()
        await self.go_on.wait()


def test_breaker_is_right_for_threads_and_for_tasks(cable, prefix):
    """While it is open, one caller at a time probes and the others are refused at once."""
    node = make_node(cable.url, prefix, redis_timeout=0.5, breaker_rest=0.05)
    breaker, ping = node._store.breaker, node._store.redis.ping
    cable.clogged = True
    breaker.record_failure()
    time.sleep(0.06)
    begun = time.monotonic()
    assert in_threads([lambda: run_sync(breaker.probe(ping))] * CALLERS) == [False] * CALLERS
    time.sleep(0.06)

    async def in_tasks():
        return await asyncio.gather(*(run_async(breaker.probe(ping)) for _ in range(CALLERS)))

    assert asyncio.run(in_tasks()) == [False] * CALLERS
    assert time.monotonic() - begun < CALLERS * 0.5  # not one after the other
    cable.clogged = False
    until(lambda: True in asyncio.run(in_tasks()), "Redis answers within so short a time-out")
    assert run_sync(breaker.probe(ping))
    assert not breaker.is_open


def test_cancelled_probe_gives_its_turn_back(cable, prefix):
    node = make_node(cable.url, prefix, redis_timeout=5, breaker_rest=0.01)
    breaker, ping = node._store.breaker, node._store.redis.ping
    cable.clogged = True
    breaker.record_failure()
    time.sleep(0.02)

    async def be_cancelled():
        task = asyncio.ensure_future(run_async(breaker.probe(ping)))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(be_cancelled())
    cable.clogged = False
    assert run_sync(breaker.probe(ping))

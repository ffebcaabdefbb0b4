"""Sessions in PostgreSQL from an event loop: one round trip a method, connections closed when the loop ends."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager

import pytest
from django.db import connection

from sessions_farm.stores.base import (
    Append,
    Change,
    CompareAndSet,
    ConflictError,
    Increment,
    State,
    StoreUnavailableError,
)
from sessions_farm.stores.effects.effects import run_async, run_sync
from sessions_farm.stores.sql.postgresql import async_pool
from sessions_farm.stores.sql.postgresql.query import Query
from sessions_farm.tests.support.cable import DatabaseCable
from sessions_farm.tests.support.stores_fixtures import (
    COMMITTED,
    HOUR,
    LIFE,
    NOW,
    delete_rows,
    make_store,
    new_key,
)

pytestmark = [
    COMMITTED,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="Other databases have no native connections."),
]
LATER = NOW + HOUR // 2  # when a load slides the time-out


@pytest.fixture
def store():
    yield make_store("database", drive=lambda effects: effects)  # the effects themselves
    delete_rows()


@pytest.fixture
def cable():
    line = DatabaseCable(connection)
    yield line
    line.clogged = False
    line.unplug()


def calls_of(store):
    """Return a call of each method, in an order in which each succeeds."""
    key, other, gone, held = new_key(), new_key(), new_key(), {"page": '"/"', "n": "1"}
    return {
        "create": lambda: store.create(key, held, LIFE, NOW),
        "load": lambda: store.load(key, NOW),
        "load that touches": lambda: store.load(key, LATER),
        "apply": lambda: store.apply(key, Change(put={"page": '"/x"'}), LATER),
        "apply that drops": lambda: store.apply(key, Change(put={"a": "1"}, drop=["page"]), LATER),
        "apply that clears": lambda: store.apply(key, Change(put={"n": "1"}, replace=True), LATER),
        "apply that adds": lambda: store.apply(key, Change(add={"n": 2}, idempotency_key="x"), LATER),
        "acquire": lambda: store.acquire(key, "token", LATER, HOUR),
        "apply under a lease": lambda: store.apply(key, Change(put={"a": "2"}, holder="token"), LATER),
        "release": lambda: store.release(key, "token"),
        "increment": lambda: store.modify(key, Increment("n", 1), LATER, "1"),
        "append": lambda: store.modify(key, Append("list", "1"), LATER, "2"),
        "compare and set": lambda: store.modify(key, CompareAndSet("a", '"2"', "3"), LATER, "3"),
        "compare and drop": lambda: store.modify(key, CompareAndSet("list", "[1]", None), LATER, "4"),
        "touch": lambda: store.touch(key, LATER),
        "rotate": lambda: store.rotate(key, other, Change(put={"owner": '"7"'}), LATER, 1000),
        "get_many": lambda: store.get_many([key, other], LATER),
        "find": lambda: store.find({"owner": '"7"'}, LATER, 10),
        "count": lambda: store.count(LATER),
        "read events": lambda: store.read_events(10),
        "forget events": lambda: store.forget_events(["1"]),
        "read changes": lambda: store.read_changes("page", "", 0),
        "end where": lambda: store.end_where("owner", '"7"', "", "ended", LATER),
        "delete": lambda: store.delete(gone, "ended", LATER),
        "put code": lambda: store.put_code(gone, "payload", 60),
        "take code": lambda: store.take_code(gone),
    }


def cost_of(cable, drive, effects):
    before = cable.trips
    answer = drive(effects)
    return cable.trips - before, answer


def make_each(store, cable, drive):
    """Return the round trips of each method, counted on the wire. Compare-and-set is refused by its design here."""
    drive(store.count(NOW))  # connections are made once
    seen = {}
    for name, call in calls_of(store).items():
        try:
            seen[name] = cost_of(cable, drive, call())[0]
        except ConflictError:
            seen[name] = "refused"
    return seen


EXPECTED = {"compare and set": "refused"}  # a refusal reads its reason: see the test of refusals


def test_each_method_is_one_round_trip_in_a_thread(store, cable):
    seen = make_each(store, cable, run_sync)
    assert seen == dict.fromkeys(seen, 1) | EXPECTED


def test_each_method_is_one_round_trip_in_an_event_loop(store, cable):
    with a_loop() as drive:
        seen = make_each(store, cable, drive)
    assert seen == dict.fromkeys(seen, 1) | EXPECTED


def test_refusal_costs_a_second_round_trip(store, cable):
    key = new_key()
    run_sync(store.create(key, {"a": "1"}, LIFE, NOW))
    before = cable.trips
    with pytest.raises(ConflictError):
        run_sync(store.modify(key, CompareAndSet("a", "2", "3"), NOW))
    assert cable.trips - before == 2


@contextmanager
def a_loop():
    """Run effects in one event loop, which ends with the block as a server's does."""
    with asyncio.Runner() as runner:
        yield lambda effects: runner.run(run_async(effects))


def lines():
    """Connections of other processes and threads to our database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        return {pid for (pid,) in cursor.fetchall()}


def test_connections_are_closed_with_their_loop(store):
    before = lines()
    with a_loop() as drive:
        drive(store.count(NOW))
        assert len(lines() - before) == 1
    while lines() - before:
        pass  # the server is a moment behind; one that is never closed is stopped by the test's time limit
    assert not async_pool._pools
    assert not async_pool._watches


def test_connections_of_a_loop_without_an_end_are_thrown_away(store):
    before, loop = lines(), asyncio.new_event_loop()
    loop.run_until_complete(run_async(store.count(NOW)))
    loop.close()
    with a_loop() as drive:
        drive(store.count(NOW))
        while len(lines() - before) > 1:
            pass  # as above


def test_many_tasks_share_few_connections(store):
    key, before = new_key(), lines()
    run_sync(store.create(key, {"n": "0"}, LIFE, NOW))

    async def all_at_once():
        await asyncio.gather(
            *(run_async(store.modify(key, Increment("n", 1), NOW)) for _ in range(5 * async_pool.MAX_SIZE))
        )

    with asyncio.Runner() as runner:
        runner.run(all_at_once())
        assert len(lines() - before) <= async_pool.MAX_SIZE
    assert run_sync(store.load(key, NOW)).variables["n"] == str(5 * async_pool.MAX_SIZE)


def test_connection_that_the_server_closed_is_replaced(store):
    with a_loop() as drive:
        before = lines()
        drive(store.count(NOW))
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pid, 5000) FROM unnest(%s) AS pid", [list(lines() - before)])
        assert drive(store.count(NOW)) == 0


def test_database_that_is_away_is_said_to_be(store, cable):
    with a_loop() as drive:
        drive(store.count(NOW))
        cable.cut()
        with pytest.raises(StoreUnavailableError):
            drive(store.count(NOW))
        cable.mend()
        assert drive(store.count(NOW)) == 0


def test_cancelled_task_leaves_a_sound_connection(store):
    async def cancelled():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await Query("default", ("SELECT pg_sleep(30)",), {}).run_async()
        return await run_async(store.count(NOW))

    assert asyncio.run(cancelled()) == 0


def test_statements_of_one_message_are_one_transaction(store):
    """An error in the last statement rolls back the first."""
    key = new_key()
    run_sync(store.create(key, {"a": "1"}, LIFE, NOW))
    statements = ("DELETE FROM sessions_farm_session", "SELECT 1 / 0")
    with a_loop() as drive, pytest.raises(Exception, match="division by zero"):
        drive(one(Query("default", statements, {})))
    assert run_sync(store.load(key, NOW)).state is State.LIVE


def one(effect):
    return (yield effect)

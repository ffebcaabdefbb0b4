"""Races of sessions in SQL: commits out of order, skipped locks, and waiters for a lease."""

from __future__ import annotations

import asyncio
import threading

import pytest
from django.db import connection, transaction

from sessions_farm.models import Session
from sessions_farm.stores.base import Change, LeaseLostError, now_ms
from sessions_farm.stores.effects.effects import run_async, run_sync
from sessions_farm.tests.support.stores_fixtures import (
    COMMITTED,
    HOUR,
    NOW,
    delete_rows,
    in_threads,
    make_store,
    read,
    started,
)

pytestmark = COMMITTED
ONLY_POSTGRESQL = pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's own.")


@pytest.fixture
def committed():
    yield make_store("database")
    delete_rows()


def test_concurrent_sums_have_no_lost_updates(committed):
    store, key = committed, started(committed, {"n": "0"})
    in_threads([lambda: [store.apply(key, Change(add={"n": 1, "m": 2}), NOW) for _ in range(25)]] * 4)
    assert read(store, key) == {"n": "100", "m": "200"}


@ONLY_POSTGRESQL
def test_feed_misses_no_commit_that_came_late(committed):
    """A change that has the lower number and is committed later is read, once."""
    store, early, late = committed, started(committed), started(committed)
    place, written, go_on = store.read_changes("page", "", 0)[1], threading.Event(), threading.Event()

    def slow():
        with transaction.atomic():
            store.apply(early, Change(put={"page": '"slow"'}), NOW)
            written.set()
            go_on.wait(30)

    def reader():
        written.wait(30)
        store.apply(late, Change(put={"page": '"fast"'}), NOW)
        first, after = store.read_changes("page", place, 0)
        go_on.set()
        second, after = store.read_changes("page", after, 30)
        third, _ = store.read_changes("page", after, 0)
        return [[change.text for change in changes] for changes in (first, second, third)]

    assert in_threads([slow, reader])[1] == [['"fast"'], ['"slow"'], []]


@ONLY_POSTGRESQL
def test_feed_has_the_change_of_a_writer_that_waited(committed):
    """A value that was overwritten while its second writer waited is a change again."""
    store, key = committed, started(committed, {"page": '"/a"'})
    place, written = store.read_changes("page", "", 0)[1], threading.Event()

    def first():
        with transaction.atomic():
            store.apply(key, Change(put={"page": '"/b"'}), NOW)
            written.set()
            with connection.cursor() as cursor:
                while True:
                    cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
                    if cursor.fetchone():
                        return

    def second():
        written.wait(30)
        store.apply(key, Change(put={"page": '"/a"'}), NOW)

    in_threads([first, second])
    assert [change.text for change in store.read_changes("page", place, 0)[0]] == ['"/b"', '"/a"']


@ONLY_POSTGRESQL
def test_sweeper_skips_locked_sessions(committed):
    store, held, free = committed, started(committed), started(committed)
    holding, go_on = threading.Event(), threading.Event()

    def holder():
        with transaction.atomic():
            list(Session.objects.select_for_update().filter(key_hash=held))
            holding.set()
            go_on.wait(30)

    def sweeper():
        holding.wait(30)
        try:
            return store.sweep_keys(NOW + 2 * HOUR, 10)[1]
        finally:
            go_on.set()

    assert in_threads([holder, sweeper])[1] == [free]
    assert store.sweep_keys(NOW + 2 * HOUR, 10)[1] == [held]


@ONLY_POSTGRESQL
def test_events_are_one_readers_until_its_transaction_ends(committed):
    store = committed
    started(store)
    reading, go_on = threading.Event(), threading.Event()

    def first():
        with transaction.atomic():
            events = store.read_events(10)
            reading.set()
            go_on.wait(30)
        return len(events)

    def second():
        reading.wait(30)
        try:
            return len(store.read_events(10))
        finally:
            go_on.set()

    assert in_threads([first, second]) == [1, 0]
    assert len(store.read_events(10)) == 1


@ONLY_POSTGRESQL
def test_lease_of_a_writer_is_held_until_its_commit(committed):
    """A write under a lease excludes other holders until it is committed."""
    store, key = committed, started(committed)
    assert store.acquire(key, "first", NOW, 1000)
    writing, asked = threading.Event(), threading.Event()

    def writer():
        with transaction.atomic():
            store.apply(key, Change(put={"a": "2"}, holder="first"), NOW + 999)
            writing.set()
            asked.wait(30)

    def other():
        writing.wait(30)
        asked.set()
        assert store.acquire(key, "second", NOW + 1000, 1000)
        return store.load(key, NOW + 1000).variables["a"]

    assert in_threads([writer, other])[1] == "2"
    with pytest.raises(LeaseLostError):
        store.apply(key, Change(put={"a": "3"}, holder="first"), NOW + 1001)


@ONLY_POSTGRESQL
@pytest.mark.parametrize("drive", [run_sync, lambda steps: asyncio.run(run_async(steps))], ids=["blocking", "async"])
def test_waiter_is_woken(committed, monkeypatch, drive):
    """It would wait until the test is killed."""
    monkeypatch.setattr("sessions_farm.stores.sql.postgresql.lease_wait.AT_MOST", 3600)
    store, waiter = committed, make_store("database", drive=drive)
    store.acquire("name", "first", now_ms(), 3_600_000)

    def release():
        with connection.cursor() as cursor:
            while True:
                cursor.execute(
                    "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT until_ms FROM %%' AND state = 'idle'"
                )
                if cursor.fetchone():
                    return store.release("name", "first")

    assert in_threads([lambda: waiter.wait("name", 3600), release])[1]

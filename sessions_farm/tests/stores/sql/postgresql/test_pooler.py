"""Behind a transaction pooler: each transaction meets another connection of the server, which keeps nothing of ours."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from django.db import connection, connections

from sessions_farm.session import scopes
from sessions_farm.session.session import SessionStore
from sessions_farm.stores import current_store
from sessions_farm.tests.support import pgbouncer
from sessions_farm.tests.support.named_stores import options_of
from sessions_farm.tests.support.stores_fixtures import REDIS_URL, in_threads

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no pooler."),
    pytest.mark.skipif(pgbouncer.PROGRAM is None, reason="PgBouncer is not on this machine."),
    pytest.mark.django_db(transaction=True),
]
WRITERS, EACH = 4, 8  # more clients than the pooler has connections; more uses than make psycopg prepare a statement


@pytest.fixture(params=["database", *(["tiered"] if REDIS_URL else [])])
def store(request, settings, tmp_path):
    settings.SESSIONS_FARM = options_of(request.param, tmp_path)
    with pgbouncer.pooled("default", tmp_path):
        connection.settings_dict["OPTIONS"]["prepare_threshold"] = 1  # asked for, and not done
        yield request.param
    current_store.cache_clear()


def test_nothing_is_lost_and_nothing_is_left_at_the_server(store):
    session = SessionStore()
    session["a"] = 1
    session.save()
    key = session.session_key

    def write(number):
        for step in range(EACH):
            mine = SessionStore(key)
            mine[f"v{number}-{step}"] = 1
            mine.save()
            SessionStore(key).increment("n")

    async def read():
        for _ in range(EACH):
            mine = SessionStore(key)
            assert await mine.aget("a") == 1
            await mine.aincrement("n")

    in_threads([lambda number=number: write(number) for number in range(WRITERS)] + [lambda: asyncio.run(read())] * 2)
    last = SessionStore(key)
    assert last["n"] == (WRITERS + 2) * EACH
    assert len(dict(last.items())) == 2 + WRITERS * EACH
    last.cycle_key()
    last.save()
    assert SessionStore(last.session_key)["a"] == 1
    wait_for_a_lock()
    left = at_every_connection("SELECT count(*) FROM pg_prepared_statements")
    left += at_every_connection("SELECT count(*) FROM pg_listening_channels()")
    left += at_every_connection("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
    assert set(left) <= {(0,)}


def wait_for_a_lock():
    """Wait in a thread for a lock that is released meanwhile."""
    scope, waited = scopes.application("pooler"), []
    scope["x"] = 1

    def wait():
        with scope.lock(wait=60):
            waited.append(time.monotonic())
        connections.close_all()

    with scope.lock():
        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.3)
        released = time.monotonic()
    thread.join()
    assert 0 <= waited[0] - released < 20


def at_every_connection(statement):
    """Return the rows that each of the pooler's connections answers."""
    rows, together = [], threading.Barrier(pgbouncer.SERVER_CONNECTIONS)

    def ask():
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            together.wait(20)
            cursor.execute(statement)
            rows.extend(cursor.fetchall())
            together.wait(20)
            cursor.execute("COMMIT")

    in_threads([ask] * pgbouncer.SERVER_CONNECTIONS)
    return rows

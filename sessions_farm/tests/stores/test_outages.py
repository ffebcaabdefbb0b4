"""A store that is cut off, frozen, full or read-only while visitors come: 503 at the worst, and nobody is a stranger.

The same crowd, servers and faults for each store that has a server; Redis by ``redis`` and ``tiered``, SQL by
``database`` and ``tiered``.
"""

from __future__ import annotations

import collections
import contextlib
import sys
import time
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from django.db import connection

from sessions_farm.stores import current_store
from sessions_farm.tests.support import fault_site
from sessions_farm.tests.support.cable import DatabaseCable, RedisCable
from sessions_farm.tests.support.fault_site import Crowd, serving
from sessions_farm.tests.support.people import make_user
from sessions_farm.tests.support.ports import own_port
from sessions_farm.tests.support.redis_servers import Server, needs_servers, running

pytestmark = [
    pytest.mark.django_db(transaction=True),
    needs_servers,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one visitor write at a time."),
]

FULL = """
CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER disk_full BEFORE INSERT OR UPDATE ON sessions_farm_session FOR EACH ROW EXECUTE FUNCTION disk_full();
"""
EMPTY_AGAIN = "DROP FUNCTION IF EXISTS disk_full() CASCADE"
READ_ONLY = "ALTER DATABASE {name} SET default_transaction_read_only = {value}"


@dataclass
class Place:
    """The servers of a store, and the lines to them."""

    redis: Server
    redis_cable: RedisCable
    sql_cable: DatabaseCable

    def admin(self, *statements: str) -> None:
        """Run statements as nobody's session does: by a line of one's own, and in spite of read-only transactions."""
        given = self.sql_cable.before | {"NAME": connection.settings_dict["NAME"]}
        parts = {"host": given["HOST"], "port": given["PORT"], "dbname": given["NAME"]}
        login = {"user": connection.settings_dict["USER"], "password": connection.settings_dict["PASSWORD"]}
        given = {name: value for name, value in (parts | login).items() if value}
        with psycopg.connect(autocommit=True, **given) as admin:
            admin.execute("SET default_transaction_read_only = off")
            for statement in statements:
                admin.execute(statement)

    def read_only(self, value: str) -> None:
        """Let SQL refuse every write of new connections, as a standby does; each request here has a new one."""
        name = f'"{connection.settings_dict["NAME"]}"'
        self.admin(READ_ONLY.format(name=name, value=value))

    def configure(self, name: str, value: Any) -> None:
        with self.redis.admin() as client:
            client.config_set(name, value)

    def replicate(self, *of: str) -> None:
        """Make Redis a replica, which refuses writes; of nobody: make it the primary again."""
        with self.redis.admin() as client:
            client.replicaof(*of)


FAULTS = {
    "redis cut": (lambda place: place.redis_cable.cut(), lambda place: place.redis_cable.mend()),
    "redis frozen": (lambda place: place.redis.freeze(), lambda place: place.redis.thaw()),
    "redis full": (lambda place: place.configure("maxmemory", 1), lambda place: place.configure("maxmemory", 0)),
    "redis read-only": (
        lambda place: place.replicate("127.0.0.1", str(own_port(place))),
        lambda place: place.replicate("NO", "ONE"),
    ),
    "sql cut": (lambda place: place.sql_cable.cut(), lambda place: place.sql_cable.mend()),
    "sql frozen": (
        lambda place: setattr(place.sql_cable, "clogged", True),
        lambda place: setattr(place.sql_cable, "clogged", False),
    ),
    "sql full": (lambda place: place.admin(FULL), lambda place: place.admin(EMPTY_AGAIN)),
    "sql read-only": (lambda place: place.read_only("on"), lambda place: place.read_only("off")),
}
SERVED_BY = {"redis": ("redis",), "database": ("sql",), "tiered": ("redis", "sql")}


def faults_of(store, scale):
    """Those of the store's servers. Of Redis under ``tiered`` at prove's scale only: redis/test_faults.py has them."""
    by = SERVED_BY[store] if scale > 1 else SERVED_BY[store][-1:]
    return [fault for fault in FAULTS if fault.split()[0] in by]


def seconds(scale):
    """How long a fault lasts: 5 seconds at prove's scale, where the crowd stays eight times as long."""
    return 0.2 if scale == 1 else 5 / 8


@pytest.fixture
def place(tmp_path):
    """Servers that lose nothing by themselves: what is lost is the engine's fault."""
    with running(Server(tmp_path, "appendonly yes", "appendfsync always")) as (redis,):
        place = Place(redis, RedisCable(redis.url), DatabaseCable(connection))
        try:
            yield place
        finally:
            connection.close()
            place.admin(EMPTY_AGAIN)
            place.sql_cable.unplug()
            place.redis_cable.cut()


@contextlib.contextmanager
def harmed(place, fault):
    harm, mend = FAULTS[fault]
    harm(place)
    try:
        yield
    finally:
        mend(place)


@pytest.mark.parametrize("store", SERVED_BY)
def test_nobody_is_a_stranger_and_no_acknowledged_write_is_lost(store, place, settings, scale, capsys):
    with serving(settings, place.redis_cable.url, scale, store):
        with Crowd(make_user(), scale, reconnects=True) as crowd:
            for fault in faults_of(store, scale):
                begin = time.monotonic()
                with harmed(place, fault):
                    crowd.stay(seconds(scale))
                say(capsys, scale, store, fault, crowd.between(begin, time.monotonic()))
                crowd.stay(0.15)
        assert [each for each in crowd.answers if each.signed_out] == []
        crowd.assert_nobody_lost_the_cookie()
        assert {each.status for each in crowd.answers} <= {200, 503}
        assert {each.retry_after for each in crowd.answers if each.status == 503} <= {"5"}
        connection.close()
        time.sleep(fault_site.REST)
        current_store.cache_clear()
        crowd.assert_everybody_is_signed_in()
        assert (crowd.lost(), crowd.doubled()) == (0, 0)


def say(capsys, scale, store, fault, answers):
    """At prove's scale, list the answers during the fault."""
    if scale == 1:
        return
    counts = collections.Counter((each.path or "read", each.status) for each in answers)
    listed = ", ".join(f"{count} x {status} to {path}" for (path, status), count in sorted(counts.items()))
    with capsys.disabled():
        sys.stdout.write(f"\n{store}, {fault}: {listed}\n")

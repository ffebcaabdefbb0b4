"""The dependencies of a node: looked at beside the pages, and told as figures.

A node without Redis, cache or database still answers, if only "one moment"; a balancer without nodes answers nothing.
So no probe waits for any of them: a thread looks every few seconds and remembers. A node that reaches none of them is
cut off itself, and leaves the balancer's pool.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import redis
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from prometheus_client import Gauge

from mall.cache import WAITS
from mall.database import BoundedConnection
from sessions_farm.conf import options
from sessions_farm.stores.redis.address import read_address
from sessions_farm.stores.redis.connections import Connections
from sessions_farm.stores.redis.redis_py import BLOCKING, make_pool

logger = logging.getLogger(__name__)

UP = Gauge("mall_dependency_up", "Whether a dependency of this node answered at the last look.", ["dependency"])
READ_ONLY = Gauge("mall_database_read_only", "Whether the database took no writes at the last look.")
STANDBYS = Gauge("mall_database_standbys", "How many standbys copied from the database at the last look.")
REPLICAS = Gauge("mall_redis_replicas", "How many replicas followed the farm's Redis at the last look.")
EVERY = 5.0
"""Seconds between two looks, where each dependency answered."""
SOON = 1.0
"""Seconds until the next look, where one did not."""
LOOK_SECONDS = 2
"""Seconds for which a look waits for each server of the database."""
FAULTS = (psycopg.Error, DatabaseError, redis.RedisError, OSError)


class Dependencies:
    """The last look at database, Redis and cache, and whether the database has all migrations of this code."""

    def __init__(self) -> None:
        self.faults: dict[str, str] = {}
        self.is_migrated: bool | None = None  # None: not known, for the database was never there
        self.looked = threading.Event()
        self._looks: dict[str, Callable[[], None]] = {
            "database": self._look_at_database,
            "redis": look_at_redis,
            "cache": look_at_cache,
        }

    @property
    def is_cut_off(self) -> bool:
        """Return whether none of them answered: then it is this node that is cut off."""
        return self.faults.keys() == self._looks.keys()

    def start(self) -> threading.Thread:
        """Start to look, for as long as the process lives."""
        thread = threading.Thread(target=self._run, name="dependencies", daemon=True)
        thread.start()
        return thread

    def look(self) -> None:
        """Look at each, and remember."""
        for name, look in self._looks.items():
            try:
                look()
            except FAULTS as error:
                if name not in self.faults:
                    logger.warning("%s does not answer: %s", name, error)
                self.faults[name] = type(error).__name__
            else:
                if self.faults.pop(name, None):
                    logger.warning("%s answers again.", name)
            UP.labels(name).set(name not in self.faults)
        self.looked.set()

    def _run(self) -> None:
        while True:
            try:
                self.look()
            except Exception:
                logger.exception("A look at the dependencies failed; it goes on.")
            threading.Event().wait(SOON if self.faults else EVERY)

    def _look_at_database(self) -> None:
        with connect() as connection:
            row = connection.execute("SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool")
            READ_ONLY.set((row.fetchone() or [False])[0])
            row = connection.execute("SELECT count(*) FROM pg_stat_replication")
            STANDBYS.set((row.fetchone() or [0])[0])
        if not self.is_migrated:
            self.is_migrated = migrations_missing() == 0


def connect() -> psycopg.Connection[Any]:
    """Return a connection of its own, so that a pool in use is not taken for a database that is away."""
    parameters: dict[str, Any] = connections[DEFAULT_DB_ALIAS].get_connection_params()
    del parameters["cursor_factory"]
    return BoundedConnection.connect(**parameters | {"autocommit": True, "connect_timeout": LOOK_SECONDS})


def migrations_missing() -> int:
    """Return how many migrations of this code the database lacks."""
    connection = connections[DEFAULT_DB_ALIAS]
    try:
        executor = MigrationExecutor(connection)
        return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    finally:
        if not connection.in_atomic_block:
            connection.close()


def look_at_redis() -> None:
    """Count the replicas of the farm's Redis, whichever server it is now. Raise RedisError where it does not answer."""
    own = Connections(options())
    try:
        REPLICAS.set(own.client.info("replication")["connected_slaves"])
    finally:
        own.close()


def look_at_cache() -> None:
    """Raise RedisError where the cache does not answer, whichever server it is now."""
    pool = make_pool(BLOCKING, read_address(settings.CACHE_URL, "CACHE_URL"), WAITS)
    try:
        redis.Redis(connection_pool=pool).ping()
    finally:
        pool.disconnect()


dependencies = Dependencies()

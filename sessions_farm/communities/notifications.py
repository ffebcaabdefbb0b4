"""Notifications of a changed registry, by PostgreSQL's NOTIFY: every node learns of a change at its commit.

The listener has a connection of its own, besides the pool's, for as long as the process lives. Without one (a pooler in
between, a restart, another database) it only waits for the time to pass: its caller reads the version in any case.
"""

from __future__ import annotations

import logging
import selectors
import socket
from contextlib import suppress
from typing import Any

from django.db import DatabaseError, connections, router

from sessions_farm.communities.models import CHANNEL, RegistryVersion
from sessions_farm.stores.sql.poolers import is_behind_pooler

try:
    import psycopg
except ImportError:
    psycopg = None  # type: ignore[assignment]  # another database than PostgreSQL: it notifies of nothing

logger = logging.getLogger(__name__)

RETRY_AFTER = 60  # waits until a connection that failed is tried again


class RegistryListener:
    """Waits for the next notification. One thread waits; any may wake it."""

    def __init__(self) -> None:
        self._connection: Any = None
        self._waits_left = 0
        self._wake_reader, self._wake_writer = socket.socketpair()

    def wait(self, seconds: float) -> None:
        """Return at the next notification, at ``wake``, or after so many seconds."""
        if self._connection is None:
            self._connect()
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_reader, selectors.EVENT_READ)
            if self._connection is not None:
                selector.register(self._connection.fileno(), selectors.EVENT_READ)
            ready = selector.select(seconds)
        if any(key.fileobj is not self._wake_reader for key, _ in ready):
            self._drain()

    def wake(self) -> None:
        """End the wait of the other thread."""
        self._wake_writer.send(b"!")

    def close(self) -> None:
        """Close the connection and the sockets."""
        self._disconnect()
        self._wake_reader.close()
        self._wake_writer.close()

    def _drain(self) -> None:
        try:
            for _ in self._connection.notifies(timeout=0):
                pass
        except psycopg.Error as error:
            logger.info("No notifications of the registry for now: %s", error)
            self._disconnect()

    def _connect(self) -> None:
        if self._waits_left:
            self._waits_left -= 1
            return
        alias = router.db_for_read(RegistryVersion)
        if psycopg is None or connections[alias].vendor != "postgresql" or is_behind_pooler(alias):
            self._waits_left = RETRY_AFTER
            return
        try:
            parameters = connections[alias].get_connection_params()  # with TLS and everything else in OPTIONS
            self._connection = psycopg.connect(**parameters, autocommit=True)
            self._connection.execute(f"LISTEN {CHANNEL}")
        except (psycopg.Error, DatabaseError) as error:
            logger.info("No notifications of the registry for now: %s", error)
            self._disconnect()

    def _disconnect(self) -> None:
        self._waits_left = RETRY_AFTER
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

"""News of the registry by PostgreSQL's NOTIFY: a node hears of a change as soon as it is committed.

A connection of its own, besides the pool's, for it listens as long as the process lives. Where it cannot be had or is
lost (a pooler in between, a restart, another database), waiting is only waiting: who asks looks at the version anyway.
"""

from __future__ import annotations

import logging
import selectors
import socket
from contextlib import suppress
from typing import Any

from django.db import DatabaseError, connections, router

from sessions_farm.communities.models import CHANNEL, RegistryVersion

try:
    import psycopg
except ImportError:
    psycopg = None  # type: ignore[assignment]  # another database than PostgreSQL: nobody tells news

logger = logging.getLogger(__name__)

RETRY = 60  # waits until a connection that failed is tried again


class News:
    """Waits for the next news. One thread waits; any may ring."""

    def __init__(self) -> None:
        self._listening: Any = None
        self._waits_left = 0
        self._bell, self._rope = socket.socketpair()

    def wait(self, seconds: float) -> None:
        """Until there are news, somebody rings, or the seconds have gone."""
        if self._listening is None:
            self._listen()
        with selectors.DefaultSelector() as ears:
            ears.register(self._bell, selectors.EVENT_READ)
            if self._listening is not None:
                ears.register(self._listening.fileno(), selectors.EVENT_READ)
            heard = ears.select(seconds)
        if any(key.fileobj is not self._bell for key, _ in heard):
            self._take()

    def ring(self) -> None:
        """Let the one who waits go on."""
        self._rope.send(b"!")

    def close(self) -> None:
        self._hang_up()
        self._bell.close()
        self._rope.close()

    def _take(self) -> None:
        try:
            for _ in self._listening.notifies(timeout=0):
                pass
        except psycopg.Error as error:
            logger.info("No news of the registry by NOTIFY for now: %s", error)
            self._hang_up()

    def _listen(self) -> None:
        if self._waits_left:
            self._waits_left -= 1
            return
        alias = router.db_for_read(RegistryVersion)
        if psycopg is None or connections[alias].vendor != "postgresql":
            self._waits_left = RETRY
            return
        try:
            where = connections[alias].get_connection_params()  # with TLS and whatever else OPTIONS say
            self._listening = psycopg.connect(**where, autocommit=True)
            self._listening.execute(f"LISTEN {CHANNEL}")
        except (psycopg.Error, DatabaseError) as error:
            logger.info("No news of the registry by NOTIFY for now: %s", error)
            self._hang_up()

    def _hang_up(self) -> None:
        self._waits_left = RETRY
        if self._listening is not None:
            with suppress(psycopg.Error):
                self._listening.close()
            self._listening = None

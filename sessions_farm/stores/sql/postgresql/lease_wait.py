"""Wait for a lease in PostgreSQL: LISTEN on a connection of the waiter's own, until the holder's NOTIFY."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connections

from sessions_farm.stores.base import now_ms
from sessions_farm.stores.effects import round_trips
from sessions_farm.stores.sql import dialect
from sessions_farm.stores.sql.poolers import is_behind_pooler
from sessions_farm.stores.sql.postgresql.async_pool import connect, parameters_of

LISTENERS = threading.BoundedSemaphore(8)  # connections of one process; a waiter beyond them polls the row
AT_MOST = 1.0  # seconds, for a pooler that nobody has told us of passes on no notifications
POLL = 0.05


@dataclass(frozen=True, slots=True)
class LeaseWait:
    """A wait until a lease is released or has ended, or ``seconds`` are over; a second at most."""

    alias: str
    name: str
    seconds: float

    def run_sync(self) -> None:
        if is_behind_pooler(self.alias) or not LISTENERS.acquire(blocking=False):
            return time.sleep(min(POLL, self.seconds))
        try:
            round_trips.count(3)
            with psycopg.connect(**parameters_of(connections[self.alias]), autocommit=True) as connection:
                connection.execute(self._listen)
                rest = self._rest(connection.execute(dialect.HELD_UNTIL, {"name": self.name}).fetchone())
                for _ in connection.notifies(timeout=rest, stop_after=1) if rest > 0 else ():
                    pass
        except psycopg.OperationalError:
            time.sleep(min(POLL, self.seconds))
        finally:
            LISTENERS.release()
        return None

    async def run_async(self) -> None:
        if is_behind_pooler(self.alias) or not LISTENERS.acquire(blocking=False):
            return await asyncio.sleep(min(POLL, self.seconds))
        try:
            round_trips.count(3)
            async with await connect(self.alias) as connection:
                await connection.execute(self._listen)
                cursor = await connection.execute(dialect.HELD_UNTIL, {"name": self.name})
                rest = self._rest(await cursor.fetchone())
                if rest > 0:
                    async for _ in connection.notifies(timeout=rest, stop_after=1):
                        pass
        except psycopg.OperationalError:
            await asyncio.sleep(min(POLL, self.seconds))
        finally:
            LISTENERS.release()
        return None

    @property
    def _listen(self) -> psycopg.sql.Composed:
        return psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel_of(self.name)))

    def _rest(self, row: Any) -> float:
        """Return the seconds to listen; 0 where the lease is free."""
        return 0 if row is None else min(self.seconds, AT_MOST, max((row[0] - now_ms()) / 1000, POLL))


def channel_of(name: str) -> str:
    """Return the channel of a lease's notifications: a digest, for a channel's name has a limit."""
    return f"farm_{hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()}"

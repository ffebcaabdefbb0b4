"""Which copies may be believed: those of the epoch in force, a number in SQL that each node asks for now and then."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sessions_farm.models import Tier
from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.stores.effects.transactions import InTransaction

if TYPE_CHECKING:
    from sessions_farm.stores.circuit_breaker import CircuitBreaker
    from sessions_farm.stores.effects.effects import Effects
    from sessions_farm.stores.sql.database import DatabaseStore
    from sessions_farm.stores.tiered.copies import RedisCopies

logger = logging.getLogger(__name__)

TIER = Tier._meta.db_table
READ = f"SELECT epoch, redis_run FROM {TIER} WHERE id = 1"  # noqa: S608 -- our table
FIRST = f"INSERT INTO {TIER} (id, epoch, redis_run) VALUES (1, 1, '') ON CONFLICT (id) DO NOTHING"  # noqa: S608 -- as above
NEW_RUN = f"UPDATE {TIER} SET epoch = epoch + 1, redis_run = %(run)s WHERE id = 1 AND redis_run = %(before)s"  # noqa: S608 -- as above
RISE = f"""
INSERT INTO {TIER} (id, epoch, redis_run) VALUES (1, 2, '')
ON CONFLICT (id) DO UPDATE SET epoch = {TIER}.epoch + 1
"""  # noqa: S608 -- as above


@dataclass(slots=True)
class Knowledge:
    """What a node knows of the tier, and since when (monotonic)."""

    epoch: int = 0
    asked: float = float("-inf")
    pulse: str = ""  # of Redis


class TierEpoch:
    """The epoch as this node knows it, at most ``poll`` seconds old."""

    def __init__(self, sql: DatabaseStore, redis: RedisCopies, breaker: CircuitBreaker, poll: float) -> None:
        self._sql = sql
        self._redis = redis
        self._breaker = breaker
        self._poll = poll
        self._known = Knowledge()
        self._asking = threading.Lock()
        self.is_owed = False

    @property
    def pulse(self) -> str:
        """What was heard of Redis when the epoch was asked for: another now, and it has forgotten keys since."""
        return self._known.pulse

    def known_at(self, moment: float) -> int | None:
        """The epoch in force, where that is still known (monotonic time): the way of nearly every load."""
        known = self._known
        return known.epoch if moment - known.asked < self._poll else None

    def current(self) -> Effects[int]:
        """The epoch in force. Where SQL is away, the last one known."""
        known = self._known
        if self.known_at(time.monotonic()) is not None or (yield InTransaction(self._sql.alias)):
            return known.epoch
        if not self._asking.acquire(blocking=False):
            return known.epoch
        try:
            if self.is_owed:
                yield from self.rise()
            return (yield from self._ask())
        except StoreUnavailableError as error:
            logger.warning("The session tier's epoch cannot be read, %s stays: %s", known.epoch, error)
            known.asked = time.monotonic()
            return known.epoch
        finally:
            self._asking.release()

    def owe(self) -> None:
        """There may be copies that are wrong, and neither Redis nor SQL can be told: tell SQL when it is back."""
        self.is_owed = True
        self._known.asked = float("-inf")

    def rise(self) -> Effects[None]:
        """Let no node believe any copy that was made until now. Raise StoreUnavailable, and then still owe it."""
        self.is_owed = True
        yield self._sql.execute(RISE)
        self.is_owed = False
        self._known.asked = float("-inf")

    def _ask(self) -> Effects[int]:
        asked = time.monotonic()
        epoch, known_run = yield from self._row()
        run, pulse = yield from self._redis_pulse()
        if run and run != known_run:
            # One node wins; the others see another run id in the row and the raised epoch.
            yield self._sql.execute(NEW_RUN, run=run, before=known_run)
            epoch, _ = yield from self._row()
        self._known = Knowledge(epoch, asked, pulse)
        return epoch

    def _row(self) -> Effects[tuple[int, str]]:
        rows = yield self._sql.execute(READ)
        if not rows:
            yield self._sql.execute(FIRST)
            rows = yield self._sql.execute(READ)
        epoch, run = rows[0]
        return epoch, run

    def _redis_pulse(self) -> Effects[tuple[str, str]]:
        """Which Redis process answers, and its pulse; '' where none does."""
        if not (yield from self._breaker.probe(self._redis.ping)):
            return "", ""
        try:
            return (yield from self._redis.pulse())
        except StoreUnavailableError:
            self._breaker.record_failure()
            return "", ""

"""The epoch of the tier, a number in SQL: a copy in Redis is believed only under the epoch in force.

Each node asks for it once in TIER_POLL seconds. Bumping it turns every copy made until then into a miss.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sessions_farm.models import Tier
from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.stores.effects.effects import InTransaction

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
BUMP = f"""
INSERT INTO {TIER} (id, epoch, redis_run) VALUES (1, 2, '')
ON CONFLICT (id) DO UPDATE SET epoch = {TIER}.epoch + 1
"""  # noqa: S608 -- as above


@dataclass(slots=True)
class KnownEpoch:
    """The epoch as a node knows it, and until when (monotonic seconds) it relies on that."""

    epoch: int = 0
    valid_until: float = float("-inf")
    eviction_marker: str = ""  # of Redis when the epoch was read


class TierEpoch:
    """The epoch as this node knows it, at most ``poll`` seconds old.

    ``known`` is read in place by the store. ``bump_pending``: copies may be wrong and neither Redis nor SQL could be
    told, so no copy is written until SQL has bumped the epoch.
    """

    def __init__(self, sql: DatabaseStore, redis: RedisCopies, breaker: CircuitBreaker, poll: float) -> None:
        self._sql = sql
        self._redis = redis
        self._breaker = breaker
        self._poll = poll
        self._reading = threading.Lock()
        self.known = KnownEpoch()
        self.bump_pending = False

    def refresh(self) -> Effects[int]:
        """Read the epoch in force where no other caller does; return the last one known where SQL is away."""
        known = self.known
        if time.monotonic() < known.valid_until or (yield InTransaction(self._sql.alias)):
            return known.epoch
        if not self._reading.acquire(blocking=False):
            return known.epoch
        try:
            if self.bump_pending:
                yield from self.bump_epoch()
            return (yield from self._read())
        except StoreUnavailableError as error:
            logger.warning("The session tier's epoch cannot be read, %s stays: %s", known.epoch, error)
            known.valid_until = time.monotonic() + self._poll
            return known.epoch
        finally:
            self._reading.release()

    def defer_bump(self) -> None:
        """Let the epoch be bumped once SQL is back: copies may be wrong."""
        self.bump_pending = True
        self.known.valid_until = float("-inf")

    def bump_epoch(self) -> Effects[None]:
        """Turn every copy that was made until now into a miss. Raise StoreUnavailableError, with the bump pending."""
        self.bump_pending = True
        yield self._sql.execute(BUMP)
        self.bump_pending = False
        self.known.valid_until = float("-inf")

    def _read(self) -> Effects[int]:
        """Read the epoch and the eviction marker; bump the epoch for a Redis that started anew."""
        asked = time.monotonic()
        epoch, known_run = yield from self._row()
        run, marker = yield from self._eviction_marker()
        if run and run != known_run:
            # One node wins this race; the others see another run id in the row and the bumped epoch.
            yield self._sql.execute(NEW_RUN, run=run, before=known_run)
            epoch, _ = yield from self._row()
        self.known = KnownEpoch(epoch, asked + self._poll, marker)
        return epoch

    def _row(self) -> Effects[tuple[int, str]]:
        """Return the epoch and the run id in SQL; write the first ones where there are none."""
        rows = yield self._sql.execute(READ)
        if not rows:
            yield self._sql.execute(FIRST)
            rows = yield self._sql.execute(READ)
        epoch, run = rows[0]
        return epoch, run

    def _eviction_marker(self) -> Effects[tuple[str, str]]:
        """Return run id and eviction marker of Redis; '' where it does not answer."""
        if not (yield from self._breaker.probe(self._redis.ping)):
            return "", ""
        try:
            return (yield from self._redis.eviction_marker())
        except StoreUnavailableError:
            self._breaker.record_failure()
            return "", ""

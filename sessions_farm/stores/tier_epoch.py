"""Which copies may be believed: those of the epoch in force, a number in SQL that each node asks for now and then."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import DatabaseError, InterfaceError
from django.db.models import F

from sessions_farm.models import Tier
from sessions_farm.stores import trips
from sessions_farm.stores.base import StoreUnavailable
from sessions_farm.stores.steps import InDjangosThread
from sessions_farm.stores.tier_steps import InTransaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sessions_farm.stores.breaker import Breaker
    from sessions_farm.stores.database import DatabaseStore
    from sessions_farm.stores.redis_copies import RedisCopies
    from sessions_farm.stores.steps import Steps

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Knowledge:
    """What a node knows of the tier, and since when (monotonic)."""

    epoch: int = 0
    asked: float = float("-inf")


class TierEpoch:
    """The epoch as this node knows it, at most ``poll`` seconds old."""

    def __init__(self, sql: DatabaseStore, redis: RedisCopies, breaker: Breaker, poll: float) -> None:
        self._sql = sql
        self._redis = redis
        self._breaker = breaker
        self._poll = poll
        self._known = Knowledge()
        self._asking = threading.Lock()
        self.is_owed = False

    def current(self) -> Steps[int]:
        """The epoch in force. Where SQL is away, the last one known."""
        known = self._known
        if time.monotonic() - known.asked < self._poll or (yield InTransaction(self._sql.alias)):
            return known.epoch
        if not self._asking.acquire(blocking=False):
            return known.epoch
        try:
            if self.is_owed:
                yield from self.rise()
            return (yield from self._ask())
        except StoreUnavailable as error:
            logger.warning("The session tier's epoch cannot be read, %s stays: %s", known.epoch, error)
            known.asked = time.monotonic()
            return known.epoch
        finally:
            self._asking.release()

    def owe(self) -> None:
        """There may be copies that are wrong, and neither Redis nor SQL can be told: tell SQL when it is back."""
        self.is_owed = True
        self._known.asked = float("-inf")

    def rise(self) -> Steps[None]:
        """Let no node believe any copy that was made until now. Raise StoreUnavailable, and then still owe it."""
        self.is_owed = True
        yield InDjangosThread(raise_epoch)
        self.is_owed = False
        self._known.asked = float("-inf")

    def _ask(self) -> Steps[int]:
        asked = time.monotonic()
        row = yield InDjangosThread(read_row)
        run = yield from self._redis_run()
        if run and run != row.redis_run:
            row = yield InDjangosThread(lambda: row_of_run(row.redis_run, run))
        epoch: int = row.epoch
        self._known = Knowledge(epoch, asked)
        return epoch

    def _redis_run(self) -> Steps[str]:
        """Which Redis process answers; '' where none does."""
        if not (yield from self._breaker.lets_through()):
            return ""
        try:
            return (yield from self._redis.run_id())
        except StoreUnavailable:
            self._breaker.trip()
            return ""


def read_row() -> Tier:
    with answering(trips_made=1):
        return Tier.objects.filter(pk=1).first() or first_row()


def row_of_run(before: str, run: str) -> Tier:
    """One node wins; the others see another run id in the row and the raised epoch."""
    with answering(trips_made=2):
        Tier.objects.filter(pk=1, redis_run=before).update(epoch=F("epoch") + 1, redis_run=run)
        return Tier.objects.get(pk=1)


def raise_epoch() -> None:
    with answering(trips_made=1):
        if not Tier.objects.filter(pk=1).update(epoch=F("epoch") + 1):
            first_row()


def first_row() -> Tier:
    Tier.objects.bulk_create([Tier(pk=1)], ignore_conflicts=True)
    return Tier.objects.get(pk=1)


@contextmanager
def answering(*, trips_made: int) -> Iterator[None]:
    trips.count(trips_made)
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        raise StoreUnavailable(f"The database does not answer: {error}") from error

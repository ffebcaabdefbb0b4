"""Redis over SQL: SQL is what was written and what has ended, Redis is a copy for reading.

A write goes to SQL and then into the copy, if the copy is of the version just before; else the copy is dropped, and a
mark keeps a reader that is still under way with an older version from putting it back. So readers and writers may
overtake each other anywhere, and a copy is never older than a write that has reached Redis.

What did not reach Redis: a node whose write fails there raises ``Tier.epoch`` in SQL; a copy carries the epoch it was
made under, and older ones are misses. A Redis that started anew (crash, fail-over) has another run id, which raises
the epoch too. Each node asks SQL for the epoch once in ``TIER_POLL`` seconds (default 1): that is how long a copy can
be stale, and only after Redis has failed.

That SQL has nothing under an id is kept too, for ABSENT_MS: a reader who finds no copy leaves a lease there, asks SQL,
and may write the answer only while its own lease still lies there. Making a session takes both away in the script that
fills the copy, so no order of a reader and a maker hides a session from who comes after its maker was answered.

Inside a database transaction nothing of it is known to be true yet: SQL alone is read, and copies follow at its commit.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import DatabaseError, transaction
from django.db.models import F

from sessions_farm.conf import Options
from sessions_farm.models import Tier
from sessions_farm.stores import trips
from sessions_farm.stores.base import (
    Change,
    Header,
    Lifetime,
    Operation,
    Reading,
    State,
    StoreUnavailable,
)
from sessions_farm.stores.breaker import Breaker
from sessions_farm.stores.database import DatabaseStore
from sessions_farm.stores.redis import Copy, RedisStore, packed, writes

logger = logging.getLogger(__name__)

# How long a mark waits for readers under way, and how long after its SELECT a reader may still fill: the second is
# well below the first, so a fill that is too late for the mark is too late for itself.
MARK_MS = 60_000
FILL_WITHIN = 10.0
ABSENT_MS = 300_000  # also how long a node that dies between SQL and Redis hides the session it was making
TOMB_MS = 3_600_000  # a copy of a tombstone; SQL keeps the true one until no cookie carries the id


@dataclass(slots=True)
class Knowledge:
    """What a node knows of the tier, and since when (monotonic)."""

    epoch: int = 0
    asked: float = float("-inf")


class TieredStore:
    def __init__(self, options: Options) -> None:
        self._options = options
        self.sql = DatabaseStore(options)
        self.redis = RedisStore(options)
        self.breaker = Breaker(options.breaker_rest, lambda: self.redis.call("ping"))
        self._known = Knowledge()
        self._asking = threading.Lock()

    def create(self, key: str, variables: Mapping[str, str], lifetime: Lifetime, now: int) -> Header:
        epoch = self.epoch()
        header = self.sql.create(key, variables, lifetime, now)
        self._copy("FILL", key, [now, packed(header, epoch), *writes(Change(put=variables))])
        return header

    def load(self, key: str, now: int) -> Reading:
        if self._in_transaction:
            return self.sql.load(key, now)
        epoch, begun = self.epoch(), time.monotonic()
        try:
            lease = secrets.token_urlsafe(8)
            copy = self._read_copy(key, now, epoch, lease)
        except StoreUnavailable:
            return self.sql.load(key, now)
        reading = copy.reading
        if copy.touched:
            self._touch_sql(key, now)
        if reading.state is State.LIVE or reading.in_grace or copy.is_certain:
            return reading
        found = self.sql.load(key, now)
        if found.state is State.LIVE and found.header and time.monotonic() - begun < FILL_WITHIN:
            self._copy(
                "FILL", key, [now, packed(found.header, epoch), *writes(Change(put=found.variables))], must=False
            )
        elif found.state is State.ABSENT:
            self._copy("MARK", key, [lease, epoch, ABSENT_MS], must=False)
        return found

    def apply(self, key: str, change: Change, now: int) -> Header:
        epoch = self.epoch()
        header = self.sql.apply(key, change, now)
        self._follow(key, header, epoch, change, now)
        return header

    def modify(self, key: str, operation: Operation, now: int) -> str | None:
        epoch = self.epoch()
        text, header = self.sql.modify_with_header(key, operation, now)
        change = Change(drop=[operation.name]) if text is None else Change(put={operation.name: text})
        self._follow(key, header, epoch, change, now)
        return text

    def touch(self, key: str, now: int) -> bool:
        lives = self.sql.touch(key, now)
        if lives:
            self._copy("TOUCH", key, [now], must=False)
        return lives

    def rotate(self, old: str, new: str, change: Change, now: int, grace: int) -> Header:
        epoch = self.epoch()
        header = self.sql.rotate(old, new, change, now, grace)
        arguments = [now, packed(header, epoch), int(change.replace), MARK_MS, "rotated", TOMB_MS, *writes(change)]
        self._copy("MOVE", [*self.redis.names(old), self.redis.name(new)], arguments)
        return header

    def delete(self, key: str, reason: str, now: int) -> None:
        self.sql.delete(key, reason, now)
        self._bury(key, reason)

    def sweep(self, now: int, limit: int) -> int:
        return self.sql.sweep(now, limit)

    def put_code(self, digest: str, payload: str, ttl: float) -> None:
        """Where Redis fails under this very call, the code may or may not stand there: say so, don't write it twice."""
        if not self.breaker.lets_through():
            return self.sql.put_code(digest, payload, ttl)
        try:
            return self.redis.put_code(digest, payload, ttl)
        except StoreUnavailable:
            self.breaker.trip()
            raise

    def take_code(self, digest: str) -> str | None:
        if self.breaker.lets_through():
            try:
                payload = self.redis.take_code(digest)
            except StoreUnavailable:
                self.breaker.trip()
            else:
                if payload is not None:
                    return payload
        return self.sql.take_code(digest)

    def epoch(self) -> int:
        """The epoch in force, at most TIER_POLL seconds old. Where SQL is away, the last one known."""
        known = self._known
        fresh = time.monotonic() - known.asked < self._options.tier_poll
        if fresh or self._in_transaction or not self._asking.acquire(blocking=False):
            return known.epoch
        try:
            return self._ask()
        except DatabaseError as error:
            logger.warning("The session tier's epoch cannot be read, %s stays: %s", known.epoch, error)
            known.asked = time.monotonic()
            return known.epoch
        finally:
            self._asking.release()

    @property
    def _in_transaction(self) -> bool:
        return self.sql.connection.in_atomic_block

    def _ask(self) -> int:
        asked = time.monotonic()
        trips.count()
        row = Tier.objects.filter(pk=1).first() or self._first_row()
        run = self._redis_run()
        if run and run != row.redis_run:
            trips.count(2)
            # One node wins; the others see another run id in the row and the raised epoch.
            Tier.objects.filter(pk=1, redis_run=row.redis_run).update(epoch=F("epoch") + 1, redis_run=run)
            row = Tier.objects.get(pk=1)
        self._known = Knowledge(row.epoch, asked)
        return row.epoch

    def _redis_run(self) -> str:
        """Which Redis process answers; '' where none does."""
        if not self.breaker.lets_through():
            return ""
        try:
            return str(self.redis.call("info", "server")["run_id"])
        except StoreUnavailable:
            self.breaker.trip()
            return ""

    def _read_copy(self, key: str, now: int, epoch: int, lease: str) -> Copy:
        if not self.breaker.lets_through():
            raise StoreUnavailable("Redis failed a moment ago.")
        try:
            return self.redis.read(key, now, epoch, lease)
        except StoreUnavailable as error:
            logger.warning("Sessions are read from SQL: %s", error)
            self.breaker.trip()
            raise

    def _touch_sql(self, key: str, now: int) -> None:
        try:
            self.sql.touch(key, now)
        except StoreUnavailable as error:
            logger.warning("A session was touched in Redis only: %s", error)

    def _follow(self, key: str, header: Header, epoch: int, change: Change, now: int) -> None:
        self._copy("FOLLOW", key, [now, packed(header, epoch), int(change.replace), MARK_MS, *writes(change)])

    def _bury(self, key: str, reason: str) -> None:
        self._copy("BURY", key, [reason, TOMB_MS])

    def _copy(self, script: str, key: str | list[str], arguments: list[object], *, must: bool = True) -> None:
        """Let the copy under a key (or under Redis names) follow what SQL has, once that is committed."""
        names = self.redis.names(key) if isinstance(key, str) else key
        transaction.on_commit(
            lambda: self._copy_now(script, names, arguments, must=must), using=self.sql.alias, robust=False
        )

    def _copy_now(self, script: str, names: list[str], arguments: list[object], *, must: bool) -> None:
        """Where the copy ``must`` follow and cannot, no node may believe it any longer."""
        if self.breaker.lets_through():
            try:
                self.redis.run(script, names, arguments)
            except StoreUnavailable as error:
                logger.warning("Copies of sessions are dropped: %s", error)
                self.breaker.trip()
            else:
                return
        if must:
            self._raise_epoch()

    def _raise_epoch(self) -> None:
        trips.count()
        if not Tier.objects.filter(pk=1).update(epoch=F("epoch") + 1):
            self._first_row()
        self._known.asked = float("-inf")

    def _first_row(self) -> Tier:
        Tier.objects.bulk_create([Tier(pk=1)], ignore_conflicts=True)
        return Tier.objects.get(pk=1)

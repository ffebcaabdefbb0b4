"""Redis over SQL: SQL has every write and every end, Redis is a cache for reading.

A write goes to SQL and then write-through into the copy, if the copy is of the version just before (optimistic
locking); any other copy is invalidated: dropped, and kept from being filled for a while. So readers and writers may
race in any order, and a copy is never older than a write that has reached Redis.

A write that did not reach Redis: the node bumps ``Tier.epoch`` in SQL. A copy carries the epoch it was made under, and
those of older epochs are misses. A Redis that started anew (crash, fail-over) has another run id, which bumps the epoch
too. Each node asks SQL for the epoch once in ``TIER_POLL`` seconds (default 1): that is how long a copy can be stale,
and only after Redis has failed.

A write whose answer from SQL was lost may have come true, or may yet. Its copies are invalidated for INVALID_MS, and
reads go to SQL; where Redis does not answer either, the epoch is bumped once SQL is back.

An invalidation can vanish before its time (FLUSHALL, eviction). So a reader that finds no copy leaves a lease there, or
shares the lease that is there (a stampede of readers shares one), asks SQL, and may fill only while that lease is still
there: every write takes it away, and every loss of the key takes it along. The maker of a session, or of its new key in
a rotation, has left no lease there: it compares the eviction marker of Redis, which changes when any key is lost.

The answer that SQL has no session under a key is cached too, for ABSENT_MS, under the same lease. Making a session
takes it away, so no order of a reader and a maker hides a session once its maker was answered.

Inside a database transaction nothing is decided yet: only SQL is read, and copies follow at its commit. Queries over
sessions, events and leases are SQL's alone.
"""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import TYPE_CHECKING

from django.db import router

from sessions_farm.models import Session
from sessions_farm.stores.base import Change, SessionEndedError, State, StoreUnavailableError
from sessions_farm.stores.circuit_breaker import CircuitBreaker
from sessions_farm.stores.effects.effects import AfterCommit, InTransaction, OutsideTransaction, Unbroken
from sessions_farm.stores.sql.database import DatabaseStore
from sessions_farm.stores.tiered.copies import FILL_WITHIN, RedisCopies, copy_of
from sessions_farm.stores.tiered.epoch import TierEpoch

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from sessions_farm.conf import Options
    from sessions_farm.stores.base import Event, Header, Lifetime, LiveRecord, Operation, Reading, VariableChange
    from sessions_farm.stores.effects.effects import Effect, Effects
    from sessions_farm.stores.tiered.copies import Copy

logger = logging.getLogger(__name__)


class TieredStore:
    """The store ``tiered``."""

    joins_transactions = True

    def __init__(self, options: Options) -> None:
        self.sql = DatabaseStore(options)
        self.redis = RedisCopies(options)
        self.breaker = CircuitBreaker(options.breaker_rest, name="sessions")
        self.epoch = TierEpoch(self.sql, self.redis, self.breaker, options.tier_poll)

    @property
    def alias(self) -> str:
        """Return the alias of the sessions' database."""
        return router.db_for_write(Session)

    @property
    def rotates_followers(self) -> bool:
        """Return whether ``rotate`` copies the rows of every following table to the new key."""
        return self.sql.rotates_followers

    def clock(self) -> Effects[int | None]:
        """Return the time of SQL; None while it is away, for copies can be read all the same."""
        try:
            return (yield from self.sql.clock())
        except StoreUnavailableError as error:
            logger.warning("The time of the sessions' database is not known: %s", error)
            return None

    def create(self, key: str, variables: Mapping[str, str], lifetime: Lifetime, now: int) -> Effects[Header]:
        """Create a session and its copy; return its header."""

        def work() -> Effects[Header]:
            epoch = yield from self._epoch()
            marker = self._eviction_marker()
            header = yield from self._write_sql([key], self.sql.create(key, variables, lifetime, now))
            yield self._after_commit(lambda: [self.redis.create(key, variables, header, epoch, now, marker())])
            return header

        header: Header = yield Unbroken(work)
        return header

    def load(self, key: str, now: int) -> Effects[Reading]:
        """Read the copy; where there is none, read SQL and fill the copy."""
        begun = time.monotonic()
        epoch = yield from self._epoch()
        copy = yield from self._read_copy(key, now, epoch)
        if copy is None:
            return (yield from self.sql.load(key, now))
        if copy.is_hit and (not copy.touched or (yield from self._touch_sql(key, now))):
            return copy.reading
        found = yield from self.sql.load(key, now)
        if copy.lease and time.monotonic() - begun < FILL_WITHIN:
            yield from self._fill(key, found, epoch, now, copy.lease)
        return found

    def apply(self, key: str, change: Change, now: int) -> Effects[Header]:
        """Write a change to SQL and through to the copy; return the new header."""

        def work() -> Effects[Header]:
            epoch = yield from self._epoch()
            header = yield from self._write_sql([key], self.sql.apply(key, change, now))
            yield self._after_commit(lambda: [self.redis.write_through(key, change, header, epoch, now)])
            return header

        header: Header = yield Unbroken(work)
        return header

    def modify(self, key: str, operation: Operation, now: int, idempotency_key: str = "") -> Effects[str | None]:
        """Change one variable in SQL and write its text through to the copy; return it. Idempotent by the key."""

        def work() -> Effects[str | None]:
            epoch = yield from self._epoch()
            modified = self.sql.modify_with_header(key, operation, now, idempotency_key)
            text, header = yield from self._write_sql([key], modified)
            change = Change(drop=[operation.name]) if text is None else Change(put={operation.name: text})
            yield self._after_commit(lambda: [self.redis.write_through(key, change, header, epoch, now)])
            return text

        text: str | None = yield Unbroken(work)
        return text

    def touch(self, key: str, now: int) -> Effects[bool]:
        """Begin the idle time anew; return whether a session lives there."""
        lives = yield from self.sql.touch(key, now)
        if lives:
            yield self._after_commit(lambda: [self.redis.touch(key, now)], must=False)
        return lives

    def rotate(self, old: str, new: str, change: Change, now: int, grace: int, successor: str = "") -> Effects[Header]:
        """Move a session and its copy to a new key with a change; return its header."""

        def work() -> Effects[Header]:
            epoch = yield from self._epoch()
            marker = self._eviction_marker()
            rotated = self.sql.rotate(old, new, change, now, grace, successor)
            try:
                header = yield from self._write_sql([old, new], rotated)
            except SessionEndedError:
                yield from self._invalidate([old])  # its copy may live until the faster rotation has reached Redis
                raise
            yield self._after_commit(lambda: [self.redis.rename(old, new, change, header, epoch, now, marker())])
            return header

        header: Header = yield Unbroken(work)
        return header

    def delete(self, key: str, reason: str, now: int) -> Effects[None]:
        """End a key for good."""

        def work() -> Effects[None]:
            yield from self._write_sql([key], self.sql.delete(key, reason, now))
            yield self._after_commit(lambda: self.redis.tombstone([key], reason))

        yield Unbroken(work)

    def get_many(self, keys: Collection[str], now: int) -> Effects[list[LiveRecord]]:
        """Return the live sessions among the keys, from SQL."""
        return self.sql.get_many(keys, now)

    def count(self, now: int) -> Effects[int]:
        """Return the number of live sessions, from SQL."""
        return self.sql.count(now)

    def find(self, values: Mapping[str, str], now: int, limit: int) -> Effects[list[LiveRecord]]:
        """Find live sessions by indexed variables, in SQL."""
        return self.sql.find(values, now, limit)

    def scope_keys(self, limit: int) -> Effects[list[str]]:
        """Return keys of dictionaries of scopes, from SQL."""
        return self.sql.scope_keys(limit)

    def end_where(self, name: str, text: str, spare: str, reason: str, now: int) -> Effects[int]:
        """End the sessions with one text in an indexed variable, but one; return how many."""

        def work() -> Effects[int]:
            keys = yield from self._write_sql([], self.sql.end_keys_where(name, text, spare, reason, now))
            yield self._after_commit(lambda: self.redis.tombstone(keys, reason))
            return len(keys)

        ended: int = yield Unbroken(work)
        return ended

    def sweep(self, now: int, limit: int) -> Effects[int]:
        """Sweep SQL and drop the copies of swept sessions; return how many of the fullest kind."""

        def work() -> Effects[int]:
            swept, keys = yield from self._write_sql([], self.sql.sweep_keys(now, limit))
            yield self._after_commit(lambda: self.redis.drop(keys, now))
            return swept

        swept: int = yield Unbroken(work)
        return swept

    def read_events(self, limit: int) -> Effects[list[Event]]:
        """Return the oldest events of the outbox in SQL."""
        return self.sql.read_events(limit)

    def forget_events(self, ids: Collection[str]) -> Effects[None]:
        """Delete delivered events."""
        return self.sql.forget_events(ids)

    def read_changes(self, name: str, after: str, seconds: float) -> Effects[tuple[list[VariableChange], str]]:
        """Return changes of a shared variable after a place, from SQL, and the place to go on from."""
        return self.sql.read_changes(name, after, seconds)

    def acquire(self, name: str, token: str, now: int, lease: int) -> Effects[bool]:
        """Acquire or prolong a lease in SQL for ``lease`` ms."""
        return self.sql.acquire(name, token, now, lease)

    def release(self, name: str, token: str) -> Effects[bool]:
        """Release a lease in SQL."""
        return self.sql.release(name, token)

    def wait(self, name: str, seconds: float) -> Effects[None]:
        """Wait until a lease in SQL may be free."""
        return self.sql.wait(name, seconds)

    def put_code(self, digest: str, payload: str, ttl: float) -> Effects[None]:
        """Keep a code in Redis, or in SQL while the breaker is open.

        Raise StoreUnavailableError where Redis fails under this very call: the code may stand there already, and a
        second one in SQL could be redeemed twice.
        """
        if not (yield from self._redis_answers()):
            return (yield from self.sql.put_code(digest, payload, ttl))
        try:
            return (yield from self.redis.put_code(digest, payload, ttl))
        except StoreUnavailableError:
            self.breaker.record_failure()
            raise

    def take_code(self, digest: str) -> Effects[str | None]:
        """Redeem a code in Redis, or else in SQL; return its payload, or None."""
        if (yield from self._redis_answers()):
            try:
                payload = yield from self.redis.take_code(digest)
            except StoreUnavailableError:
                self.breaker.record_failure()
            else:
                if payload is not None:
                    return payload
        return (yield from self.sql.take_code(digest))

    def _epoch(self) -> Effects[int]:
        """Return the epoch in force as this node knows it."""
        known = self.epoch.known
        return known.epoch if time.monotonic() < known.valid_until else (yield from self.epoch.refresh())

    def _redis_answers(self) -> Effects[bool]:
        """Return whether the breaker lets a call through; probe Redis where that is due."""
        return not self.breaker.is_open or (yield from self.breaker.probe(self.redis.ping))

    def _eviction_marker(self) -> Callable[[], str]:
        """Return the marker of now, for as long as no invalidation can have expired meanwhile; then ''."""
        begun, marker = time.monotonic(), self.epoch.known.eviction_marker
        return lambda: marker if time.monotonic() - begun < FILL_WITHIN else ""

    def _read_copy(self, key: str, now: int, epoch: int) -> Effects[Copy | None]:
        """Return the answer of Redis; None where it does not answer, and inside a transaction."""
        if self.breaker.is_open and ((yield InTransaction(self.alias)) or not (yield from self._redis_answers())):
            return None
        try:
            answer = yield OutsideTransaction(self.alias, self.redis.read(key, now, epoch))
        except StoreUnavailableError as error:
            logger.warning("Sessions are read from SQL: %s", error)
            self.breaker.record_failure()
            return None
        return answer and copy_of(*answer)

    def _touch_sql(self, key: str, now: int) -> Effects[bool]:
        """Touch in SQL the session that was touched in Redis; return False for a copy that SQL knows no session of."""
        try:
            lives = yield from self.sql.touch(key, now)
        except StoreUnavailableError as error:
            logger.warning("A session was touched in Redis only: %s", error)
            return True
        if not lives:
            yield from self._update_copies(lambda: self.redis.invalidate([key]))
        return lives

    def _fill(self, key: str, found: Reading, epoch: int, now: int, lease: str) -> Effects[None]:
        """Copy the answer of SQL for the next readers."""
        if found.state is State.LIVE and found.header:
            copy = self.redis.fill(key, found.variables, found.header, epoch, now, lease)
        elif found.state is State.ABSENT:
            copy = self.redis.cache_absent(key, lease, epoch)
        else:
            return
        yield from self._update_copies(lambda: [copy], must=False)

    def _write_sql[Answer](self, keys: Collection[str], effects: Effects[Answer]) -> Effects[Answer]:
        """Return the answer of SQL. Where it is lost, invalidate the copies of the keys (of none: bump the epoch)."""
        try:
            return (yield from effects)
        except (StoreUnavailableError, asyncio.CancelledError):
            if keys:
                yield from self._invalidate(keys)
            else:
                self.epoch.defer_bump()
            raise

    def _invalidate(self, keys: Collection[str]) -> Effects[None]:
        """Invalidate copies while SQL may be away; else let the epoch be bumped once it is back."""
        if (yield from self._redis_answers()):
            try:
                for effect in self.redis.invalidate(keys):  # noqa: UP028 -- answers cannot be sent to a list
                    yield effect
            except StoreUnavailableError as error:
                logger.warning("Copies of sessions are dropped once SQL is back: %s", error)
                self.breaker.record_failure()
            else:
                return
        self.epoch.defer_bump()

    def _after_commit(self, copies: Callable[[], Iterable[Effect]], *, must: bool = True) -> AfterCommit:
        """Return the effect that lets the copies follow SQL once its transaction is committed."""
        return AfterCommit(self.alias, partial(self._update_copies, copies, must=must))

    def _update_copies(self, copies: Callable[[], Iterable[Effect]], *, must: bool = True) -> Effects[None]:
        """Write the copies. Where they ``must`` follow SQL and cannot, bump the epoch: no node believes them then."""
        if not self.epoch.bump_pending and (not self.breaker.is_open or (yield from self._redis_answers())):
            try:
                for effect in copies():  # noqa: UP028 -- as above
                    yield effect
            except StoreUnavailableError as error:
                logger.warning("Copies of sessions are dropped: %s", error)
                self.breaker.record_failure()
            else:
                return
        if must:
            yield from self.epoch.bump_epoch()

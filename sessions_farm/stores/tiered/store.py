"""Redis over SQL: SQL is what was written and what has ended, Redis is a copy for reading.

A write goes to SQL and then into the copy, if the copy is of the version just before; else the copy is dropped, and a
mark keeps a reader that is still under way with an older version from putting it back. So readers and writers may
overtake each other anywhere, and a copy is never older than a write that has reached Redis.

What did not reach Redis: a node whose write fails there raises ``Tier.epoch`` in SQL; a copy carries the epoch it was
made under, and older ones are misses. A Redis that started anew (crash, fail-over) has another run id, which raises
the epoch too. Each node asks SQL for the epoch once in ``TIER_POLL`` seconds (default 1): that is how long a copy can
be stale, and only after Redis has failed.

What nobody knows: SQL's answer to a write was lost, and the write may have come true, or may yet. Then there is no
copy for MARK_MS, and everybody asks SQL; where Redis cannot be told either, the epoch rises once SQL is back.

A mark can vanish before its time (FLUSHALL, eviction). So a reader who finds no copy leaves a lease there, or shares
the one that lies there, asks SQL, and may write the answer only while that lease still lies there: whatever writes
takes it away, and whatever vanishes takes it along. Who makes a session, or moves it to a new key, has left no lease
there: it goes by the pulse of Redis, which tells whether any key has vanished since it was last heard.

That SQL has nothing under an id is kept too, for ABSENT_MS, under the same lease. Making a session takes it away, so no
order of a reader and a maker hides a session from who comes after its maker was answered.

Inside a database transaction nothing of it is known to be true yet: SQL alone is read, and copies follow at its commit.
What is known over all sessions, what happened, and who holds a lease is SQL's alone.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from sessions_farm.stores.base import Change, State, StoreUnavailableError
from sessions_farm.stores.circuit_breaker import CircuitBreaker
from sessions_farm.stores.effects.transactions import AfterCommit, InTransaction, unbroken
from sessions_farm.stores.sql.database import DatabaseStore
from sessions_farm.stores.tiered.copies import FILL_WITHIN, RedisCopies
from sessions_farm.stores.tiered.epoch import TierEpoch

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from sessions_farm.conf import Options
    from sessions_farm.stores.base import Event, Header, Lifetime, LiveRecord, Operation, Reading, VariableChange
    from sessions_farm.stores.effects.effects import Effects
    from sessions_farm.stores.redis.keyspace import Copy

logger = logging.getLogger(__name__)


class TieredStore:
    def __init__(self, options: Options) -> None:
        self.sql = DatabaseStore(options)
        self.redis = RedisCopies(options)
        self.breaker = CircuitBreaker(options.breaker_rest)
        self.epoch = TierEpoch(self.sql, self.redis, self.breaker, options.tier_poll)

    @property
    def rotates_followers(self) -> bool:
        """Whether ``rotate`` copies the rows of every following table to the new key."""
        return self.sql.rotates_followers

    def create(self, key: str, variables: Mapping[str, str], lifetime: Lifetime, now: int) -> Effects[Header]:
        def steps() -> Effects[Header]:
            epoch = yield from self.epoch.current()
            pulse = self._feeling_pulse()
            header = yield from self._deciding([key], self.sql.create(key, variables, lifetime, now))
            yield from self._copying(lambda: self.redis.make(key, variables, header, epoch, now, pulse()))
            return header

        return unbroken(steps)

    def load(self, key: str, now: int) -> Effects[Reading]:
        if (yield InTransaction(self.sql.alias)):
            return (yield from self.sql.load(key, now))
        begun = time.monotonic()
        epoch = self.epoch.known_at(begun)
        if epoch is None:
            epoch = yield from self.epoch.current()
        copy = yield from self._reading_copy(key, now, epoch)
        if copy is None:
            return (yield from self.sql.load(key, now))
        reading = copy.reading
        lives = not copy.touched or (yield from self._touching_sql(key, now))
        if lives and (reading.state is State.LIVE or reading.in_grace or copy.is_certain):
            return reading
        found = yield from self.sql.load(key, now)
        if copy.lease and time.monotonic() - begun < FILL_WITHIN:
            if found.state is State.LIVE and found.header:
                fill = self.redis.fill(key, found.variables, found.header, epoch, now, copy.lease)
                yield from self._copying_now(lambda: fill, must=False)
            elif found.state is State.ABSENT:
                yield from self._copying_now(lambda: self.redis.mark(key, copy.lease, epoch), must=False)
        return found

    def apply(self, key: str, change: Change, now: int) -> Effects[Header]:
        def steps() -> Effects[Header]:
            epoch = yield from self.epoch.current()
            header = yield from self._deciding([key], self.sql.apply(key, change, now))
            yield from self._copying(lambda: self.redis.follow(key, change, header, epoch, now))
            return header

        return unbroken(steps)

    def modify(self, key: str, operation: Operation, now: int, idempotency_key: str = "") -> Effects[str | None]:
        def steps() -> Effects[str | None]:
            epoch = yield from self.epoch.current()
            text, header = yield from self._deciding(
                [key], self.sql.modify_with_header(key, operation, now, idempotency_key)
            )
            change = Change(drop=[operation.name]) if text is None else Change(put={operation.name: text})
            yield from self._copying(lambda: self.redis.follow(key, change, header, epoch, now))
            return text

        return unbroken(steps)

    def touch(self, key: str, now: int) -> Effects[bool]:
        lives = yield from self.sql.touch(key, now)
        if lives:
            yield from self._copying(lambda: self.redis.touch(key, now), must=False)
        return lives

    def rotate(self, old: str, new: str, change: Change, now: int, grace: int) -> Effects[Header]:
        def steps() -> Effects[Header]:
            epoch = yield from self.epoch.current()
            pulse = self._feeling_pulse()
            header = yield from self._deciding([old, new], self.sql.rotate(old, new, change, now, grace))
            yield from self._copying(lambda: self.redis.move(old, new, change, header, epoch, now, pulse()))
            return header

        return unbroken(steps)

    def delete(self, key: str, reason: str, now: int) -> Effects[None]:
        def steps() -> Effects[None]:
            yield from self._deciding([key], self.sql.delete(key, reason, now))
            yield from self._copying(lambda: self.redis.bury([key], reason))

        return unbroken(steps)

    def get_many(self, keys: Collection[str], now: int) -> Effects[list[LiveRecord]]:
        return self.sql.get_many(keys, now)

    def count(self, now: int) -> Effects[int]:
        return self.sql.count(now)

    def find(self, values: Mapping[str, str], now: int, limit: int) -> Effects[list[LiveRecord]]:
        return self.sql.find(values, now, limit)

    def scope_keys(self, limit: int) -> Effects[list[str]]:
        return self.sql.scope_keys(limit)

    def end_where(self, name: str, text: str, spare: str, reason: str, now: int) -> Effects[int]:
        def steps() -> Effects[int]:
            keys = yield from self._deciding([], self.sql.end_keys_where(name, text, spare, reason, now))
            yield from self._copying(lambda: self.redis.bury(keys, reason))
            return len(keys)

        return unbroken(steps)

    def sweep(self, now: int, limit: int) -> Effects[int]:
        def steps() -> Effects[int]:
            swept, keys = yield from self._deciding([], self.sql.sweep_keys(now, limit))
            yield from self._copying(lambda: self.redis.drop(keys, now))
            return swept

        return unbroken(steps)

    def read_events(self, limit: int) -> Effects[list[Event]]:
        return self.sql.read_events(limit)

    def forget_events(self, ids: Collection[str]) -> Effects[None]:
        return self.sql.forget_events(ids)

    def read_changes(self, name: str, after: str, seconds: float) -> Effects[tuple[list[VariableChange], str]]:
        return self.sql.read_changes(name, after, seconds)

    def acquire(self, name: str, token: str, now: int, lease: int) -> Effects[bool]:
        return self.sql.acquire(name, token, now, lease)

    def release(self, name: str, token: str) -> Effects[bool]:
        return self.sql.release(name, token)

    def wait(self, name: str, seconds: float) -> Effects[None]:
        return self.sql.wait(name, seconds)

    def put_code(self, digest: str, payload: str, ttl: float) -> Effects[None]:
        """Where Redis fails under this very call, the code may or may not stand there: say so, don't write it twice."""
        if not (yield from self.breaker.probe(self.redis.ping)):
            return (yield from self.sql.put_code(digest, payload, ttl))
        try:
            return (yield from self.redis.put_code(digest, payload, ttl))
        except StoreUnavailableError:
            self.breaker.record_failure()
            raise

    def take_code(self, digest: str) -> Effects[str | None]:
        if (yield from self.breaker.probe(self.redis.ping)):
            try:
                payload = yield from self.redis.take_code(digest)
            except StoreUnavailableError:
                self.breaker.record_failure()
            else:
                if payload is not None:
                    return payload
        return (yield from self.sql.take_code(digest))

    def _feeling_pulse(self) -> Callable[[], str]:
        """The pulse of now, for as long as no mark that another leaves meanwhile can have expired; then ''."""
        begun, pulse = time.monotonic(), self.epoch.pulse
        return lambda: pulse if time.monotonic() - begun < FILL_WITHIN else ""

    def _reading_copy(self, key: str, now: int, epoch: int) -> Effects[Copy | None]:
        """What Redis has; None where Redis does not answer."""
        if self.breaker.is_open and not (yield from self.breaker.probe(self.redis.ping)):
            return None
        try:
            return (yield from self.redis.read_of(key, now, epoch))
        except StoreUnavailableError as error:
            logger.warning("Sessions are read from SQL: %s", error)
            self.breaker.record_failure()
            return None

    def _touching_sql(self, key: str, now: int) -> Effects[bool]:
        """Let SQL follow a touch of the copy; False where SQL knows of no such session, and the copy is wrong."""
        try:
            lives = yield from self.sql.touch(key, now)
        except StoreUnavailableError as error:
            logger.warning("A session was touched in Redis only: %s", error)
            return True
        if not lives:
            yield from self._copying_now(lambda: self.redis.doubt([key]))
        return lives

    def _deciding[Answer](self, keys: Collection[str], steps: Effects[Answer]) -> Effects[Answer]:
        """What SQL does; where its answer is lost, no copy of these keys (or, if none are known, none at all) holds."""
        try:
            return (yield from steps)
        except (StoreUnavailableError, asyncio.CancelledError):
            if keys:
                yield from self._doubting(keys)
            else:
                self.epoch.owe()
            raise

    def _doubting(self, keys: Collection[str]) -> Effects[None]:
        if (yield from self.breaker.probe(self.redis.ping)):
            try:
                yield from self.redis.doubt(keys)
            except StoreUnavailableError as error:
                logger.warning("Copies of sessions are dropped once SQL is back: %s", error)
                self.breaker.record_failure()
            else:
                return
        self.epoch.owe()

    def _copying(self, copies: Callable[[], Effects[None]], *, must: bool = True) -> Effects[None]:
        """Let the copies follow what SQL has, once that is committed."""
        yield AfterCommit(self.sql.alias, lambda: self._copying_now(copies, must=must))

    def _copying_now(self, copies: Callable[[], Effects[None]], *, must: bool = True) -> Effects[None]:
        """Where the copy ``must`` follow and cannot, no node may believe it any longer."""
        if not self.epoch.is_owed and (yield from self.breaker.probe(self.redis.ping)):
            try:
                yield from copies()
            except StoreUnavailableError as error:
                logger.warning("Copies of sessions are dropped: %s", error)
                self.breaker.record_failure()
            else:
                return
        if must:
            yield from self.epoch.rise()

"""The ``database`` store over many sessions: queries, the outbox of events, feeds, leases and codes."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from sessions_farm.stores.base import NEVER, Event, Header, KeyTakenError, LiveRecord, VariableChange, now_ms
from sessions_farm.stores.effects.effects import Pause
from sessions_farm.stores.sql import dialect

if TYPE_CHECKING:
    from sessions_farm.stores.effects.effects import Effects
    from sessions_farm.stores.sql.dialect import Dialect, DialectOptions

BATCH = 100  # sessions that the sweeper ends in its first transaction; the next are as large as time allows
LONG = 0.02  # seconds of one transaction: others wait for its locks
SWEPT_BESIDES = ("tombstones", "final_variables", "codes", "leases", "changes", "feeds")  # besides sessions
POLL = 0.05  # seconds between two looks at a feed


class DatabaseQueries:
    """The part of DatabaseStore that reads and ends many sessions."""

    _options: DialectOptions

    @property
    def _sql(self) -> Dialect:
        raise NotImplementedError

    def get_many(self, keys: Collection[str], now: int) -> Effects[list[LiveRecord]]:
        rows = (yield self._sql.get_many(keys, now)) if keys else []
        return [record_of(row) for row in rows]

    def count(self, now: int) -> Effects[int]:
        rows = yield self._sql.execute(dialect.COUNT, now=now, never=NEVER)
        return int(rows[0][0])

    def find(self, values: Mapping[str, str], now: int, limit: int) -> Effects[list[LiveRecord]]:
        for name in values:
            self._require_indexed(name)
        rows = yield self._sql.find(values, now, limit)
        return [record_of(row) for row in rows]

    def scope_keys(self, limit: int) -> Effects[list[str]]:
        rows = yield self._sql.execute(dialect.SCOPE_KEYS, never=NEVER, limit=limit)
        return [row[0] for row in rows]

    def end_where(self, name: str, text: str, spare: str, reason: str, now: int) -> Effects[int]:
        return len((yield from self.end_keys_where(name, text, spare, reason, now)))

    def end_keys_where(self, name: str, text: str, spare: str, reason: str, now: int) -> Effects[list[str]]:
        """End as ``end_where`` does; return the keys that ended, for a cache to drop."""
        self._require_indexed(name)
        rows = yield self._sql.end_where(name, text, spare, reason, now)
        return [row[0] for row in rows]

    def sweep(self, now: int, limit: int) -> Effects[int]:
        number, _ = yield from self.sweep_keys(now, limit)
        return number

    def sweep_keys(self, now: int, limit: int) -> Effects[tuple[int, list[str]]]:
        """Sweep as ``sweep`` does; return also the keys of all sessions that ended, for a cache to drop.

        Neither expired nor evicted sessions leave tombstones. Each batch is a transaction of its own, unless the
        caller has one open.
        """
        numbers, ended = [], []
        for take in (self._sql.sweep, self._evict_over_limit)[: 2 if self._options.max_live else 1]:
            number, size = 0, BATCH
            while number < limit:
                begun, asked = time.monotonic(), min(size, limit - number)
                rows = yield take("sessions", now, asked)
                ended += [row[0] for row in rows if row[0]]
                number += len(rows)
                if len(rows) < asked:
                    break
                size = next_size(size, time.monotonic() - begun)
            numbers.append(number)
        for kind in SWEPT_BESIDES:
            rows = yield self._sql.sweep(kind, now, limit)
            numbers.append(rows[0][0])
        return max(numbers), ended

    def read_events(self, limit: int) -> Effects[list[Event]]:
        """Return the oldest events. A transaction of the caller's locks them; other readers skip locked events."""
        rows = yield self._sql.read_events(limit)
        return [
            Event(str(number), kind, key, at, reason, other, decoded(shared))
            for number, kind, key, at, reason, other, shared in rows
        ]

    def forget_events(self, ids: Collection[str]) -> Effects[None]:
        if ids:
            yield self._sql.forget_events([int(event_id) for event_id in ids])

    def read_changes(self, name: str, after: str, seconds: float) -> Effects[tuple[list[VariableChange], str]]:
        """Read as the protocol has it. A change's own ``place`` is that before the read: none is missed from there."""
        until = time.monotonic() + seconds
        place, rows = yield self._sql.read_changes(name, after)
        while not rows and time.monotonic() < until:
            yield Pause(min(POLL, max(until - time.monotonic(), 0)))
            after = place
            place, rows = yield self._sql.read_changes(name, after)
        return [VariableChange(after, name, key, text, at) for _, key, text, at in rows], place

    def acquire(self, name: str, token: str, now: int, lease: int) -> Effects[bool]:
        return bool((yield self._sql.execute(dialect.ACQUIRE, name=name, token=token, now=now, until=now + lease)))

    def release(self, name: str, token: str) -> Effects[bool]:
        rows = yield self._sql.release(name, token)
        return bool(rows) and rows[0][0] > now_ms()

    def wait(self, name: str, seconds: float) -> Effects[None]:
        until = time.monotonic() + seconds
        notification = self._sql.wait(name, seconds)
        if notification is not None:
            yield notification
            return
        while (left := until - time.monotonic()) > 0:
            rows = yield self._sql.execute(dialect.HELD_UNTIL, name=name)
            if not rows or rows[0][0] <= now_ms():
                return
            yield Pause(min(POLL, left))

    def put_code(self, digest: str, payload: str, ttl: float) -> Effects[None]:
        expires = now_ms() + int(ttl * 1000)
        if not (yield self._sql.execute(dialect.PUT_CODE, digest=digest, payload=payload, expires=expires)):
            raise KeyTakenError(digest)

    def take_code(self, digest: str) -> Effects[str | None]:
        rows = yield self._sql.execute(dialect.TAKE_CODE, digest=digest)
        return rows[0][0] if rows and now_ms() < rows[0][1] else None

    def _evict_over_limit(self, _kind: str, now: int, limit: int) -> Any:
        return self._sql.evict_over_limit(now, limit)

    def _require_indexed(self, name: str) -> None:
        if name not in self._options.indexed:
            raise ValueError(
                f'{name!r} is not indexed, so no session is found by it. Declare it: SESSIONS_FARM["VARIABLES"] = '
                f'{{"{name}": {{"indexed": True}}}}.'
            )


def next_size(size: int, took: float) -> int:
    """Return the size of the next batch after one of ``size`` that took ``took`` seconds."""
    if took > LONG:
        return max(size // 2, 10)
    return size * 2 if took < LONG / 3 else size


def record_of(row: tuple[Any, ...]) -> LiveRecord:
    """Return the session of a row."""
    return LiveRecord(row[0], Header(*row[1:7]), decoded(row[7]))


def decoded(text: str | None) -> dict[str, str]:
    """Return the variables of one JSON text."""
    found: dict[str, str] = json.loads(text) if text else {}
    return found

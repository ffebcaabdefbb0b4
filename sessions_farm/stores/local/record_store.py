"""A record store: the whole protocol of a store over tables that are mappings, in memory or in files."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from heapq import nsmallest
from itertools import islice
from typing import TYPE_CHECKING, Any

from sessions_farm.stores.base import (
    Change,
    Event,
    Header,
    KeyTakenError,
    Lifetime,
    LiveRecord,
    Operation,
    Reading,
    VariableChange,
    now_ms,
)
from sessions_farm.stores.effects.effects import Pause
from sessions_farm.stores.effects.round_trips import current
from sessions_farm.stores.local.records import Code, Tables, digest_in, digest_of
from sessions_farm.stores.local.rules import Rules

if TYPE_CHECKING:
    from sessions_farm.conf import Options
    from sessions_farm.stores.effects.effects import Effect, Effects

POLL = 0.05  # seconds between two looks for a change or a free lease


class RecordStore(ABC):
    """The base of stores without a database. Subclasses provide transactions over tables, and the effect of work."""

    joins_transactions = False

    def __init__(self, options: Options) -> None:
        self.rules = Rules(options)
        self._max_live = options.max_live

    @abstractmethod
    def transaction(self, *digests: str) -> AbstractContextManager[Tables]:
        """Open the tables of keys with these digests, isolated from other callers. All its writes are kept, or none."""

    @abstractmethod
    def partitions(self) -> Iterator[AbstractContextManager[Tables]]:
        """Open each partition of the tables in turn, each a transaction."""

    @abstractmethod
    def partitions_to_read(self) -> Iterator[AbstractContextManager[Tables]]:
        """Open each partition in turn to read; others may write to it meanwhile."""

    @abstractmethod
    def effect(self, work: Callable[[], Any]) -> Effect:
        """Return the effect that does some work."""

    @abstractmethod
    def time_ms(self) -> int:
        """Return the time by the clock that all processes with these tables share."""

    def clock(self) -> Effects[int | None]:
        return (yield from self._counted(self.time_ms))

    def create(self, key: str, variables: Mapping[str, str], lifetime: Lifetime, now: int) -> Effects[Header]:
        return (
            yield from self._round_trip([key, *self._fed(variables)], self.rules.create, key, variables, lifetime, now)
        )

    def load(self, key: str, now: int) -> Effects[Reading]:
        return (yield from self._round_trip([key], self.rules.load, key, now))

    def apply(self, key: str, change: Change, now: int) -> Effects[Header]:
        return (yield from self._round_trip([key, *self._fed_by(change)], self.rules.apply, key, change, now))

    def modify(self, key: str, operation: Operation, now: int, idempotency_key: str = "") -> Effects[str | None]:
        return (
            yield from self._round_trip(
                [key, *self._fed([operation.name])], self.rules.modify, key, operation, now, idempotency_key
            )
        )

    def touch(self, key: str, now: int) -> Effects[bool]:
        return (yield from self._round_trip([key], self.rules.touch, key, now))

    def rotate(self, old: str, new: str, change: Change, now: int, grace: int, successor: str = "") -> Effects[Header]:
        keys = [old, new, *self._fed_by(change)]
        return (yield from self._round_trip(keys, self.rules.rotate, old, new, change, now, grace, successor))

    def delete(self, key: str, reason: str, now: int) -> Effects[None]:
        yield from self._round_trip([key], self.rules.delete, key, reason, now)

    def get_many(self, keys: Collection[str], now: int) -> Effects[list[LiveRecord]]:
        def get_many() -> list[LiveRecord]:
            found = (self._do([key], self.rules.get, key, now) for key in keys)
            return [one for one in found if one]

        return (yield from self._counted(get_many))

    def count(self, now: int) -> Effects[int]:
        return (yield from self._counted(lambda: sum(1 for _ in self._all(self.rules.find, {}, now))))

    def find(self, values: Mapping[str, str], now: int, limit: int) -> Effects[list[LiveRecord]]:
        self.rules.require_indexed(*values)
        return (yield from self._counted(lambda: list(islice(self._all(self.rules.find, values, now), limit))))

    def scope_keys(self, limit: int) -> Effects[list[str]]:
        return (yield from self._counted(lambda: list(islice(self._all(self.rules.scope_keys), limit))))

    def end_where(self, name: str, text: str, spare: str, reason: str, now: int) -> Effects[int]:
        self.rules.require_indexed(name)

        def end() -> int:
            ended = 0
            for partition in self.partitions():
                with partition as tables:
                    ended += self.rules.end_where(tables, {name: text}, spare, reason, now)
            return ended

        return (yield from self._counted(end))

    def sweep(self, now: int, limit: int) -> Effects[int]:
        swept: int = yield from self._counted(lambda: self._sweep_due(now, limit))
        if not self._max_live:
            return swept
        return max(swept, (yield from self._counted(lambda: self._evict_over_limit(now, limit))))

    def read_events(self, limit: int) -> Effects[list[Event]]:
        def read() -> list[Event]:
            # Another process may forget these between the two looks; none at all means that the outbox is empty.
            while ids := nsmallest(limit, self._all(lambda tables: tables.events)):
                found = (
                    self._within([digest_in(an_id)], lambda tables, i=an_id: tables.events.get(i)) for an_id in ids
                )
                if events := [event for event in found if event]:
                    return events
            return []

        return (yield from self._counted(read))

    def forget_events(self, ids: Collection[str]) -> Effects[None]:
        def forget() -> None:
            for an_id in ids:
                self._within([digest_in(an_id)], lambda tables, i=an_id: tables.events.pop(i, None))

        yield from self._counted(forget)

    def read_changes(self, name: str, after: str, seconds: float) -> Effects[tuple[list[VariableChange], str]]:
        until = time.monotonic() + seconds
        place: int = int(after) if after else (yield from self._round_trip([name], self.rules.end_of_feed, name))
        while True:
            found: list[VariableChange] = yield from self._round_trip([name], self.rules.changes_after, name, place)
            left = until - time.monotonic()
            if found or left <= 0:
                return found, found[-1].place if found else str(place)
            yield Pause(min(POLL, left))

    def acquire(self, name: str, token: str, now: int, lease: int) -> Effects[bool]:
        return (yield from self._round_trip([name], self.rules.acquire, name, token, now, lease))

    def release(self, name: str, token: str) -> Effects[bool]:
        return (yield from self._round_trip([name], self.rules.release, name, token))

    def wait(self, name: str, seconds: float) -> Effects[None]:
        until = time.monotonic() + seconds
        while (yield from self._round_trip([name], self.rules.is_held, name, now_ms())):
            left = until - time.monotonic()
            if left <= 0:
                return
            yield Pause(min(POLL, left))

    def put_code(self, digest: str, payload: str, ttl: float) -> Effects[None]:
        now = now_ms()
        code = Code(payload, now + int(ttl * 1000))

        def put(tables: Tables) -> None:
            known = tables.codes.get(digest)
            if known and now < known.until:
                raise KeyTakenError(digest)
            tables.codes[digest] = code

        yield from self._round_trip([digest], put)

    def take_code(self, digest: str) -> Effects[str | None]:
        code: Code | None = yield from self._round_trip([digest], lambda tables: tables.codes.pop(digest, None))
        return code.payload if code and now_ms() < code.until else None

    def _round_trip[Answer](self, keys: Iterable[str], rule: Callable[..., Answer], *args: Any) -> Effects[Answer]:
        return self._counted(lambda: self._do(keys, rule, *args))

    def _counted[Answer](self, work: Callable[[], Answer]) -> Effects[Answer]:
        current.get().trips += 1
        answer: Answer = yield self.effect(work)
        return answer

    def _do[Answer](self, keys: Iterable[str], rule: Callable[..., Answer], *args: Any) -> Answer:
        return self._within([digest_of(key) for key in keys], rule, *args)

    def _within[Answer](self, digests: Iterable[str], rule: Callable[..., Answer], *args: Any) -> Answer:
        with self.transaction(*digests) as tables:
            return rule(tables, *args)

    def _all[Item](self, rule: Callable[..., Iterable[Item]], *args: Any) -> Iterator[Item]:
        for partition in self.partitions_to_read():
            with partition as tables:
                yield from rule(tables, *args)

    def _sweep_due(self, now: int, limit: int) -> int:
        counts: Counter[str] = Counter()
        for partition in self.partitions():
            with partition as tables:
                counts.update(self.rules.sweep(tables, now, limit, counts))
        return max(counts.values(), default=0)

    def _evict_over_limit(self, now: int, limit: int) -> int:
        live, anonymous = 0, []
        for key, seen in self._all(self.rules.live_sessions, now):
            live += 1
            if seen:
                anonymous.append((seen, key))
        chosen = nsmallest(max(0, min(live - self._max_live, limit)), anonymous)
        return sum(self._do([key], self.rules.evict, key, seen, now) for seen, key in chosen)

    def _fed(self, names: Iterable[str]) -> list[str]:
        """Return the names of variables that have a feed."""
        return [name for name in names if name in self.rules.shared]

    def _fed_by(self, change: Change) -> Iterable[str]:
        return self.rules.shared if change.replace else self._fed([*change.put, *change.drop, *change.add])

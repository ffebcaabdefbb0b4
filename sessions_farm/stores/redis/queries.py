"""What Redis alone knows over all sessions: who lives, who has which value, what happened; and the leases."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sessions_farm.stores.base import Event, LiveRecord, VariableChange
from sessions_farm.stores.redis.keyspace import RedisPlace, unpacked

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sessions_farm.conf import Options
    from sessions_farm.stores.effects.effects import Effects

SCAN = 5_000  # sessions that a search looks at in one trip, some milliseconds of Redis's time
ENDING = 2_000  # sessions that are ended in one trip, some ten milliseconds of it
SWEEPING = 100  # sessions that expire in one trip, a few milliseconds of it at most
WAKE_MS = 5_000  # how long a wake-up lies for one who is about to wait
CHANGES = 1_000  # in one reading


class RedisBroker(RedisPlace):
    def __init__(self, options: Options, *, alone: bool) -> None:
        super().__init__(options, alone=alone)
        self.grave_ms = options.cookie_age * 1000
        self._indexed, self._shown = frozenset(options.variables.indexed()), options.variables.shared()

    def get_many(self, keys: Collection[str], now: int) -> Effects[list[LiveRecord]]:
        if not keys:
            return []
        rows = yield self.script("LOOK", [self.name(key) for key in keys], [now])
        return [self._found(row) for row in rows]

    def count(self, now: int) -> Effects[int]:
        found: int = yield self.command("zcount", self.at("live"), f"({now}", "+inf")
        return found

    def find(self, values: Mapping[str, str], now: int, limit: int) -> Effects[list[LiveRecord]]:
        """Those first that expire last. A search for several values may take a trip for each few thousand."""
        self._require_indexed(values)
        wanted = [part for pair in values.items() for part in pair]
        found: dict[str, LiveRecord] = {}
        top, skip, is_all = "+inf", 0, 0
        while len(found) < limit and not is_all:
            rows, is_all, top, skip = yield self.script("FIND", [], [now, limit - len(found), SCAN, top, skip, *wanted])
            # A session that was touched between two trips may come twice.
            found |= {row[0]: self._found(row) for row in rows}
        return list(found.values())

    def scope_keys(self, limit: int) -> Effects[list[str]]:
        found: list[str] = yield self.command("zrange", self.at("ever"), 0, limit - 1)
        return found

    def end_where(self, name: str, text: str, spare: str, reason: str, now: int) -> Effects[int]:
        self._require_indexed([name])
        ended, is_all = 0, 0
        while not is_all:
            given = [now, name, text, spare, reason, self.grave_ms, ENDING]
            some, is_all = yield self.script("END_WHERE", [], given)
            ended += some
        return ended

    def sweep(self, now: int, limit: int) -> Effects[int]:
        """In trips of a hundred sessions, so that Redis is there for everybody else in between."""
        expired = crowded = 0
        while max(expired, crowded) < limit:
            size = min(SWEEPING, limit - max(expired, crowded))
            some, many = yield self.script("SWEEP", [], [now, size, self._options.max_live])
            expired, crowded = expired + some, crowded + many
            if max(some, many) < size:
                break
        return max(expired, crowded)

    def read_events(self, limit: int) -> Effects[list[Event]]:
        rows = yield self.command("xrange", self.at("events"), "-", "+", count=limit)
        return [
            Event(
                id=place,
                kind=fields["kind"],
                key=fields["key"],
                at=int(fields["at"]),
                reason=fields["reason"],
                other=fields["other"],
                shared={name[1:]: text for name, text in fields.items() if name[0] == ":"},
            )
            for place, fields in rows
        ]

    def forget_events(self, ids: Collection[str]) -> Effects[None]:
        if ids:
            yield self.command("xdel", self.at("events"), *ids)

    def read_changes(self, name: str, after: str, seconds: float) -> Effects[tuple[list[VariableChange], str]]:
        feed, until = self.at("f", name), time.monotonic() + seconds
        if not after:
            newest = yield self.command("xrevrange", feed, "+", "-", count=1)
            after = newest[0][0] if newest else "0-0"
        while True:
            left = min(until - time.monotonic(), self._options.redis_block)
            block: dict[str, Any] = {"block": int(left * 1000) or 1, "waiting": True} if left > 0 else {}
            answer = yield self.command("xread", {feed: after}, count=CHANGES, **block)
            rows = rows_of(answer)
            if rows:
                changes = [changed(name, place, fields) for place, fields in rows]
                return changes, changes[-1].place
            if time.monotonic() >= until:
                return [], after

    def acquire(self, name: str, token: str, now: int, lease: int) -> Effects[bool]:
        return bool((yield self.script("ACQUIRE", [self.at("l", name), self.at("k", name)], [token, now, lease])))

    def release(self, name: str, token: str) -> Effects[bool]:
        return bool((yield self.script("RELEASE", [self.at("l", name), self.at("k", name)], [token, WAKE_MS])))

    def wait(self, name: str, seconds: float) -> Effects[None]:
        """Woken by the release. Where the holder, or who was woken in our place, died, until the lease's own end."""
        rest = yield self.command("pttl", self.at("l", name))
        until = time.monotonic() + min(seconds, max(rest, 0) / 1000)
        while (left := min(until - time.monotonic(), self._options.redis_block)) > 0:
            if (yield self.command("blpop", [self.at("k", name)], timeout=max(left, 0.001), waiting=True)):
                return

    def _require_indexed(self, names: Collection[str]) -> None:
        for name in names:
            if name not in self._indexed:
                raise ValueError(
                    f"{name!r} is not indexed, so nothing is found by it. "
                    f'Declare it: SESSIONS_FARM["VARIABLES"] = {{"{name}": {{"indexed": True}}}}.'
                )

    def _found(self, row: list[Any]) -> LiveRecord:
        key, header, *texts = row
        shared = {name: text for name, text in zip(self._shown, texts, strict=True) if text is not None}
        return LiveRecord(key, unpacked(header), shared)


def rows_of(answer: Any) -> list[Any]:
    """Those of the one stream that was asked for; redis-py gives a mapping or pairs, as the protocol is."""
    if not answer:
        return []
    if isinstance(answer, dict):
        (rows,) = answer.values()
        return [row for part in rows for row in part] if rows and isinstance(rows[0], list) else rows
    return list(answer[0][1])


def changed(name: str, place: str, fields: dict[str, str]) -> VariableChange:
    return VariableChange(place, name, fields["key"], fields.get("text"), int(fields["at"]))

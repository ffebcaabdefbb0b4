"""Queries over all sessions of the ``redis`` store, its events, and its leases."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sessions_farm.stores.base import Event, LiveRecord, VariableChange
from sessions_farm.stores.redis.client import RedisClient, unpacked
from sessions_farm.stores.redis.scripts import SOURCES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sessions_farm.conf import Options
    from sessions_farm.stores.effects.effects import Effects

# Batches of one round trip, in which Redis serves no other client.
SCAN = 5_000  # sessions that a search looks at: some milliseconds of Redis's time
ENDING = 2_000  # sessions that are ended: some ten milliseconds
SWEEPING = 100  # sessions that expire: a few milliseconds at most
CHANGES = 1_000  # changes that are read
WAKE_MS = 5_000  # how long a wake-up is kept for a client that is about to wait


class RedisQueries(RedisClient):
    """The part of the ``redis`` store that is not about one session."""

    def __init__(self, options: Options) -> None:
        super().__init__(options, SOURCES, alone=True)
        self.tombstone_ttl_ms = options.cookie_age * 1000
        self._indexed, self._shown = frozenset(options.variables.indexed()), options.variables.shared()

    def get_many(self, keys: Collection[str], now: int) -> Effects[list[LiveRecord]]:
        """Return the live sessions among the keys."""
        if not keys:
            return []
        rows = yield self.script("get_many", [self.session_name(key) for key in keys], [now])
        return [self._found(row) for row in rows]

    def count(self, now: int) -> Effects[int]:
        """Return the number of live sessions."""
        found: int = yield self.command("zcount", self.name("live"), f"({now}", "+inf")
        return found

    def find(self, values: Mapping[str, str], now: int, limit: int) -> Effects[list[LiveRecord]]:
        """Find sessions, the last to expire first; by several values in round trips of a few thousand sessions."""
        self._require_indexed(values)
        wanted = [part for pair in values.items() for part in pair]
        found: dict[str, LiveRecord] = {}
        top, skip, is_all = "+inf", 0, 0
        while len(found) < limit and not is_all:
            rows, is_all, top, skip = yield self.script("find", [], [now, limit - len(found), SCAN, top, skip, *wanted])
            # A session that was touched between two round trips may come twice.
            found |= {row[0]: self._found(row) for row in rows}
        return list(found.values())

    def scope_keys(self, limit: int) -> Effects[list[str]]:
        """Return keys of dictionaries of scopes."""
        found: list[str] = yield self.command("zrange", self.name("ever"), 0, limit - 1)
        return found

    def end_where(self, name: str, text: str, spare: str, reason: str, now: int) -> Effects[int]:
        """End the sessions with one text in an indexed variable, but one; return how many."""
        self._require_indexed([name])
        ended, is_all = 0, 0
        while not is_all:
            given = [now, name, text, spare, reason, self.tombstone_ttl_ms, ENDING]
            some, is_all = yield self.script("end_where", [], given)
            ended += some
        return ended

    def sweep(self, now: int, limit: int) -> Effects[int]:
        """Sweep in batches of a hundred sessions, so that Redis serves other clients in between."""
        expired = evicted = 0
        while max(expired, evicted) < limit:
            size = min(SWEEPING, limit - max(expired, evicted))
            some, many = yield self.script("sweep", [], [now, size, self._options.max_live])
            expired, evicted = expired + some, evicted + many
            if max(some, many) < size:
                break
        return max(expired, evicted)

    def read_events(self, limit: int) -> Effects[list[Event]]:
        """Return the oldest events of the outbox."""
        rows = yield self.command("xrange", self.name("events"), "-", "+", count=limit)
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
        """Delete delivered events."""
        if ids:
            yield self.command("xdel", self.name("events"), *ids)

    def read_changes(self, name: str, after: str, seconds: float) -> Effects[tuple[list[VariableChange], str]]:
        """Return changes of a shared variable after a place, waiting for the first one, and the place to go on from."""
        feed, until = self.name("f", name), time.monotonic() + seconds
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
        """Acquire or prolong a lease for ``lease`` ms; return whether the token holds it."""
        return bool((yield self.script("acquire", self._lease_names(name), [token, now, lease])))

    def release(self, name: str, token: str) -> Effects[bool]:
        """Release a lease and wake one waiter; return whether the token held it."""
        return bool((yield self.script("release", self._lease_names(name), [token, WAKE_MS])))

    def wait(self, name: str, seconds: float) -> Effects[None]:
        """Wait for the release, or for the lease's own end where its holder or another woken waiter has died."""
        rest = yield self.command("pttl", self.name("l", name))
        until = time.monotonic() + min(seconds, max(rest, 0) / 1000)
        while (left := min(until - time.monotonic(), self._options.redis_block)) > 0:
            if (yield self.command("blpop", [self.name("k", name)], timeout=max(left, 0.001), waiting=True)):
                return

    def _lease_names(self, name: str) -> list[str]:
        """Return the names of a lease and of its wake-ups."""
        return [self.name("l", name), self.name("k", name)]

    def _require_indexed(self, names: Collection[str]) -> None:
        """Raise ValueError for a variable that sessions are not indexed by."""
        for name in names:
            if name not in self._indexed:
                raise ValueError(
                    f"{name!r} is not indexed, so nothing is found by it. "
                    f'Declare it: SESSIONS_FARM["VARIABLES"] = {{"{name}": {{"indexed": True}}}}.'
                )

    def _found(self, row: list[Any]) -> LiveRecord:
        """Return a row of the scripts as a record."""
        key, header, *texts = row
        shared = {name: text for name, text in zip(self._shown, texts, strict=True) if text is not None}
        return LiveRecord(key, unpacked(header), shared)


def rows_of(answer: Any) -> list[Any]:
    """Return the rows of the only stream in an answer, a mapping or pairs as the protocol has it."""
    if not answer:
        return []
    if isinstance(answer, dict):
        (rows,) = answer.values()
        return [row for part in rows for row in part] if rows and isinstance(rows[0], list) else rows
    return list(answer[0][1])


def changed(name: str, place: str, fields: dict[str, str]) -> VariableChange:
    """Return an entry of a feed as a change."""
    return VariableChange(place, name, fields["key"], fields.get("text"), int(fields["at"]))

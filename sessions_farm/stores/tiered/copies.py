"""Copies in Redis of sessions in SQL: the effects that read, fill, write through and invalidate them.

Each effect is one script and one round trip. The order of a reader's fill and a writer's write-through is a race that
the scripts decide by version, epoch and lease (see store.py).
"""

from __future__ import annotations

import random
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sessions_farm.stores.base import NEVER, Change
from sessions_farm.stores.redis import scripts
from sessions_farm.stores.redis.client import RedisClient, packed, reading_of, writes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from sessions_farm.conf import Options
    from sessions_farm.stores.base import Header, Reading
    from sessions_farm.stores.effects.effects import Effects
    from sessions_farm.stores.redis.client import ScriptCall

# How long an invalidation outlasts readers under way, and how long after its SELECT a reader may still fill: the second
# is well below the first, so a fill that comes after the invalidation has expired is too late for itself.
INVALID_MS = 60_000
LEASE_MS = 10_000  # how long a reader that found no copy may take to ask SQL and still leave the answer
FILL_WITHIN = 10.0  # seconds
ABSENT_MS = 300_000  # also how long a node that dies between SQL and Redis hides the session it was making
TOMBSTONE_TTL_MS = 3_600_000  # of a copy; SQL keeps the true tombstone until no cookie carries the id
EVICTION_MARKER_MS = 86_400_000  # far longer than any node relies on a marker that it has read
KEYS_AT_ONCE = 1_000  # in one script

OWN_SOURCES = scripts.read_sources(Path(__file__).parent)
SOURCES = {
    "load": scripts.SOURCES["load"],
    "touch": scripts.SOURCES["touch"],
    **OWN_SOURCES,
    "prelude": scripts.SOURCES["prelude"] + OWN_SOURCES["prelude"],
}


@dataclass(slots=True)
class Copy:
    """The answer of Redis to a read. ``is_hit``: it can be served; else ``lease`` is of the reader that asks SQL."""

    reading: Reading
    is_hit: bool
    touched: bool = False
    lease: str = ""


class RedisCopies(RedisClient):
    """The cache of the ``tiered`` store."""

    def __init__(self, options: Options) -> None:
        super().__init__(options, SOURCES, alone=False)

    def ping(self) -> Effects[None]:
        """Ask Redis for any answer."""
        yield self.command("ping")

    def eviction_marker(self) -> Effects[tuple[str, str]]:
        """Return the run id of Redis, and a text that changes once it loses a key (is emptied, or evicts)."""
        given = [secrets.token_urlsafe(8), EVICTION_MARKER_MS]
        run, marker = yield self.script("eviction_marker", [self.name("eviction-marker")], given)
        return run, marker

    def read(self, key: str, now: int, epoch: int) -> ScriptCall:
        """Read a copy that is of no older epoch, and leave a lease where there is none; ``copy_of`` reads the answer.

        Against a stampede: readers that come before the first of them is back share its lease, so each may fill, and no
        crowd of them keeps all from it. The lease goes with any write, any copy, and with the key.
        """
        lease = f"{random.getrandbits(64):x}"
        return self.script("load", [self.session_name(key)], [now, epoch, lease, LEASE_MS])

    def fill(
        self, key: str, variables: Mapping[str, str], header: Header, epoch: int, now: int, lease: str
    ) -> ScriptCall:
        """Copy the row that a reader found, unless there is a newer copy or an invalidation, or its lease is gone."""
        given = [now, packed(header, epoch), lease, *writes(Change(put=variables))]
        return self.script("fill", [self.session_name(key)], given)

    def create(
        self, key: str, variables: Mapping[str, str], header: Header, epoch: int, now: int, marker: str
    ) -> ScriptCall:
        """Copy a new session, unless more is known already; invalidate, if keys were lost since the marker was read."""
        given = [now, packed(header, epoch), marker, INVALID_MS, *writes(Change(put=variables))]
        return self.script("create", [self.session_name(key)], given)

    def write_through(self, key: str, change: Change, header: Header, epoch: int, now: int) -> ScriptCall:
        """Make the change in the copy of the version before; invalidate any other copy (optimistic, by version)."""
        given = [now, packed(header, epoch), int(change.replace), INVALID_MS, *writes(change)]
        return self.script("write_through", [self.session_name(key)], given)

    def rename(
        self, old: str, new: str, change: Change, header: Header, epoch: int, now: int, marker: str
    ) -> ScriptCall:
        """Move the copy of the version before to a new key with a change; leave a tombstone under the old one."""
        fixed = [now, packed(header, epoch), int(change.replace), INVALID_MS, TOMBSTONE_TTL_MS, marker]
        return self.script("rename", [*self.session_names(old), self.session_name(new)], [*fixed, *writes(change)])

    def cache_absent(self, key: str, lease: str, epoch: int) -> ScriptCall:
        """Keep the answer that SQL has no session under the key."""
        return self.script("cache_absent", [self.session_name(key)], [lease, epoch, ABSENT_MS])

    def touch(self, key: str, now: int) -> ScriptCall:
        """Begin the idle time of the copy anew."""
        return self.script("touch", [self.session_name(key)], [now])

    def tombstone(self, keys: Collection[str], reason: str) -> list[ScriptCall]:
        """Put tombstones in the place of copies."""
        given: list[Any] = [reason, TOMBSTONE_TTL_MS]
        return [
            self.script("tombstone", [name for key in some for name in self.session_names(key)], given)
            for some in batches(keys)
        ]

    def invalidate(self, keys: Collection[str]) -> list[ScriptCall]:
        """Drop copies, and keep readers from filling new ones for a while."""
        return [self.script("invalidate", self._names(some), [NEVER, INVALID_MS]) for some in batches(keys)]

    def drop(self, keys: Collection[str], now: int) -> list[ScriptCall]:
        """Drop copies of sessions that SQL has swept."""
        return [self.script("drop", self._names(some), [now, NEVER, INVALID_MS]) for some in batches(keys)]

    def _names(self, keys: list[str]) -> list[str]:
        """Return the names of sessions' hashes."""
        return [self.session_name(key) for key in keys]


def copy_of(state: str, flag: int, pairs: list[str]) -> Copy:
    """Return the answer of ``RedisCopies.read`` as a Copy."""
    reading = reading_of(state, flag, pairs)
    if state == "absent":
        return Copy(reading, is_hit=bool(flag), lease=pairs[1] if pairs else "")
    return Copy(reading, is_hit=state == "live" or reading.in_grace, touched=bool(flag))


def batches(keys: Collection[str]) -> Iterator[list[str]]:
    """Yield the keys, a thousand at a time."""
    listed = list(keys)
    for start in range(0, len(listed), KEYS_AT_ONCE):
        yield listed[start : start + KEYS_AT_ONCE]

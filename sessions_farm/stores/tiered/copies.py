"""Copies in Redis of the sessions that SQL has: each step one script and one trip."""

from __future__ import annotations

import random
import secrets
from typing import TYPE_CHECKING

from sessions_farm.stores.base import NEVER, Change
from sessions_farm.stores.redis.keyspace import RedisPlace, packed, writes
from sessions_farm.stores.tiered import lua_copies

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from sessions_farm.conf import Options
    from sessions_farm.stores.base import Header
    from sessions_farm.stores.effects.effects import Effects
    from sessions_farm.stores.redis.keyspace import Copy

# How long a mark waits for readers under way, and how long after its SELECT a reader may still fill: the second is
# well below the first, so a fill that is too late for the mark is too late for itself.
MARK_MS = 60_000
LEASE_MS = 10_000  # how long a reader who found nothing may take to ask SQL and still leave the answer
FILL_WITHIN = 10.0
ABSENT_MS = 300_000  # also how long a node that dies between SQL and Redis hides the session it was making
TOMB_MS = 3_600_000  # a copy of a tombstone; SQL keeps the true one until no cookie carries the id
PULSE_MS = 86_400_000  # far longer than anybody goes by a pulse that was heard
AT_ONCE = 1_000  # keys in one script


PARTS = ("ORDER", "HEARD")  # of scripts


class RedisCopies(RedisPlace):
    def __init__(self, options: Options) -> None:
        super().__init__(options, alone=False)

    def texts(self) -> dict[str, str]:
        return {name: text for name, text in vars(lua_copies).items() if name.isupper() and name not in PARTS}

    def ping(self) -> Effects[None]:
        yield self.command("ping")

    def pulse(self) -> Effects[tuple[str, str]]:
        """Which Redis process answers, and what will be another once it forgets a key (is emptied, evicts)."""
        run, pulse = yield self.script("PULSE", [self.at("pulse")], [secrets.token_urlsafe(8), PULSE_MS])
        return run, pulse

    def read_of(self, key: str, now: int, epoch: int) -> Effects[Copy]:
        """What is here, of no older epoch; where there is nothing, with a lease for who asks SQL.

        Readers who come before the first of them is back share it: each may answer, and no crowd of them keeps all
        from it. It goes with any write, any copy, and with the key.
        """
        return self.read(key, now, epoch, f"{random.getrandbits(64):x}", LEASE_MS)

    def fill(
        self, key: str, variables: Mapping[str, str], header: Header, epoch: int, now: int, lease: str
    ) -> Effects[None]:
        """Make a copy of what a reader found, unless a newer one or a mark lies there, or its lease does not."""
        given = [now, packed(header, epoch), lease, *writes(Change(put=variables))]
        yield self.script("FILL", [self.name(key)], given)

    def make(
        self, key: str, variables: Mapping[str, str], header: Header, epoch: int, now: int, pulse: str
    ) -> Effects[None]:
        """Make the copy of a new session, unless more is known already; a mark only, if keys were forgotten since."""
        given = [now, packed(header, epoch), pulse, MARK_MS, *writes(Change(put=variables))]
        yield self.script("MAKE", [self.name(key)], given)

    def follow(self, key: str, change: Change, header: Header, epoch: int, now: int) -> Effects[None]:
        """Let the copy that is of the version before have the change; drop any other."""
        given = [now, packed(header, epoch), int(change.replace), MARK_MS, *writes(change)]
        yield self.script("FOLLOW", [self.name(key)], given)

    def move(
        self, old: str, new: str, change: Change, header: Header, epoch: int, now: int, pulse: str
    ) -> Effects[None]:
        given = [now, packed(header, epoch), int(change.replace), MARK_MS, TOMB_MS, pulse, *writes(change)]
        yield self.script("MOVE", [*self.names(old), self.name(new)], given)

    def mark(self, key: str, lease: str, epoch: int) -> Effects[None]:
        """SQL had nothing under the key."""
        yield self.script("MARK", [self.name(key)], [lease, epoch, ABSENT_MS])

    def touch(self, key: str, now: int) -> Effects[None]:
        yield self.script("TOUCH", [self.name(key)], [now])

    def bury(self, keys: Collection[str], reason: str) -> Effects[None]:
        """A thousand keys a trip."""
        for part in parts(keys):
            names = [name for key in part for name in self.names(key)]
            yield self.script("BURY", names, [reason, TOMB_MS])

    def doubt(self, keys: Collection[str]) -> Effects[None]:
        """Have no copies, and let none be made for a while."""
        for part in parts(keys):
            yield self.script("DOUBT", [self.name(key) for key in part], [NEVER, MARK_MS])

    def drop(self, keys: Collection[str], now: int) -> Effects[None]:
        """SQL has swept them."""
        for part in parts(keys):
            yield self.script("DROP", [self.name(key) for key in part], [now, NEVER, MARK_MS])


def parts(keys: Collection[str]) -> Iterator[list[str]]:
    listed = list(keys)
    for start in range(0, len(listed), AT_ONCE):
        yield listed[start : start + AT_ONCE]

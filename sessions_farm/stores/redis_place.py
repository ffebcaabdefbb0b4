"""Where the farm lives in a Redis: its lines, its scripts, the names of its keys; and what every use of it reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sessions_farm.stores import lua, lua_sessions
from sessions_farm.stores.base import Header, Reading, State, Taken
from sessions_farm.stores.connections import Connections
from sessions_farm.stores.redis_trips import Script, ScriptTrip, Trip, command

if TYPE_CHECKING:
    import redis

    from sessions_farm.conf import Options
    from sessions_farm.stores.base import Change
    from sessions_farm.stores.steps import Steps

# How long a reader who found nothing may take to ask SQL and still leave the answer.
LEASE_MS = 10_000


@dataclass(frozen=True, slots=True)
class Copy:
    """What Redis has of a session, whether that was touched, and whether "nothing" is SQL's own answer."""

    reading: Reading
    touched: bool = False
    is_certain: bool = False


class RedisPlace:
    """Raise StoreUnavailable for whatever keeps Redis from answering, within the time-out, without a second try.

    ``alone``: whether what is here is the truth, and not a copy of what SQL has.
    """

    def __init__(self, options: Options, *, alone: bool) -> None:
        self._options = options
        self.lines = Connections(options)
        texts = {"LOAD": lua_sessions.LOAD, "TOUCH": lua_sessions.TOUCH} | self.texts()
        self.scripts = {name: Script(lua.script(options, text, alone=alone)) for name, text in texts.items()}

    def texts(self) -> dict[str, str]:
        """The scripts of this use."""
        return {}

    @property
    def client(self) -> redis.Redis:
        return self.lines.client

    def load(self, key: str, now: int) -> Steps[Reading]:
        copy = yield from self.read(key, now)
        return copy.reading

    def read(self, key: str, now: int, lowest_epoch: int = 0, lease: str = "") -> Steps[Copy]:
        """What is here, of no older epoch; where there is nothing, the lease is left for who asks elsewhere."""
        state, header, flag, pairs = yield self.script("LOAD", self.names(key), [now, lowest_epoch, lease, LEASE_MS])
        found = {field[1:]: text for field, text in zip(pairs[::2], pairs[1::2], strict=True) if field[0] == ":"}
        if state == "live":
            return Copy(Reading(State.LIVE, found, unpacked(header)), touched=bool(flag))
        if state == "ended":
            return Copy(Reading(State.ENDED, found, in_grace=bool(found)))
        return Copy(Reading(State.ABSENT), is_certain=bool(flag))

    def put_code(self, digest: str, payload: str, ttl: float) -> Steps[None]:
        if not (yield self.command("set", self.at("c", digest), payload, nx=True, px=max(int(ttl * 1000), 1))):
            raise Taken(digest)

    def take_code(self, digest: str) -> Steps[str | None]:
        payload: str | None = yield self.command("getdel", self.at("c", digest))
        return payload

    def at(self, kind: str, name: str = "") -> str:
        return f"{self._options.redis_prefix}:{kind}:{name}" if name else f"{self._options.redis_prefix}:{kind}"

    def name(self, key: str) -> str:
        return self.at("s", key)

    def names(self, key: str) -> list[str]:
        """The session and its last words."""
        return [self.name(key), self.at("w", key)]

    def script(self, name: str, names: list[str], arguments: list[Any]) -> ScriptTrip:
        """One of the scripts: one trip."""
        return ScriptTrip(self.lines, self.scripts[name], names, arguments)

    def command(self, name: str, *arguments: Any, waiting: bool = False, **options: Any) -> Trip:
        return command(self.lines, name, *arguments, waiting=waiting, **options)


def packed(header: Header, epoch: int) -> str:
    return f"{header.created} {header.seen} {header.idle} {header.expires} {header.ends} {header.version} {epoch}"


def unpacked(text: str) -> Header:
    return Header(*(int(number) for number in text.split()[:6]))


def writes(change: Change) -> list[Any]:
    """Puts, drops and sums, as the scripts' ``write`` reads them."""
    puts = [part for pair in change.put.items() for part in pair]
    sums = [part for pair in change.add.items() for part in pair]
    return [len(change.put), *puts, len(change.drop), *change.drop, len(change.add), *sums]

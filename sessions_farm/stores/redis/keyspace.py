"""Where the farm lives in a Redis: its lines, its scripts, the names of its keys; and what every use of it reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sessions_farm.stores.base import Header, KeyTakenError, Reading, State
from sessions_farm.stores.redis import lua, lua_sessions
from sessions_farm.stores.redis.client import Connections
from sessions_farm.stores.redis.effects import Script, ScriptTrip, Trip, command

if TYPE_CHECKING:
    import redis

    from sessions_farm.conf import Options
    from sessions_farm.stores.base import Change
    from sessions_farm.stores.effects.effects import Effects


@dataclass(slots=True)
class Copy:
    """What Redis has of a session, whether that was touched, and whether "nothing" is SQL's own answer."""

    reading: Reading
    touched: bool = False
    is_certain: bool = False
    lease: str = ""  # of who found no copy and now asks SQL


class RedisPlace:
    """Raise StoreUnavailable for whatever keeps Redis from answering, within the time-out, without a second try.

    ``alone``: whether what is here is the truth, and not a copy of what SQL has.
    """

    def __init__(self, options: Options, *, alone: bool) -> None:
        self._options = options
        # Copies have names of their own, so that sessions can move from one of the two stores to the other.
        self._session, self._words = ("s", "w") if alone else ("t", "u")
        self.lines = Connections(options)
        texts = {"TOUCH": lua_sessions.TOUCH} | self.texts()
        self.scripts = {name: Script(lua.script(options, text, alone=alone)) for name, text in texts.items()}
        load = lua.script(options, lua_sessions.LOAD, alone=alone, first=lua_sessions.LOAD_FIRST)
        self.scripts["LOAD"] = Script(load)

    def texts(self) -> dict[str, str]:
        """The scripts of this use."""
        return {}

    @property
    def client(self) -> redis.Redis:
        return self.lines.client

    def load(self, key: str, now: int) -> Effects[Reading]:
        answer = yield self.script("LOAD", [self.name(key)], [now])
        return reading_of(*answer)

    def read(self, key: str, now: int, *asked: Any) -> Effects[Copy]:
        """What is here. Of copies, ``asked`` is as LOAD has it."""
        state, flag, pairs = yield self.script("LOAD", [self.name(key)], [now, *asked])
        reading = reading_of(state, flag, pairs)
        if state == "live":
            return Copy(reading, touched=bool(flag))
        if state == "ended":
            return Copy(reading)
        return Copy(reading, is_certain=bool(flag), lease=pairs[1] if pairs else "")

    def put_code(self, digest: str, payload: str, ttl: float) -> Effects[None]:
        if not (yield self.command("set", self.at("c", digest), payload, nx=True, px=max(int(ttl * 1000), 1))):
            raise KeyTakenError(digest)

    def take_code(self, digest: str) -> Effects[str | None]:
        payload: str | None = yield self.command("getdel", self.at("c", digest))
        return payload

    def at(self, kind: str, name: str = "") -> str:
        return f"{self._options.redis_prefix}:{kind}:{name}" if name else f"{self._options.redis_prefix}:{kind}"

    def name(self, key: str) -> str:
        return self.at(self._session, key)

    def names(self, key: str) -> list[str]:
        """The session and its last words."""
        return [self.name(key), self.at(self._words, key)]

    def script(self, name: str, names: list[str], arguments: list[Any]) -> ScriptTrip:
        """One of the scripts: one trip."""
        return ScriptTrip(self.lines, self.scripts[name], names, arguments)

    def command(self, name: str, *arguments: Any, waiting: bool = False, **options: Any) -> Trip:
        return command(self.lines, name, *arguments, waiting=waiting, **options)


def reading_of(state: str, _flag: int, pairs: list[str]) -> Reading:
    """What LOAD answers, read."""
    if state == "absent":
        return Reading(State.ABSENT)
    found, header = {}, ""
    each = iter(pairs)
    for field, text in zip(each, each, strict=True):
        if field[0] == ":":
            found[field[1:]] = text
        elif field == "=":
            header = text
    if state == "live":
        return Reading(State.LIVE, found, unpacked(header))
    return Reading(State.ENDED, found, in_grace=bool(found))


def packed(header: Header, epoch: int) -> str:
    return f"{header.created} {header.seen} {header.idle} {header.expires} {header.ends} {header.version} {epoch}"


def unpacked(text: str) -> Header:
    created, seen, idle, expires, ends, version, _epoch = map(int, text.split())
    return Header(created, seen, idle, expires, ends, version)


def writes(change: Change) -> list[Any]:
    """Puts, drops and sums, as the scripts' ``write`` reads them."""
    puts = [part for pair in change.put.items() for part in pair]
    sums = [part for pair in change.add.items() for part in pair]
    return [len(change.put), *puts, len(change.drop), *change.drop, len(change.add), *sums]

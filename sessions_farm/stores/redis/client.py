"""The farm's client of a Redis: names of keys, and scripts and commands as effects of one round trip each.

Every effect raises StoreUnavailableError for a Redis that does not answer or cannot do now what was asked, within the
time-out and without a second try. Errors of our own making stay redis-py's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import redis
import redis.exceptions

from sessions_farm.stores.base import Header, KeyTakenError, Reading, State, StoreUnavailableError
from sessions_farm.stores.effects.round_trips import current as current_trips
from sessions_farm.stores.redis.connections import Connections
from sessions_farm.stores.redis.scripts import Script, compile_scripts

if TYPE_CHECKING:
    from sessions_farm.conf import Options
    from sessions_farm.stores.base import Change
    from sessions_farm.stores.effects.effects import Effects

# Sent by the stores themselves, beside the commands of their scripts.
COMMANDS = (
    *("ping", "info", "evalsha", "script|load"),
    *("set", "getdel", "blpop", "pttl", "time", "zcount", "zrange"),
    *("xdel", "xrange", "xread", "xrevrange"),
)

# Answers of a Redis that cannot do now what was asked: a replica, or one without memory, disk, replicas or rights.
NOT_NOW = (
    redis.ReadOnlyError,
    redis.OutOfMemoryError,
    redis.exceptions.MasterDownError,
    redis.exceptions.NoPermissionError,
    redis.exceptions.TryAgainError,
)
NOT_NOW_CODES = ("MISCONF", "NOREPLICAS", "BUSY", "UNBLOCKED", "UNKILLABLE")


class RedisClient:
    """Base of the stores in Redis. ``alone``: its data decides; else they are copies of rows in SQL."""

    def __init__(self, options: Options, sources: Mapping[str, str], *, alone: bool) -> None:
        self._options = options
        # Copies have names of their own, so that sessions can move from one of the two stores to the other.
        self._live, self._final = ("s", "v") if alone else ("t", "u")
        self.connections = Connections(options)
        self.scripts = compile_scripts(options, sources, alone=alone)

    @property
    def client(self) -> redis.Redis:
        """The blocking client of redis-py."""
        return self.connections.client

    def clock(self) -> Effects[int | None]:
        """Return the time of Redis."""
        seconds, microseconds = yield self.command("time")
        return int(seconds) * 1000 + int(microseconds) // 1000

    def load(self, key: str, now: int) -> Effects[Reading]:
        """Read a session, and touch it where that is due."""
        return reading_of(*(yield self.script("load", [self.session_name(key)], [now])))

    def put_code(self, digest: str, payload: str, ttl: float) -> Effects[None]:
        """Keep a code for one redemption within ``ttl`` seconds. Raise KeyTakenError."""
        if not (yield self.command("set", self.name("c", digest), payload, nx=True, px=max(int(ttl * 1000), 1))):
            raise KeyTakenError(digest)

    def take_code(self, digest: str) -> Effects[str | None]:
        """Redeem a code; return its payload, or None."""
        payload: str | None = yield self.command("getdel", self.name("c", digest))
        return payload

    def name(self, kind: str, name: str = "") -> str:
        """Return the name of a Redis key under the farm's prefix."""
        return f"{self._options.redis_prefix}:{kind}:{name}" if name else f"{self._options.redis_prefix}:{kind}"

    def session_name(self, key: str) -> str:
        """Return the name of a session's hash."""
        return f"{self._options.redis_prefix}:{self._live}:{key}"

    def session_names(self, key: str) -> list[str]:
        """Return the names of a session's hash and of its final variables."""
        return [self.session_name(key), self.name(self._final, key)]

    def script(self, name: str, names: list[str], arguments: list[Any]) -> ScriptCall:
        """Return the call of a script, with the names of its keys."""
        return ScriptCall(self.connections, self.scripts[name], names, arguments)

    def command(self, name: str, *arguments: Any, waiting: bool = False, **options: Any) -> CommandCall:
        """Return the call of redis-py's method of that name. ``waiting``: it may block for REDIS_BLOCK seconds."""
        return CommandCall(self.connections, partial(call_method, name, arguments, options), waiting)


class ScriptCall:
    """A script by its digest. Where this Redis has never seen it, it is loaded on the way (two round trips, once)."""

    __slots__ = ("arguments", "connections", "script")

    def __init__(self, connections: Connections, script: Script, keys: list[str], arguments: list[Any]) -> None:
        self.connections = connections
        self.script = script
        self.arguments = [script.digest, len(keys), *keys, *arguments]

    def run_sync(self) -> Any:
        current_trips.get().trips += 1
        client = self.connections.client
        try:
            try:
                return execute(client, b"EVALSHA", *self.arguments)
            except redis.exceptions.NoScriptError:
                current_trips.get().trips += 2
                client.script_load(self.script.text)
                return execute(client, b"EVALSHA", *self.arguments)
        except redis.RedisError as error:
            raise_unavailable(error)
            raise

    async def run_async(self) -> Any:
        current_trips.get().trips += 1
        client: Any = self.connections.async_client
        try:
            try:
                return await client.execute_command("EVALSHA", *self.arguments)
            except redis.exceptions.NoScriptError:
                current_trips.get().trips += 2
                await client.script_load(self.script.text)
                return await client.execute_command("EVALSHA", *self.arguments)
        except redis.RedisError as error:
            raise_unavailable(error)
            raise


@dataclass(frozen=True, slots=True)
class CommandCall:
    """A call with a client of redis-py; with the waiting client where it may block."""

    connections: Connections
    call: Callable[[Any], Any]
    waiting: bool = False

    def run_sync(self) -> Any:
        current_trips.get().trips += 1
        try:
            return self.call(self.connections.waiting_client if self.waiting else self.connections.client)
        except redis.RedisError as error:
            raise_unavailable(error)
            raise

    async def run_async(self) -> Any:
        current_trips.get().trips += 1
        connections = self.connections
        try:
            return await self.call(connections.async_waiting_client if self.waiting else connections.async_client)
        except redis.RedisError as error:
            raise_unavailable(error)
            raise


def call_method(name: str, arguments: tuple[Any, ...], options: dict[str, Any], client: Any) -> Any:
    """Call a method of redis-py's client by its name."""
    return getattr(client, name)(*arguments, **options)


def execute(client: redis.Redis, *words: Any) -> Any:
    """Send a command once and return its raw answer, without the retries and parsing of redis-py's client."""
    pool: Any = client.connection_pool
    connection = pool.get_connection()
    try:
        connection.send_packed_command(connection.pack_command(*words))
        return connection.read_response()
    finally:
        pool.release(connection)


def raise_unavailable(error: redis.RedisError) -> None:
    """Raise StoreUnavailableError for an error of Redis's state; return for a mistake of our own."""
    if is_away(error):
        raise StoreUnavailableError(f"Redis does not serve: {type(error).__name__}: {error}") from error


def is_away(error: redis.RedisError) -> bool:
    """Return whether the same command may well work later, or at another server."""
    if isinstance(error, redis.ResponseError):
        return isinstance(error, NOT_NOW) or str(error).startswith(NOT_NOW_CODES)
    return True


def reading_of(state: str, _flag: int, pairs: list[str]) -> Reading:
    """Return the answer of load.lua as a Reading."""
    if state == "absent":
        return Reading(State.ABSENT)
    found, header, successor = {}, "", ""
    each = iter(pairs)
    for field, text in zip(each, each, strict=True):
        if field[0] == ":":
            found[field[1:]] = text
        elif field == "=":
            header = text
        elif field == ">":
            successor = text
    if state == "live":
        return Reading(State.LIVE, found, unpacked(header))
    return Reading(State.ENDED, found, in_grace=bool(pairs), successor=successor)


def packed(header: Header, epoch: int) -> str:
    """Return a header as the scripts keep it."""
    return f"{header.created} {header.seen} {header.idle} {header.expires} {header.ends} {header.version} {epoch}"


def unpacked(text: str) -> Header:
    """Return the header in a text of the scripts, without its epoch."""
    created, seen, idle, expires, ends, version, _epoch = map(int, text.split())
    return Header(created, seen, idle, expires, ends, version)


def writes(change: Change) -> list[Any]:
    """Return puts, drops and sums as the scripts' ``put_variables`` reads them."""
    puts = [part for pair in change.put.items() for part in pair]
    sums = [part for pair in change.add.items() for part in pair]
    return [len(change.put), *puts, len(change.drop), *change.drop, len(change.add), *sums]

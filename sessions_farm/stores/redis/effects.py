"""Trips to Redis: a script or a command is one trip, made by a thread or by an event loop."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import redis
import redis.exceptions

from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.stores.effects import round_trips
from sessions_farm.stores.redis.client import is_away

if TYPE_CHECKING:
    from sessions_farm.stores.redis.client import Connections

# What is sent beside the scripts' own commands.
COMMANDS = (
    *("ping", "info", "evalsha", "script|load"),
    *("set", "getdel", "blpop", "pttl", "zcount", "zrange"),
    *("xdel", "xrange", "xread", "xrevrange"),
)


@dataclass(frozen=True, slots=True)
class Trip:
    """A call of a client's method. A ``waiting`` one may block at Redis for as long as REDIS_BLOCK says."""

    lines: Connections
    call: Callable[[Any], Any]
    waiting: bool = False

    def run_sync(self) -> Any:
        round_trips.count()
        try:
            return self.call(self.lines.waiting_client if self.waiting else self.lines.client)
        except redis.RedisError as error:
            tell(error)
            raise

    async def run_async(self) -> Any:
        round_trips.count()
        try:
            return await self.call(self.lines.async_waiting_client if self.waiting else self.lines.async_client)
        except redis.RedisError as error:
            tell(error)
            raise


class ScriptTrip:
    """A script by its digest; one that this Redis has never seen is loaded on the way (two trips more, once)."""

    __slots__ = ("arguments", "lines", "script")

    def __init__(self, lines: Connections, script: Script, keys: list[str], arguments: list[Any]) -> None:
        self.lines = lines
        self.script = script
        self.arguments = [script.digest, len(keys), *keys, *arguments]

    def run_sync(self) -> Any:
        round_trips.count()
        client = self.lines.client
        try:
            try:
                return ask(client, b"EVALSHA", *self.arguments)
            except redis.exceptions.NoScriptError:
                round_trips.count(2)
                client.script_load(self.script.text)
                return ask(client, b"EVALSHA", *self.arguments)
        except redis.RedisError as error:
            tell(error)
            raise

    async def run_async(self) -> Any:
        round_trips.count()
        client: Any = self.lines.async_client
        try:
            try:
                return await client.execute_command("EVALSHA", *self.arguments)
            except redis.exceptions.NoScriptError:
                round_trips.count(2)
                await client.script_load(self.script.text)
                return await client.execute_command("EVALSHA", *self.arguments)
        except redis.RedisError as error:
            tell(error)
            raise


class Script:
    __slots__ = ("digest", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()  # as Redis names it


def ask(client: redis.Redis, *words: Any) -> Any:
    """The answer, as it came. What the client's own way does besides is not for us: we send nothing twice."""
    pool: Any = client.connection_pool
    connection = pool.get_connection()
    try:
        connection.send_packed_command(connection.pack_command(*words))
        return connection.read_response()
    finally:
        pool.release(connection)


def command(lines: Connections, name: str, *arguments: Any, waiting: bool = False, **options: Any) -> Trip:
    """A call of the client's method of that name."""
    return Trip(lines, partial(_call, name, arguments, options), waiting)


def _call(name: str, arguments: tuple[Any, ...], options: dict[str, Any], client: Any) -> Any:
    return getattr(client, name)(*arguments, **options)


def tell(error: redis.RedisError) -> None:
    """Raise StoreUnavailable for whatever keeps Redis from answering; other refusals are mistakes of our own."""
    if is_away(error):
        raise StoreUnavailableError(f"Redis does not serve: {type(error).__name__}: {error}") from error

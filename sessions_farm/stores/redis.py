"""Sessions in Redis alone: one hash each, every step one script and one trip.

For a farm whose Redis is itself kept safe (replicas, AOF); ``tiered`` keeps SQL beneath it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from sessions_farm.conf import Options
from sessions_farm.stores import lua, trips
from sessions_farm.stores.base import (
    Append,
    Change,
    CompareAndSet,
    Conflict,
    Ended,
    Header,
    Increment,
    Lifetime,
    Missing,
    Operation,
    Reading,
    State,
    StoreUnavailable,
    Taken,
)

REFUSALS = {"taken": Taken, "ended": Ended, "missing": Missing, "conflict": Conflict}


# How long a reader who found nothing may take to ask SQL and still leave the answer.
LEASE_MS = 10_000


@dataclass(frozen=True, slots=True)
class Copy:
    """What Redis has of a session, whether that was touched, and whether "nothing" is SQL's own answer."""

    reading: Reading
    touched: bool = False
    is_certain: bool = False


class RedisStore:
    """Raise StoreUnavailable for whatever keeps Redis from answering, within the time-out, without a second try.

    redis-py's own retries would send an increment twice.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._grave_ms = options.cookie_age * 1000

    @cached_property
    def client(self) -> redis.Redis:
        pool = redis.ConnectionPool.from_url(
            self._options.redis_url,
            decode_responses=True,
            socket_timeout=self._options.redis_timeout,
            socket_connect_timeout=self._options.redis_timeout,
            max_connections=self._options.redis_max_connections,
            retry=Retry(NoBackoff(), 0),
        )
        return redis.Redis(connection_pool=pool)

    @cached_property
    def _scripts(self) -> dict[str, Any]:
        names = ("LOAD", "CREATE", "APPLY", "ROTATE", "TOUCH", "BURY", "MODIFY", "FILL", "FOLLOW", "MARK", "MOVE")
        return {name: self.client.register_script(lua.PRELUDE + getattr(lua, name)) for name in names}

    def create(self, key: str, variables: Mapping[str, str], lifetime: Lifetime, now: int) -> Header:
        header = Header.fresh(lifetime, now)
        answer = self.run("CREATE", [self.name(key)], [now, packed(header, 0), *writes(Change(put=variables))])
        return header_or_refusal(answer, key)

    def load(self, key: str, now: int) -> Reading:
        return self.read(key, now).reading

    def read(self, key: str, now: int, lowest_epoch: int = 0, lease: str = "") -> Copy:
        """What is here, of no older epoch; where there is nothing, the lease is left for who asks elsewhere."""
        arguments = [now, lowest_epoch, lease, LEASE_MS]
        state, header, flag, pairs = self.run("LOAD", self.names(key), arguments)
        found = {field[1:]: text for field, text in zip(pairs[::2], pairs[1::2], strict=True) if field[0] == ":"}
        if state == "live":
            return Copy(Reading(State.LIVE, found, unpacked(header)), touched=bool(flag))
        if state == "ended":
            return Copy(Reading(State.ENDED, found, in_grace=bool(found)))
        return Copy(Reading(State.ABSENT), is_certain=bool(flag))

    def apply(self, key: str, change: Change, now: int) -> Header:
        answer = self.run("APPLY", [self.name(key)], [now, *lifetime_of(change), *writes(change)])
        return header_or_refusal(answer, key)

    def modify(self, key: str, operation: Operation, now: int) -> str | None:
        answer = self.run("MODIFY", [self.name(key)], [now, *arguments_of(operation)])
        if answer[0] == "type":
            operation.on('"')  # raises what the same operation raises on every store
            raise TypeError(f"{operation.name} has no value that this operation changes.")
        if answer[0] != "done":
            raise REFUSALS[answer[0]](key)
        return answer[1] or None

    def touch(self, key: str, now: int) -> bool:
        return bool(self.run("TOUCH", [self.name(key)], [now]))

    def rotate(self, old: str, new: str, change: Change, now: int, grace: int) -> Header:
        answer = self.run(
            "ROTATE",
            [*self.names(old), self.name(new)],
            [now, *lifetime_of(change), "rotated", self._grave_ms, max(grace, 1), *writes(change)],
        )
        return header_or_refusal(answer, old)

    def delete(self, key: str, reason: str, now: int) -> None:
        self.bury(key, reason, self._grave_ms)

    def bury(self, key: str, reason: str, ttl: int) -> None:
        self.run("BURY", self.names(key), [reason, ttl])

    def sweep(self, now: int, limit: int) -> int:
        return 0

    def put_code(self, digest: str, payload: str, ttl: float) -> None:
        if not self.call("set", self.code(digest), payload, nx=True, px=int(ttl * 1000)):
            raise Taken(digest)

    def take_code(self, digest: str) -> str | None:
        payload: str | None = self.call("getdel", self.code(digest))
        return payload

    def name(self, key: str) -> str:
        return f"{self._options.redis_prefix}:s:{key}"

    def names(self, key: str) -> list[str]:
        """The session and its last words."""
        return [self.name(key), f"{self._options.redis_prefix}:w:{key}"]

    def code(self, digest: str) -> str:
        return f"{self._options.redis_prefix}:c:{digest}"

    def run(self, script: str, names: list[str], arguments: list[Any]) -> Any:
        """Run one of the scripts: one trip."""
        return self._guarded(lambda: self._scripts[script](keys=names, args=arguments))

    def call(self, command: str, *arguments: Any, **options: Any) -> Any:
        return self._guarded(lambda: getattr(self.client, command)(*arguments, **options))

    def _guarded(self, trip: Any) -> Any:
        trips.count()
        try:
            return trip()
        except redis.ResponseError as error:
            if isinstance(error, redis.ReadOnlyError) or str(error).startswith(("OOM", "MISCONF", "NOREPLICAS")):
                raise StoreUnavailable(f"Redis refuses to write: {error}") from error
            raise
        except redis.RedisError as error:
            raise StoreUnavailable(f"Redis does not answer: {type(error).__name__}: {error}") from error


def packed(header: Header, epoch: int) -> str:
    return f"{header.created} {header.seen} {header.idle} {header.expires} {header.ends} {header.version} {epoch}"


def unpacked(text: str) -> Header:
    return Header(*(int(number) for number in text.split()[:6]))


def header_or_refusal(answer: str, key: str) -> Header:
    if answer in REFUSALS:
        raise REFUSALS[answer](key)
    return unpacked(answer)


def lifetime_of(change: Change) -> list[Any]:
    """Idle, ends and replace, as the scripts read them."""
    given = [change.lifetime.idle, change.lifetime.ends] if change.lifetime else ["", ""]
    return [*given, int(change.replace)]


def writes(change: Change) -> list[Any]:
    """Puts and drops, as the scripts' ``write`` reads them."""
    puts = [part for pair in change.put.items() for part in pair]
    return [len(change.put), *puts, len(change.drop), *change.drop]


def arguments_of(operation: Operation) -> list[Any]:
    match operation:
        case Increment(name, by):
            return ["increment", name, by, ""]
        case Append(name, item):
            return ["append", name, item, ""]
        case CompareAndSet(name, expected, value):
            return ["set", name, value or "", expected or ""]

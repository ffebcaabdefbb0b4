"""Sessions in Redis alone: one hash each, every step one script and one trip.

For a farm whose Redis is itself kept safe (replicas, AOF); ``tiered`` keeps SQL beneath it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessions_farm.stores.base import (
    Append,
    Change,
    CompareAndSet,
    ConflictError,
    Header,
    Increment,
    KeyTakenError,
    LeaseLostError,
    SessionEndedError,
    SessionMissingError,
)
from sessions_farm.stores.redis import lua_queries, lua_sessions
from sessions_farm.stores.redis.keyspace import packed, unpacked, writes
from sessions_farm.stores.redis.queries import RedisBroker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sessions_farm.conf import Options
    from sessions_farm.stores.base import Lifetime, Operation
    from sessions_farm.stores.effects.effects import Effects

REFUSALS = {
    "taken": KeyTakenError,
    "ended": SessionEndedError,
    "missing": SessionMissingError,
    "conflict": ConflictError,
    "lost": LeaseLostError,
}


class RedisStore(RedisBroker):
    def __init__(self, options: Options) -> None:
        super().__init__(options, alone=True)

    def texts(self) -> dict[str, str]:
        return {
            name: text
            for module in (lua_sessions, lua_queries)
            for name, text in vars(module).items()
            if name.isupper() and not name.startswith("LOAD")
        }

    def create(self, key: str, variables: Mapping[str, str], lifetime: Lifetime, now: int) -> Effects[Header]:
        header = packed(Header.fresh(lifetime, now), 0)
        answer = yield self.script("CREATE", [self.name(key)], [now, header, *writes(Change(put=variables))])
        return header_or_refusal(answer, key)

    def apply(self, key: str, change: Change, now: int) -> Effects[Header]:
        answer = yield self.script("APPLY", [self.name(key)], [now, *heads(change), *writes(change)])
        return header_or_refusal(answer, key)

    def modify(self, key: str, operation: Operation, now: int, idempotency_key: str = "") -> Effects[str | None]:
        answer = yield self.script("MODIFY", [self.name(key)], [now, idempotency_key, *arguments_of(operation)])
        if answer[0] == "type":
            raise TypeError(f"{operation.name} has no value that {type(operation).__name__.lower()} can change.")
        if answer[0] != "done":
            raise REFUSALS[answer[0]](key)
        return answer[1] or None

    def touch(self, key: str, now: int) -> Effects[bool]:
        return bool((yield self.script("TOUCH", [self.name(key)], [now])))

    def rotate(self, old: str, new: str, change: Change, now: int, grace: int) -> Effects[Header]:
        names = [*self.names(old), self.name(new)]
        given = [now, *heads(change), self.grave_ms, max(grace, 1), *writes(change)]
        answer = yield self.script("ROTATE", names, given)
        return header_or_refusal(answer, old)

    def delete(self, key: str, reason: str, now: int) -> Effects[None]:
        yield self.script("DELETE", self.names(key), [now, reason, self.grave_ms])


def header_or_refusal(answer: str, key: str) -> Header:
    if answer == "type":
        raise TypeError("What is to be added to is no whole number.")
    if answer in REFUSALS:
        raise REFUSALS[answer](key)
    return unpacked(answer)


def heads(change: Change) -> list[Any]:
    """Idle, ends, replace, idempotency key and holder, as the scripts read them."""
    given = [change.lifetime.idle, change.lifetime.ends] if change.lifetime else ["", ""]
    return [*given, int(change.replace), change.idempotency_key, change.holder]


def arguments_of(operation: Operation) -> list[Any]:
    match operation:
        case Increment(name, by):
            return ["increment", name, by, ""]
        case Append(name, item):
            return ["append", name, item, ""]
        case CompareAndSet(name, expected, value):
            return ["set", name, value or "", expected or ""]

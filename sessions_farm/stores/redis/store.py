"""Sessions in Redis alone: one hash each, one script and one round trip for every operation.

For a farm whose Redis is itself durable (replicas, AOF); ``tiered`` keeps SQL beneath it. Refusals of the scripts are
raised as the StoreRefusedErrors of stores/base.py.
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
from sessions_farm.stores.redis.client import packed, unpacked, writes
from sessions_farm.stores.redis.queries import RedisQueries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sessions_farm.stores.base import Lifetime, Operation
    from sessions_farm.stores.effects.effects import Effects

REFUSALS = {
    "taken": KeyTakenError,
    "ended": SessionEndedError,
    "missing": SessionMissingError,
    "conflict": ConflictError,
    "lost": LeaseLostError,
}


class RedisStore(RedisQueries):
    """The store ``redis``."""

    joins_transactions = False

    def create(self, key: str, variables: Mapping[str, str], lifetime: Lifetime, now: int) -> Effects[Header]:
        """Create a session; return its header."""
        header = packed(Header.fresh(lifetime, now), 0)
        answer = yield self.script("create", [self.session_name(key)], [now, header, *writes(Change(put=variables))])
        return header_or_refusal(answer, key)

    def apply(self, key: str, change: Change, now: int) -> Effects[Header]:
        """Write a change, once; return the new header."""
        answer = yield self.script("apply", [self.session_name(key)], [now, *heads(change), *writes(change)])
        return header_or_refusal(answer, key)

    def modify(self, key: str, operation: Operation, now: int, idempotency_key: str = "") -> Effects[str | None]:
        """Change one variable by its present text, once; return the new text."""
        answer = yield self.script("modify", [self.session_name(key)], [now, idempotency_key, *arguments_of(operation)])
        if answer[0] == "type":
            raise TypeError(f"{operation.name} has no value that {type(operation).__name__.lower()} can change.")
        if answer[0] != "done":
            raise REFUSALS[answer[0]](key)
        return answer[1] or None

    def touch(self, key: str, now: int) -> Effects[bool]:
        """Begin the idle time anew; return whether a session lives there."""
        return bool((yield self.script("touch", [self.session_name(key)], [now])))

    def rotate(self, old: str, new: str, change: Change, now: int, grace: int, successor: str = "") -> Effects[Header]:
        """Move a session to a new key with a change; return its header."""
        names = [*self.session_names(old), self.session_name(new)]
        given = [now, *heads(change), self.tombstone_ttl_ms, max(grace, 1), successor, *writes(change)]
        answer = yield self.script("rotate", names, given)
        return header_or_refusal(answer, old)

    def delete(self, key: str, reason: str, now: int) -> Effects[None]:
        """End a key for good."""
        yield self.script("delete", self.session_names(key), [now, reason, self.tombstone_ttl_ms])


def header_or_refusal(answer: str, key: str) -> Header:
    """Return the header that a script answered; raise TypeError, or its refusal."""
    if answer == "type":
        raise TypeError("A variable that is added to is no whole number.")
    if answer in REFUSALS:
        raise REFUSALS[answer](key)
    return unpacked(answer)


def heads(change: Change) -> list[Any]:
    """Return idle, ends, replace, idempotency key and holder as the scripts read them."""
    given = [change.lifetime.idle, change.lifetime.ends] if change.lifetime else ["", ""]
    return [*given, int(change.replace), change.idempotency_key, change.holder]


def arguments_of(operation: Operation) -> list[Any]:
    """Return kind, name, argument and expected text as modify.lua reads them."""
    match operation:
        case Increment(name, by):
            return ["increment", name, by, ""]
        case Append(name, item):
            return ["append", name, item, ""]
        case CompareAndSet(name, expected, value):
            return ["set", name, value or "", expected or ""]

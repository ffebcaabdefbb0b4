"""Switch from one store to another without signing visitors out: each session moves at its next request.

A node that switches knows both stores. A session that the new one lacks is frozen in the old one (rotated to a key that
no browser knows, so that late writers find it ended), written into the new one, and removed. A move that was left half
done is completed by the next request for it, so no visitor is signed out and no write is left behind.

Inside the application's transaction no session moves, for a rollback would undo half of the move: it is read and
written where it is, and moves when it is touched after the response.

A farm that restarts node by node goes through ``SWITCH_TO`` first: such a node stays with the old store and follows the
moves of others. One race remains: to end a user's sessions in the very instant of a move may miss the moving one.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from django.db import router

from sessions_farm.models import Session
from sessions_farm.stores.base import (
    Change,
    Event,
    Header,
    KeyTakenError,
    Lifetime,
    LiveRecord,
    Operation,
    Reading,
    SessionEndedError,
    SessionMissingError,
    State,
    VariableChange,
)
from sessions_farm.stores.effects.effects import InTransaction

if TYPE_CHECKING:
    from sessions_farm.stores.effects.effects import Effects
    from sessions_farm.stores.protocol import Sessions, Store

MOVED = "moved"
FROZEN = "~"  # begins the key of a session that is on the move, and no other
ORIGIN = "_farm_origin"  # the key it had, so that every node can complete the move
OLD = "old:"  # begins the ids of the old store's events


class SwitchingStore:
    """The new store, and the old one for sessions that have not moved yet."""

    def __init__(self, new: Store, old: Store) -> None:
        self.new = new
        self.old = old
        self.joins_transactions = new.joins_transactions

    def clock(self) -> Effects[int | None]:
        return (yield from self.new.clock())

    def create(self, key: str, variables: Mapping[str, str], lifetime: Lifetime, now: int) -> Effects[Header]:
        yield from self.moving(key, now)
        return (yield from self.new.create(key, variables, lifetime, now))

    def load(self, key: str, now: int) -> Effects[Reading]:
        reading = yield from self.new.load(key, now)
        if reading.state is not State.ABSENT:
            return reading
        if (yield in_transaction()):
            return (yield from self._load_unmoved(key, now))
        before = yield from self.moving(key, now)
        if before.state is State.ENDED:
            return before
        return (yield from self.new.load(key, now))

    def apply(self, key: str, change: Change, now: int) -> Effects[Header]:
        return (yield from self._in_its_store(key, now, lambda store: store.apply(key, change, now)))

    def modify(self, key: str, operation: Operation, now: int, idempotency_key: str = "") -> Effects[str | None]:
        return (
            yield from self._in_its_store(key, now, lambda store: store.modify(key, operation, now, idempotency_key))
        )

    def rotate(self, old: str, new: str, change: Change, now: int, grace: int, successor: str = "") -> Effects[Header]:
        def rotate(store: Sessions) -> Effects[Header]:
            return store.rotate(old, new, change, now, grace, successor)

        return (yield from self._in_its_store(old, now, rotate))

    def touch(self, key: str, now: int) -> Effects[bool]:
        if (yield from self.new.touch(key, now)):
            return True
        yield from self.moving(key, now)
        return (yield from self.new.touch(key, now))

    def delete(self, key: str, reason: str, now: int) -> Effects[None]:
        yield from self.old.delete(key, reason, now)
        yield from self.new.delete(key, reason, now)

    def moving(self, key: str, now: int) -> Effects[Reading]:
        """Move a session out of the old store; return its state there: LIVE, ABSENT, or ENDED with its grace."""
        frozen = frozen_key(key)
        try:
            yield from self.old.rotate(key, frozen, Change(put={ORIGIN: json.dumps(key)}), now, 0)
        except SessionMissingError:
            yield from self.old.delete(frozen, MOVED, now)
            yield from self.old.delete(key, MOVED, now)
            return Reading(State.ABSENT)
        except SessionEndedError:
            pass
        found = yield from self.old.load(frozen, now)
        if found.state is State.ENDED:
            return Reading(State.ABSENT)  # moved before; the new store decides
        if found.state is State.ABSENT or found.header is None:
            return (yield from self.old.load(key, now))  # ended before the switch
        try:
            lifetime = Lifetime(found.header.idle, found.header.ends)
            yield from self.new.create(key, without_origin(found.variables), lifetime, now)
        except (KeyTakenError, SessionEndedError):
            pass  # another node won the race, and may even have ended it since
        yield from self.old.delete(frozen, MOVED, now)
        return found

    def emptying(self, now: int, limit: int) -> Effects[int]:
        """Move up to ``limit`` sessions without a request, and as many dictionaries of scopes; return how many."""
        found = yield from self.old.find({}, now, limit)
        keys = [one.key for one in found] + (yield from self.old.scope_keys(limit))
        for key in keys:
            yield from self.moving((yield from self._origin(key, now)), now)
        return len(keys)

    def get_many(self, keys: Collection[str], now: int) -> Effects[list[LiveRecord]]:
        found = yield from self.new.get_many(keys, now)
        return found + (yield from self.old.get_many(keys, now))

    def count(self, now: int) -> Effects[int]:
        count = yield from self.new.count(now)
        return count + (yield from self.old.count(now))

    def find(self, values: Mapping[str, str], now: int, limit: int) -> Effects[list[LiveRecord]]:
        found = yield from self.new.find(values, now, limit)
        return (found + (yield from self.old.find(values, now, limit)))[:limit]

    def end_where(self, name: str, text: str, spare: str, reason: str, now: int) -> Effects[int]:
        ended = yield from self.old.end_where(name, text, spare, reason, now)
        return ended + (yield from self.new.end_where(name, text, spare, reason, now))

    def scope_keys(self, limit: int) -> Effects[list[str]]:
        found = yield from self.new.scope_keys(limit)
        return (found + (yield from self.old.scope_keys(limit)))[:limit]

    def sweep(self, now: int, limit: int) -> Effects[int]:
        swept = yield from self.old.sweep(now, limit)
        return max(swept, (yield from self.new.sweep(now, limit)))

    def read_events(self, limit: int) -> Effects[list[Event]]:
        """Return the events of both stores, without the ends and rotations that moves caused in the old one."""
        events = yield from self.old.read_events(limit)
        moves = [event.id for event in events if event.reason == MOVED or event.other == frozen_key(event.key)]
        yield from self.old.forget_events(moves)
        pending = [replace(event, id=OLD + event.id) for event in events if event.id not in moves]
        return pending + (yield from self.new.read_events(limit))

    def forget_events(self, ids: Collection[str]) -> Effects[None]:
        yield from self.old.forget_events([event_id.removeprefix(OLD) for event_id in ids if event_id.startswith(OLD)])
        yield from self.new.forget_events([event_id for event_id in ids if not event_id.startswith(OLD)])

    def read_changes(self, name: str, after: str, seconds: float) -> Effects[tuple[list[VariableChange], str]]:
        return (yield from self.new.read_changes(name, after, seconds))

    def acquire(self, name: str, token: str, now: int, lease: int) -> Effects[bool]:
        """Acquire in both stores, so that nodes before, in and after the switch exclude each other."""
        if not (yield from self.old.acquire(name, token, now, lease)):
            return False
        if (yield from self.new.acquire(name, token, now, lease)):
            return True
        yield from self.old.release(name, token)
        return False

    def release(self, name: str, token: str) -> Effects[bool]:
        held = yield from self.new.release(name, token)
        return (yield from self.old.release(name, token)) and held

    def wait(self, name: str, seconds: float) -> Effects[None]:
        yield from self.old.wait(name, min(seconds, 0.05))

    def put_code(self, digest: str, payload: str, ttl: float) -> Effects[None]:
        yield from self.new.put_code(digest, payload, ttl)

    def take_code(self, digest: str) -> Effects[str | None]:
        payload = yield from self.new.take_code(digest)
        return payload if payload is not None else (yield from self.old.take_code(digest))

    def _load_unmoved(self, key: str, now: int) -> Effects[Reading]:
        """Read the session in the old store, where it may be on the move; it moves when it is touched."""
        found = yield from self.old.load(key, now)
        if found.state is State.ENDED and not found.in_grace:
            frozen = yield from self.old.load(frozen_key(key), now)
            if frozen.state is State.LIVE:
                found = replace(frozen, variables=without_origin(frozen.variables))
        return replace(found, touch_due=found.state is State.LIVE)

    def _origin(self, key: str, now: int) -> Effects[str]:
        """Return the key that browsers know, which is the old one of a move that is half done."""
        if not key.startswith(FROZEN):
            return key
        found = yield from self.old.load(key, now)
        return str(json.loads(found.variables.get(ORIGIN, json.dumps(key))))

    def _in_its_store[Answer](self, key: str, now: int, call: Callable[[Sessions], Effects[Answer]]) -> Effects[Answer]:
        try:
            return (yield from call(self.new))
        except SessionMissingError:
            if (yield in_transaction()):
                return (yield from call(self.old))
            if (yield from self.moving(key, now)).state is State.ENDED:
                raise SessionEndedError(key) from None
            return (yield from call(self.new))


class FollowingStore(SwitchingStore):
    """The old store, and the new one for sessions that other nodes have moved."""

    def create(self, key: str, variables: Mapping[str, str], lifetime: Lifetime, now: int) -> Effects[Header]:
        try:
            return (yield from self.old.create(key, variables, lifetime, now))
        except SessionEndedError:
            return (yield from super().create(key, variables, lifetime, now))

    def load(self, key: str, now: int) -> Effects[Reading]:
        reading = yield from self.old.load(key, now)
        if reading.state is State.LIVE:
            return reading
        if reading.state is State.ABSENT:
            return (yield from self.new.load(key, now))
        return (yield from super().load(key, now))

    def touch(self, key: str, now: int) -> Effects[bool]:
        touched = yield from self.old.touch(key, now)
        return touched or (yield from self.new.touch(key, now))

    def put_code(self, digest: str, payload: str, ttl: float) -> Effects[None]:
        yield from self.old.put_code(digest, payload, ttl)

    def _in_its_store[Answer](self, key: str, now: int, call: Callable[[Sessions], Effects[Answer]]) -> Effects[Answer]:
        try:
            return (yield from call(self.old))
        except SessionMissingError:
            return (yield from call(self.new))
        except SessionEndedError:
            return (yield from super()._in_its_store(key, now, call))


def in_transaction() -> InTransaction:
    """Return the effect that asks whether the application has a transaction open in the database of sessions."""
    return InTransaction(router.db_for_write(Session))


def without_origin(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the session's own variables."""
    return {name: text for name, text in variables.items() if name != ORIGIN}


def frozen_key(key: str) -> str:
    """Return the key of a session while it moves: as long as any, and of no id."""
    digest = hashlib.sha256(f"{MOVED}\0{key}".encode()).digest()
    return FROZEN + base64.urlsafe_b64encode(digest).decode()[:42]

"""From one store to another while everybody stays signed in: a session moves when it is next asked for.

A node that switches knows both stores. What the new one has not is frozen in the old one (rotated to a key that no
browser knows, so that late writers find it ended), written into the new one, and removed. Whoever finds a move half
done finishes it: nobody is logged out, and nothing is written to where it would be left behind.

A farm that restarts node by node goes through ``SWITCH_TO`` first: such a node stays with the old store and follows
what others have moved. A session that is signed out everywhere in the very instant of its move may be missed.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from sessions_farm.stores.effects.effects import Effects
    from sessions_farm.stores.protocol import Sessions, Store

MOVED = "moved"
FROZEN = "~"  # begins the key of a session that is on the move, and no other
ORIGIN = "_farm_origin"  # which key it had, so that anybody who finds it there can finish the move
OLD = "old:"  # begins the ids of the old store's events


class SwitchingStore:
    """The new store, and the old one for what has not moved yet."""

    def __init__(self, new: Store, old: Store) -> None:
        self.new = new
        self.old = old

    def create(self, key: str, variables: Mapping[str, str], lifetime: Lifetime, now: int) -> Effects[Header]:
        yield from self.moving(key, now)
        return (yield from self.new.create(key, variables, lifetime, now))

    def load(self, key: str, now: int) -> Effects[Reading]:
        reading = yield from self.new.load(key, now)
        if reading.state is not State.ABSENT:
            return reading
        before = yield from self.moving(key, now)
        if before.state is State.ENDED:
            return before
        return (yield from self.new.load(key, now))

    def apply(self, key: str, change: Change, now: int) -> Effects[Header]:
        return (yield from self._where_it_is(key, now, lambda store: store.apply(key, change, now)))

    def modify(self, key: str, operation: Operation, now: int, idempotency_key: str = "") -> Effects[str | None]:
        return (
            yield from self._where_it_is(key, now, lambda store: store.modify(key, operation, now, idempotency_key))
        )

    def rotate(self, old: str, new: str, change: Change, now: int, grace: int) -> Effects[Header]:
        return (yield from self._where_it_is(old, now, lambda store: store.rotate(old, new, change, now, grace)))

    def touch(self, key: str, now: int) -> Effects[bool]:
        if (yield from self.new.touch(key, now)):
            return True
        yield from self.moving(key, now)
        return (yield from self.new.touch(key, now))

    def delete(self, key: str, reason: str, now: int) -> Effects[None]:
        yield from self.old.delete(key, reason, now)
        yield from self.new.delete(key, reason, now)

    def moving(self, key: str, now: int) -> Effects[Reading]:
        """Move what the old store has; what it had: LIVE, ABSENT, or ENDED with its grace."""
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
            return Reading(State.ABSENT)  # moved before; what the new store says is all
        if found.state is State.ABSENT or found.header is None:
            return (yield from self.old.load(key, now))  # ended before the switch
        try:
            lifetime = Lifetime(found.header.idle, found.header.ends)
            kept = {name: text for name, text in found.variables.items() if name != ORIGIN}
            yield from self.new.create(key, kept, lifetime, now)
        except (KeyTakenError, SessionEndedError):
            pass  # another node was faster, and may even have ended it since
        yield from self.old.delete(frozen, MOVED, now)
        return found

    def emptying(self, now: int, limit: int) -> Effects[int]:
        """Move up to ``limit`` sessions, and as many dictionaries of scopes, that nobody has asked for; how many."""
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
        """Of the old store's events, the ends and rotations of a move are none."""
        events = yield from self.old.read_events(limit)
        moves = [event.id for event in events if event.reason == MOVED or event.other == frozen_key(event.key)]
        yield from self.old.forget_events(moves)
        told = [replace(event, id=OLD + event.id) for event in events if event.id not in moves]
        return told + (yield from self.new.read_events(limit))

    def forget_events(self, ids: Collection[str]) -> Effects[None]:
        yield from self.old.forget_events([event_id.removeprefix(OLD) for event_id in ids if event_id.startswith(OLD)])
        yield from self.new.forget_events([event_id for event_id in ids if not event_id.startswith(OLD)])

    def read_changes(self, name: str, after: str, seconds: float) -> Effects[tuple[list[VariableChange], str]]:
        return (yield from self.new.read_changes(name, after, seconds))

    def acquire(self, name: str, token: str, now: int, lease: int) -> Effects[bool]:
        """In both, so that nodes before, in and after the switch keep each other out."""
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

    def _origin(self, key: str, now: int) -> Effects[str]:
        """The key that a browser may ask for: of a move left half done, or by another at this moment, the old one."""
        if not key.startswith(FROZEN):
            return key
        found = yield from self.old.load(key, now)
        return str(json.loads(found.variables.get(ORIGIN, json.dumps(key))))

    def _where_it_is[Answer](self, key: str, now: int, steps: Callable[[Sessions], Effects[Answer]]) -> Effects[Answer]:
        try:
            return (yield from steps(self.new))
        except SessionMissingError:
            if (yield from self.moving(key, now)).state is State.ENDED:
                raise SessionEndedError(key) from None
            return (yield from steps(self.new))


class FollowingStore(SwitchingStore):
    """The old store, and the new one for what other nodes have moved already."""

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

    def _where_it_is[Answer](self, key: str, now: int, steps: Callable[[Sessions], Effects[Answer]]) -> Effects[Answer]:
        try:
            return (yield from steps(self.old))
        except SessionMissingError:
            return (yield from steps(self.new))
        except SessionEndedError:
            return (yield from super()._where_it_is(key, now, steps))


def frozen_key(key: str) -> str:
    """Where a session stands while it moves: the length of a key, and nobody's id."""
    digest = hashlib.sha256(f"{MOVED}\0{key}".encode()).digest()
    return FROZEN + base64.urlsafe_b64encode(digest).decode()[:42]

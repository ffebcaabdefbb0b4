"""The contract of a store in its plainest form: what each step does to a shelf of records.

Whoever keeps the shelf (memory.py, file.py) sees to it that a step is alone with what it names, and that all it did is
there afterwards, or nothing where it raised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from sessions_farm.stores.base import (
    Change,
    Event,
    Header,
    KeyTakenError,
    LeaseLostError,
    Lifetime,
    LiveRecord,
    Operation,
    Reading,
    SessionEndedError,
    VariableChange,
)
from sessions_farm.stores.local.records import (
    Lease,
    Record,
    change_id,
    event_id,
    live,
    reading_of,
    touched,
    written,
)

if TYPE_CHECKING:
    from sessions_farm.conf import Options
    from sessions_farm.stores.local.records import Shelf

FEED_LENGTH = 1000  # changes of one variable


class Rules:
    """What becomes of records, leases, events and feeds; ``options`` say what is declared."""

    def __init__(self, options: Options) -> None:
        self.shared = frozenset(options.variables.shared())
        self._indexed = frozenset(options.variables.indexed())
        self._grave_ms = options.cookie_age * 1000
        self._has_events = options.events

    def create(self, shelf: Shelf, key: str, variables: Mapping[str, str], lifetime: Lifetime, now: int) -> Header:
        before = shelf.records.get(key)
        self._require_free(before, key, now)
        if before:
            self._tell_end(shelf, key, before, "expired", now)
        header = Header.fresh(lifetime, now)
        after = Record(header, dict(variables))
        if after.is_session:
            self._tell(shelf, Event("", "started", key, now))
        self._put(shelf, key, Record(header), after, now)
        return header

    def load(self, shelf: Shelf, key: str, now: int) -> Reading:
        record = shelf.records.get(key)
        if record and record.header and record.is_live(now) and record.header.is_due(now):
            record = shelf.records[key] = touched(record, now)
        return reading_of(record, now)

    def touch(self, shelf: Shelf, key: str, now: int) -> bool:
        record = shelf.records.get(key)
        if record is None or not record.is_live(now):
            return False
        shelf.records[key] = touched(record, now)
        return True

    def apply(self, shelf: Shelf, key: str, change: Change, now: int) -> Header:
        record, header = live(shelf.records.get(key), key, now)
        if change.idempotency_key and change.idempotency_key in record.idempotency_keys:
            return header
        self._require_holder(shelf, key, change.holder, now)
        return self._put(shelf, key, record, written(record, header, change, now), now)

    def modify(self, shelf: Shelf, key: str, operation: Operation, now: int, idempotency_key: str) -> str | None:
        record, header = live(shelf.records.get(key), key, now)
        if idempotency_key and idempotency_key in record.idempotency_keys:
            return record.variables.get(operation.name)
        text = operation.on(record.variables.get(operation.name))
        if text is None:
            change = Change(drop=[operation.name], idempotency_key=idempotency_key)
        else:
            change = Change(put={operation.name: text}, idempotency_key=idempotency_key)
        self._put(shelf, key, record, written(record, header, change, now), now)
        return text

    def rotate(self, shelf: Shelf, old: str, new: str, change: Change, now: int, grace: int) -> Header:
        record, header = live(shelf.records.get(old), old, now)
        self._require_holder(shelf, old, change.holder, now)
        there = shelf.records.get(new)
        self._require_free(there, new, now)
        after = written(record, header, change, now)
        if there:
            self._tell_end(shelf, new, there, "expired", now)
        shelf.records[old] = Record(None, record.variables, until=now + self._grave_ms, grace_until=now + grace)
        if record.is_session:
            self._tell(shelf, Event("", "rotated", old, now, other=new))
        return self._put(shelf, new, record, after, now)

    def delete(self, shelf: Shelf, key: str, reason: str, now: int) -> None:
        record = shelf.records.get(key)
        if record is None:
            shelf.records[key] = Record(None, until=now + self._grave_ms)
        elif record.header is None:
            shelf.records[key] = Record(None, until=record.until)
        elif record.is_session:
            self._tell_end(shelf, key, record, reason, now)
            shelf.records[key] = Record(None, until=now + self._grave_ms)
        else:
            del shelf.records[key]  # a scope's dictionary may be made again

    def get(self, shelf: Shelf, key: str, now: int) -> LiveRecord | None:
        record = shelf.records.get(key)
        return self._shown(key, record, now) if record else None

    def find(self, shelf: Shelf, values: Mapping[str, str], now: int) -> Iterator[LiveRecord]:
        for key, record in shelf.records.items():
            found = self._shown(key, record, now)
            if found and values.items() <= record.variables.items():
                yield found

    def scope_keys(self, shelf: Shelf) -> Iterator[str]:
        return (key for key, record in shelf.records.items() if record.header and not record.is_session)

    def end_where(self, shelf: Shelf, values: Mapping[str, str], spare: str, reason: str, now: int) -> int:
        keys = [found.key for found in self.find(shelf, values, now) if found.key != spare]
        for key in keys:
            self.delete(shelf, key, reason, now)
        return len(keys)

    def require_indexed(self, *names: str) -> None:
        for name in names:
            if name not in self._indexed:
                raise ValueError(
                    f"No session is found by {name!r}. Declare it: "
                    f'SESSIONS_FARM["VARIABLES"] = {{"{name}": {{"indexed": True}}}}.'
                )

    def sweep(self, shelf: Shelf, now: int, limit: int, done: Mapping[str, int]) -> dict[str, int]:
        """Remove what is due, up to ``limit`` of each kind with what was ``done`` before; return how many of each."""
        due = {
            kind: list(islice(kept.due(now), limit - done.get(kind, 0)))
            for kind, kept in (("leases", shelf.leases), ("codes", shelf.codes), ("changes", shelf.changes))
        }
        for kind, keys in due.items():
            for key in keys:
                del getattr(shelf, kind)[key]
        expired = list(islice(shelf.records.due(now), limit - done.get("records", 0)))
        for key in expired:
            self._expire(shelf, key, now)
        return {kind: len(keys) for kind, keys in due.items()} | {"records": len(expired)}

    def crowd(self, shelf: Shelf, now: int) -> Iterator[tuple[str, int]]:
        """Each live session, and when it was last seen if it is anonymous, else 0."""
        for key, record in shelf.records.items():
            if record.header and record.is_session and record.is_live(now):
                yield key, record.header.seen if record.is_anonymous(now) else 0

    def crowd_out(self, shelf: Shelf, key: str, seen: int, now: int) -> bool:
        """End a session that is one too many, if it is still as it was when it was chosen.

        It goes without a tombstone, as if it had expired: a crowd's would be a crowd of tombstones.
        """
        record = shelf.records.get(key)
        if record is None or not record.is_anonymous(now) or not record.header or record.header.seen != seen:
            return False
        self._tell_end(shelf, key, record, "crowded", now)
        del shelf.records[key]
        return True

    def bury_unreadable(self, shelf: Shelf, key: str, now: int) -> None:
        """A session that cannot be read has ended, and that is told as of any other."""
        shelf.records[key] = Record(None, until=now + self._grave_ms)
        self._tell(shelf, Event("", "ended", key, now, "unreadable"))

    def acquire(self, shelf: Shelf, name: str, token: str, now: int, lease: int) -> bool:
        held = shelf.leases.get(name)
        if held and held.token != token and now < held.ends:
            return False
        shelf.leases[name] = Lease(token, now + lease)
        return True

    def release(self, shelf: Shelf, name: str, token: str) -> bool:
        held = shelf.leases.get(name)
        if held is None or held.token != token:
            return False
        del shelf.leases[name]
        return True

    def is_held(self, shelf: Shelf, name: str, now: int) -> bool:
        held = shelf.leases.get(name)
        return held is not None and now < held.ends

    def end_of_feed(self, shelf: Shelf, name: str) -> int:
        return shelf.feeds.get(name, 0)

    def changes_after(self, shelf: Shelf, name: str, number: int) -> list[VariableChange]:
        last = shelf.feeds.get(name, 0)
        numbers = range(max(number, last - FEED_LENGTH) + 1, last + 1)
        found = (shelf.changes.get(change_id(name, number)) for number in numbers)
        return [change for change in found if change]

    def _expire(self, shelf: Shelf, key: str, now: int) -> None:
        """End the session, forget the last words or the tombstone."""
        record = shelf.records[key]
        if record.header is None and now < record.until:
            shelf.records[key] = Record(None, until=record.until)
            return
        self._tell_end(shelf, key, record, "expired", now)
        del shelf.records[key]

    def _require_free(self, record: Record | None, key: str, now: int) -> None:
        if record and record.header is None:
            raise SessionEndedError(key)
        if record and record.is_live(now):
            raise KeyTakenError(key)

    def _require_holder(self, shelf: Shelf, key: str, token: str, now: int) -> None:
        if not token:
            return
        held = shelf.leases.get(key)
        if held is None or held.token != token or held.ends <= now:
            raise LeaseLostError(key)

    def _put(self, shelf: Shelf, key: str, before: Record, after: Record, now: int) -> Header:
        shelf.records[key] = after
        if after.is_session:
            for name in self.shared:
                text = after.variables.get(name)
                if text != before.variables.get(name):
                    self._feed(shelf, VariableChange("", name, key, text, now))
        if after.header is None:
            raise ValueError("A tombstone is not written, but buried.")
        return after.header

    def _feed(self, shelf: Shelf, change: VariableChange) -> None:
        number = shelf.feeds[change.name] = shelf.feeds.get(change.name, 0) + 1
        shelf.changes[change_id(change.name, number)] = replace(change, place=str(number))
        shelf.changes.pop(change_id(change.name, number - FEED_LENGTH), None)

    def _tell(self, shelf: Shelf, event: Event) -> None:
        if self._has_events:
            event = replace(event, id=event_id(event.key))
            shelf.events[event.id] = event

    def _tell_end(self, shelf: Shelf, key: str, record: Record, reason: str, now: int) -> None:
        if record.is_session:
            self._tell(shelf, Event("", "ended", key, now, reason, shared=self._shared_of(record)))

    def _shown(self, key: str, record: Record, now: int) -> LiveRecord | None:
        if record.header is None or not record.is_session or not record.is_live(now):
            return None
        return LiveRecord(key, record.header, self._shared_of(record))

    def _shared_of(self, record: Record) -> dict[str, str]:
        return {name: text for name, text in record.variables.items() if name in self.shared}

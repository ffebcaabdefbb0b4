"""The contract of a store in its plainest form: the effect of each method on tables of records.

The stores (memory.py, file.py) isolate each call and make it atomic: all its writes are kept, or none where it raised.
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
    from sessions_farm.stores.local.records import Tables

FEED_LENGTH = 1000  # changes of one variable


class Rules:
    """The methods of a store as functions of its tables. ``options`` has the declared variables."""

    def __init__(self, options: Options) -> None:
        self.shared = frozenset(options.variables.shared())
        self._indexed = frozenset(options.variables.indexed())
        self._tombstone_ttl_ms = options.cookie_age * 1000
        self._has_events = options.events

    def create(self, tables: Tables, key: str, variables: Mapping[str, str], lifetime: Lifetime, now: int) -> Header:
        before = tables.records.get(key)
        self._require_free(before, key, now)
        if before:
            self._add_end(tables, key, before, "expired", now)
        header = Header.fresh(lifetime, now)
        after = Record(header, dict(variables))
        if after.is_session:
            self._add_event(tables, Event("", "started", key, now))
        self._put(tables, key, Record(header), after, now)
        return header

    def load(self, tables: Tables, key: str, now: int) -> Reading:
        record = tables.records.get(key)
        if record and record.header and record.is_live(now) and record.header.is_due(now):
            record = tables.records[key] = touched(record, now)
        return reading_of(record, now)

    def touch(self, tables: Tables, key: str, now: int) -> bool:
        record = tables.records.get(key)
        if record is None or not record.is_live(now):
            return False
        tables.records[key] = touched(record, now)
        return True

    def apply(self, tables: Tables, key: str, change: Change, now: int) -> Header:
        record, header = live(tables.records.get(key), key, now)
        if change.idempotency_key and change.idempotency_key in record.idempotency_keys:
            return header  # a retry of a change that was applied before: deduplicated
        self._require_holder(tables, key, change.holder, now)
        return self._put(tables, key, record, written(record, header, change, now), now)

    def modify(self, tables: Tables, key: str, operation: Operation, now: int, idempotency_key: str) -> str | None:
        record, header = live(tables.records.get(key), key, now)
        if idempotency_key and idempotency_key in record.idempotency_keys:
            return record.variables.get(operation.name)
        text = operation.on(record.variables.get(operation.name))
        if text is None:
            change = Change(drop=[operation.name], idempotency_key=idempotency_key)
        else:
            change = Change(put={operation.name: text}, idempotency_key=idempotency_key)
        self._put(tables, key, record, written(record, header, change, now), now)
        return text

    def rotate(
        self, tables: Tables, old: str, new: str, change: Change, now: int, grace: int, successor: str
    ) -> Header:
        record, header = live(tables.records.get(old), old, now)
        self._require_holder(tables, old, change.holder, now)
        there = tables.records.get(new)
        self._require_free(there, new, now)
        after = written(record, header, change, now)
        if there:
            self._add_end(tables, new, there, "expired", now)
        tables.records[old] = Record(
            None,
            record.variables,
            until=now + self._tombstone_ttl_ms,
            grace_until=now + grace,
            successor=successor,
        )
        if record.is_session:
            self._add_event(tables, Event("", "rotated", old, now, other=new))
        return self._put(tables, new, record, after, now)

    def delete(self, tables: Tables, key: str, reason: str, now: int) -> None:
        record = tables.records.get(key)
        if record is None:
            tables.records[key] = Record(None, until=now + self._tombstone_ttl_ms)
        elif record.header is None:
            tables.records[key] = Record(None, until=record.until)
        elif record.is_session:
            self._add_end(tables, key, record, reason, now)
            tables.records[key] = Record(None, until=now + self._tombstone_ttl_ms)
        else:
            del tables.records[key]  # a scope's dictionary may be made again

    def get(self, tables: Tables, key: str, now: int) -> LiveRecord | None:
        record = tables.records.get(key)
        return self._live_record(key, record, now) if record else None

    def find(self, tables: Tables, values: Mapping[str, str], now: int) -> Iterator[LiveRecord]:
        for key, record in tables.records.items():
            found = self._live_record(key, record, now)
            if found and values.items() <= record.variables.items():
                yield found

    def scope_keys(self, tables: Tables) -> Iterator[str]:
        return (key for key, record in tables.records.items() if record.header and not record.is_session)

    def end_where(self, tables: Tables, values: Mapping[str, str], spare: str, reason: str, now: int) -> int:
        keys = [found.key for found in self.find(tables, values, now) if found.key != spare]
        for key in keys:
            self.delete(tables, key, reason, now)
        return len(keys)

    def require_indexed(self, *names: str) -> None:
        for name in names:
            if name not in self._indexed:
                raise ValueError(
                    f"No session is found by {name!r}. Declare it: "
                    f'SESSIONS_FARM["VARIABLES"] = {{"{name}": {{"indexed": True}}}}.'
                )

    def sweep(self, tables: Tables, now: int, limit: int, done: Mapping[str, int]) -> dict[str, int]:
        """Remove what is due, up to ``limit`` of each kind with what was ``done`` before; return how many of each."""
        due = {
            kind: list(islice(kept.due(now), limit - done.get(kind, 0)))
            for kind, kept in (("leases", tables.leases), ("codes", tables.codes), ("changes", tables.changes))
        }
        for kind, keys in due.items():
            for key in keys:
                del getattr(tables, kind)[key]
        expired = list(islice(tables.records.due(now), limit - done.get("records", 0)))
        for key in expired:
            self._expire(tables, key, now)
        return {kind: len(keys) for kind, keys in due.items()} | {"records": len(expired)}

    def live_sessions(self, tables: Tables, now: int) -> Iterator[tuple[str, int]]:
        """Yield each live session with the time it was last seen, or 0 where it has an owner and is never evicted."""
        for key, record in tables.records.items():
            if record.header and record.is_session and record.is_live(now):
                yield key, record.header.seen if record.is_anonymous(now) else 0

    def evict(self, tables: Tables, key: str, seen: int, now: int) -> bool:
        """End an anonymous session over the limit, unless it was seen again since it was chosen.

        It leaves no tombstone, as an expired one: an eviction of many would leave as many tombstones.
        """
        record = tables.records.get(key)
        if record is None or not record.is_anonymous(now) or not record.header or record.header.seen != seen:
            return False
        self._add_end(tables, key, record, "evicted", now)
        del tables.records[key]
        return True

    def end_unreadable(self, tables: Tables, key: str, now: int) -> None:
        """End a session whose record cannot be read, with its event."""
        tables.records[key] = Record(None, until=now + self._tombstone_ttl_ms)
        self._add_event(tables, Event("", "ended", key, now, "unreadable"))

    def acquire(self, tables: Tables, name: str, token: str, now: int, lease: int) -> bool:
        held = tables.leases.get(name)
        if held and held.token != token and now < held.ends:
            return False
        tables.leases[name] = Lease(token, now + lease)
        return True

    def release(self, tables: Tables, name: str, token: str) -> bool:
        held = tables.leases.get(name)
        if held is None or held.token != token:
            return False
        del tables.leases[name]
        return True

    def is_held(self, tables: Tables, name: str, now: int) -> bool:
        held = tables.leases.get(name)
        return held is not None and now < held.ends

    def end_of_feed(self, tables: Tables, name: str) -> int:
        return tables.feeds.get(name, 0)

    def changes_after(self, tables: Tables, name: str, number: int) -> list[VariableChange]:
        last = tables.feeds.get(name, 0)
        numbers = range(max(number, last - FEED_LENGTH) + 1, last + 1)
        found = (tables.changes.get(change_id(name, number)) for number in numbers)
        return [change for change in found if change]

    def _expire(self, tables: Tables, key: str, now: int) -> None:
        """End the session, clear the final variables, or remove the tombstone."""
        record = tables.records[key]
        if record.header is None and now < record.until:
            tables.records[key] = Record(None, until=record.until)
            return
        self._add_end(tables, key, record, "expired", now)
        del tables.records[key]

    def _require_free(self, record: Record | None, key: str, now: int) -> None:
        if record and record.header is None:
            raise SessionEndedError(key)
        if record and record.is_live(now):
            raise KeyTakenError(key)

    def _require_holder(self, tables: Tables, key: str, token: str, now: int) -> None:
        if not token:
            return
        held = tables.leases.get(key)
        if held is None or held.token != token or held.ends <= now:
            raise LeaseLostError(key)

    def _put(self, tables: Tables, key: str, before: Record, after: Record, now: int) -> Header:
        tables.records[key] = after
        if after.is_session:
            for name in self.shared:
                text = after.variables.get(name)
                if text != before.variables.get(name):
                    self._feed(tables, VariableChange("", name, key, text, now))
        if after.header is None:
            raise ValueError("A change leaves a live record, never a tombstone.")
        return after.header

    def _feed(self, tables: Tables, change: VariableChange) -> None:
        number = tables.feeds[change.name] = tables.feeds.get(change.name, 0) + 1
        tables.changes[change_id(change.name, number)] = replace(change, place=str(number))
        tables.changes.pop(change_id(change.name, number - FEED_LENGTH), None)

    def _add_event(self, tables: Tables, event: Event) -> None:
        if self._has_events:
            event = replace(event, id=event_id(event.key))
            tables.events[event.id] = event

    def _add_end(self, tables: Tables, key: str, record: Record, reason: str, now: int) -> None:
        if record.is_session:
            self._add_event(tables, Event("", "ended", key, now, reason, shared=self._shared_of(record)))

    def _live_record(self, key: str, record: Record, now: int) -> LiveRecord | None:
        if record.header is None or not record.is_session or not record.is_live(now):
            return None
        return LiveRecord(key, record.header, self._shared_of(record))

    def _shared_of(self, record: Record) -> dict[str, str]:
        return {name: text for name, text in record.variables.items() if name in self.shared}

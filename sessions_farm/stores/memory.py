"""Sessions in this process's memory: for tests and single processes, and the contract in its plainest form."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from sessions_farm.conf import Options
from sessions_farm.stores import trips
from sessions_farm.stores.base import (
    Change,
    Ended,
    Header,
    Lifetime,
    Missing,
    Operation,
    Reading,
    State,
    Taken,
    now_ms,
)


@dataclass(slots=True)
class Entry:
    header: Header
    variables: dict[str, str]


@dataclass(slots=True)
class Grave:
    until: int
    grace_until: int = 0
    last_words: dict[str, str] = field(default_factory=dict)


class MemoryStore:
    def __init__(self, options: Options) -> None:
        self._grave_ms = options.cookie_age * 1000
        self._lock = threading.Lock()
        self._entries: dict[str, Entry] = {}
        self._graves: dict[str, Grave] = {}
        self._codes: dict[str, tuple[str, int]] = {}

    def create(self, key: str, variables: Mapping[str, str], lifetime: Lifetime, now: int) -> Header:
        trips.count()
        with self._lock:
            if key in self._graves:
                raise Ended(key)
            if (entry := self._entries.get(key)) and entry.header.is_live(now):
                raise Taken(key)
            header = Header.fresh(lifetime, now)
            self._entries[key] = Entry(header, dict(variables))
            return header

    def load(self, key: str, now: int) -> Reading:
        trips.count()
        with self._lock:
            if grave := self._graves.get(key):
                if now < grave.grace_until:
                    return Reading(State.ENDED, dict(grave.last_words), in_grace=True)
                return Reading(State.ENDED)
            entry = self._entries.get(key)
            if entry is None or not entry.header.is_live(now):
                return Reading(State.ABSENT)
            if entry.header.is_due(now):
                entry.header = entry.header.touched(now)
            return Reading(State.LIVE, dict(entry.variables), entry.header)

    def apply(self, key: str, change: Change, now: int) -> Header:
        trips.count()
        with self._lock:
            return self._write(self._live(key, now), change, now)

    def modify(self, key: str, operation: Operation, now: int) -> str | None:
        trips.count()
        with self._lock:
            entry = self._live(key, now)
            text = operation.on(entry.variables.get(operation.name))
            change = Change(put={operation.name: text}) if text is not None else Change(drop=[operation.name])
            self._write(entry, change, now)
            return text

    def touch(self, key: str, now: int) -> bool:
        trips.count()
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or not entry.header.is_live(now):
                return False
            entry.header = entry.header.touched(now)
            return True

    def rotate(self, old: str, new: str, change: Change, now: int, grace: int) -> Header:
        trips.count()
        with self._lock:
            entry = self._live(old, now)
            if new in self._graves:
                raise Ended(new)
            del self._entries[old]
            self._graves[old] = Grave(now + self._grave_ms, now + grace, dict(entry.variables))
            self._entries[new] = entry
            return self._write(entry, change, now)

    def delete(self, key: str, reason: str, now: int) -> None:
        trips.count()
        with self._lock:
            self._entries.pop(key, None)
            self._graves.setdefault(key, Grave(now + self._grave_ms)).grace_until = 0

    def sweep(self, now: int, limit: int) -> int:
        with self._lock:
            stale = [key for key, entry in self._entries.items() if not entry.header.is_live(now)][:limit]
            old = [key for key, grave in self._graves.items() if grave.until <= now][:limit]
            spent = [digest for digest, (_, until) in self._codes.items() if until <= now][:limit]
            for key in stale:
                del self._entries[key]
            for key in old:
                del self._graves[key]
            for digest in spent:
                del self._codes[digest]
            return max(len(stale), len(old), len(spent))

    def put_code(self, digest: str, payload: str, ttl: float) -> None:
        with self._lock:
            if digest in self._codes:
                raise Taken(digest)
            self._codes[digest] = (payload, now_ms() + int(ttl * 1000))

    def take_code(self, digest: str) -> str | None:
        with self._lock:
            payload, until = self._codes.pop(digest, ("", 0))
            return payload if now_ms() < until else None

    def _live(self, key: str, now: int) -> Entry:
        if key in self._graves:
            raise Ended(key)
        entry = self._entries.get(key)
        if entry is None or not entry.header.is_live(now):
            raise Missing(key)
        return entry

    @staticmethod
    def _write(entry: Entry, change: Change, now: int) -> Header:
        if change.replace:
            entry.variables.clear()
        entry.variables.update(change.put)
        for name in change.drop:
            entry.variables.pop(name, None)
        entry.header = entry.header.written(change.lifetime, now)
        return entry.header

"""What the plain stores keep, in memory or in files: records, leases, codes, events and changes, each under a key."""

from __future__ import annotations

import hashlib
import threading
import time
from abc import abstractmethod
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from sessions_farm.declarations import OWNER
from sessions_farm.stores.base import (
    IDEMPOTENCY_KEYS_KEPT,
    NEVER,
    Change,
    Event,
    Header,
    Increment,
    Reading,
    SessionEndedError,
    SessionMissingError,
    State,
    VariableChange,
)

FEED_MS = 3_600_000  # how long a change can be read in the feed of its variable


@dataclass(frozen=True, slots=True)
class Record:
    """What stands under a key: a session (or a scope's dictionary) or, without a header, its tombstone.

    A tombstone of a rotation has the variables as they were, to be read during the grace.
    """

    header: Header | None
    variables: Mapping[str, str] = field(default_factory=dict)
    idempotency_keys: tuple[str, ...] = ()  # of the latest changes
    until: int = 0  # when nobody needs the tombstone any more
    grace_until: int = 0

    def is_live(self, now: int) -> bool:
        return self.header is not None and self.header.is_live(now)

    @property
    def is_session(self) -> bool:
        """Whether it is counted, found, ended: neither a tombstone nor a scope's dictionary."""
        return self.header is not None and self.header.ends < NEVER

    def is_anonymous(self, now: int) -> bool:
        return self.is_session and self.is_live(now) and OWNER not in self.variables

    @property
    def due(self) -> int:
        """When a sweep has something to do here."""
        if self.header:
            return self.header.expires
        return min(self.until, self.grace_until) if self.variables else self.until


@dataclass(frozen=True, slots=True)
class Lease:
    token: str
    ends: int

    @property
    def due(self) -> int:
        return self.ends


@dataclass(frozen=True, slots=True)
class Code:
    payload: str
    until: int

    @property
    def due(self) -> int:
        return self.until


type Value = Record | Lease | Code | Event | VariableChange | int


def due_of(value: Value) -> int:
    """When a sweep has something to do with it; events wait until they are told."""
    if isinstance(value, VariableChange):
        return value.at + FEED_MS
    return NEVER if isinstance(value, Event | int) else value.due


class Kept[Item: Value](MutableMapping[str, Item]):
    """A mapping that knows what in it is due."""

    @abstractmethod
    def due(self, now: int) -> Iterable[str]:
        """Keys of what is due, as they are now."""


class Shelf(Protocol):
    """Records, leases and codes by their keys; events and changes by ids that sort as they came; feeds' lengths.

    An id ends in the digest of the key or name that it belongs to, so that it can be kept beside that.
    """

    @property
    def records(self) -> Kept[Record]: ...
    @property
    def events(self) -> Kept[Event]: ...
    @property
    def feeds(self) -> Kept[int]: ...
    @property
    def changes(self) -> Kept[VariableChange]: ...
    @property
    def leases(self) -> Kept[Lease]: ...
    @property
    def codes(self) -> Kept[Code]: ...


def live(record: Record | None, key: str, now: int) -> tuple[Record, Header]:
    """The session or dictionary of a record. Raise Ended, Missing."""
    if record is not None and record.header is None:
        raise SessionEndedError(key)
    if record is None or record.header is None or not record.is_live(now):
        raise SessionMissingError(key)
    return record, record.header


def reading_of(record: Record | None, now: int) -> Reading:
    if record is None:
        return Reading(State.ABSENT)
    if record.header is None:
        in_grace = now < record.grace_until
        return Reading(State.ENDED, dict(record.variables) if in_grace else {}, in_grace=in_grace)
    if not record.is_live(now):
        return Reading(State.ABSENT)
    return Reading(State.LIVE, dict(record.variables), record.header)


def touched(record: Record, now: int) -> Record:
    return replace(record, header=record.header.touched(now)) if record.header else record


def written(record: Record, header: Header, change: Change, now: int) -> Record:
    """A session after a change. Raise TypeError where something is added to what is no whole number."""
    variables = {} if change.replace else dict(record.variables)
    variables.update(change.put)
    for name in change.drop:
        variables.pop(name, None)
    for name, by in change.add.items():
        variables[name] = Increment(name, by).on(variables.get(name)) or "0"
    idempotency_keys = (
        (*record.idempotency_keys, change.idempotency_key)[-IDEMPOTENCY_KEYS_KEPT:]
        if change.idempotency_key
        else record.idempotency_keys
    )
    return Record(header.written(change.lifetime, now), variables, idempotency_keys)


def digest_of(key: str) -> str:
    """64 hexadecimal digits: what can name a file on any file system, whatever the key is."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def event_id(key: str) -> str:
    return f"{_clock.tick():020d}.{digest_of(key)}"


def change_id(name: str, number: int) -> str:
    return f"{number:020d}.{digest_of(name)}"


def place_of(an_id: str) -> str:
    """The digest that an id ends in."""
    return an_id.rpartition(".")[2]


class Clock:
    """Nanoseconds, in this process never the same or less than before."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest = 0

    def tick(self) -> int:
        with self._lock:
            self._latest = max(time.time_ns(), self._latest + 1)
            return self._latest


_clock = Clock()

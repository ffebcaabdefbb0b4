"""Values of the record stores (memory, file): records, leases, codes, events and changes, in tables by key."""

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
    """The record of a key: a session (or a scope's dictionary) or, without a header, its tombstone.

    A tombstone of a rotation has the final variables, to be read during the grace.
    """

    header: Header | None
    variables: Mapping[str, str] = field(default_factory=dict)
    idempotency_keys: tuple[str, ...] = ()  # of the latest changes
    until: int = 0  # the end of a tombstone: cookies with its key have expired by then
    grace_until: int = 0
    successor: str = ""  # of a tombstone: the sealed id that a rotation moved the session to

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
        """The time at which the sweeper expires the record or clears its final variables."""
        if self.header:
            return self.header.expires
        return min(self.until, self.grace_until) if self.variables or self.successor else self.until


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
    """Return the time at which the sweeper removes a value. Events stay until they are delivered."""
    if isinstance(value, VariableChange):
        return value.at + FEED_MS
    return NEVER if isinstance(value, Event | int) else value.due


class Table[Item: Value](MutableMapping[str, Item]):
    """A mapping that lists its items for the sweeper."""

    @abstractmethod
    def due(self, now: int) -> Iterable[str]:
        """Return the keys of the items that are due."""


class Tables(Protocol):
    """The tables of a store or partition: records, leases and codes by key, events and changes by id, feed lengths.

    Ids sort by time. An id ends in the digest of the key or name that it belongs to, so both are of one partition.
    """

    @property
    def records(self) -> Table[Record]: ...
    @property
    def events(self) -> Table[Event]: ...
    @property
    def feeds(self) -> Table[int]: ...
    @property
    def changes(self) -> Table[VariableChange]: ...
    @property
    def leases(self) -> Table[Lease]: ...
    @property
    def codes(self) -> Table[Code]: ...


def live(record: Record | None, key: str, now: int) -> tuple[Record, Header]:
    """Return the session or dictionary of a record. Raise SessionEndedError, SessionMissingError."""
    if record is not None and record.header is None:
        raise SessionEndedError(key)
    if record is None or record.header is None or not record.is_live(now):
        raise SessionMissingError(key)
    return record, record.header


def reading_of(record: Record | None, now: int) -> Reading:
    """Return the answer to a load."""
    if record is None:
        return Reading(State.ABSENT)
    if record.header is None:
        in_grace = now < record.grace_until
        if not in_grace:
            return Reading(State.ENDED)
        return Reading(State.ENDED, dict(record.variables), in_grace=True, successor=record.successor)
    if not record.is_live(now):
        return Reading(State.ABSENT)
    return Reading(State.LIVE, dict(record.variables), record.header)


def touched(record: Record, now: int) -> Record:
    """Return a live record with its idle time begun anew."""
    return replace(record, header=record.header.touched(now)) if record.header else record


def written(record: Record, header: Header, change: Change, now: int) -> Record:
    """Return a session after a change. Raise TypeError for a sum with a text that is no whole number."""
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
    """Return the digest of any key: 64 hexadecimal digits, a valid file name on every file system."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def event_id(key: str) -> str:
    """Return an id that sorts after all earlier ones of this process."""
    return f"{_clock.tick():020d}.{digest_of(key)}"


def change_id(name: str, number: int) -> str:
    """Return the id of the change with a number in the feed of a variable."""
    return f"{number:020d}.{digest_of(name)}"


def digest_in(an_id: str) -> str:
    """Return the digest that an id ends in."""
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

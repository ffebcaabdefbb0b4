"""Values and errors of the store protocol.

    Exception
     ├ StoreUnavailableError
     └ StoreRefusedError
        ├ SessionEndedError
        ├ SessionMissingError
        ├ KeyTakenError
        ├ ConflictError
        └ LeaseLostError

A key is always the keyed hash of an id. A value is JSON text in one canonical form (sessions_farm.session.serializer),
so equal values have equal text. Times are Unix milliseconds; callers pass ``now``, so all of a call agree on it.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sessions_farm.clock import NEVER as NEVER  # noqa: PLC0414 -- from here, too
from sessions_farm.clock import now_ms as now_ms  # noqa: PLC0414 -- as above

TOUCH_FRACTION = 10  # a session is touched when a tenth of its idle time has gone
IDEMPOTENCY_KEYS_KEPT = 8  # how many of the latest operation ids a session remembers


class StoreUnavailableError(Exception):
    """The store does not answer. The session may live or not, and a write may have taken place."""


class StoreRefusedError(Exception):
    """The store refuses the change of this session."""


class SessionEndedError(StoreRefusedError):
    """The key was rotated, merged, logged out or deleted: it never lives again."""


class SessionMissingError(StoreRefusedError):
    """No live session under this key."""


class KeyTakenError(StoreRefusedError):
    """A live session stands under this key, or a code under this digest."""


class ConflictError(StoreRefusedError):
    """The variable no longer has the value that was expected."""


class LeaseLostError(StoreRefusedError):
    """The lease that the change was made under has ended or is another's."""


class State(enum.Enum):
    """The state of a key: a live session, none, or one that ended for good."""

    LIVE = "live"
    ABSENT = "absent"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Lifetime:
    """The time-outs of a session: without a request (``idle`` ms), and absolute (``ends``, Unix ms)."""

    idle: int
    ends: int


@dataclass(frozen=True, slots=True)
class Header:
    """The meta data of a live session. ``expires`` never exceeds ``ends``; ``version`` rises with every write."""

    created: int
    seen: int
    idle: int
    expires: int
    ends: int
    version: int

    @classmethod
    def fresh(cls, lifetime: Lifetime, now: int) -> Header:
        """Return the header of a new session."""
        return cls(now, now, lifetime.idle, min(now + lifetime.idle, lifetime.ends), lifetime.ends, 1)

    def is_live(self, now: int) -> bool:
        return now < self.expires

    def is_due(self, now: int) -> bool:
        """Whether a tenth of the idle time has gone since the last touch."""
        return now - self.seen >= self.idle // TOUCH_FRACTION

    def touched(self, now: int) -> Header:
        """Return the header with its idle time begun anew."""
        return Header(self.created, now, self.idle, min(now + self.idle, self.ends), self.ends, self.version)

    def written(self, lifetime: Lifetime | None, now: int) -> Header:
        """Return the header after a write: touched, of the next version, with another lifetime if one is given."""
        idle, ends = (lifetime.idle, lifetime.ends) if lifetime else (self.idle, self.ends)
        return Header(self.created, now, idle, min(now + idle, ends), ends, self.version + 1)


@dataclass(frozen=True, slots=True)
class Reading:
    """The answer to a load. An ENDED key has variables only during the grace of its rotation, to read only.

    ``touch_due``: the session is still to be touched, for it was loaded inside a transaction of the application.
    ``successor`` is there for as long: the id that the session moved to, sealed (session/successors.py).
    """

    state: State
    variables: Mapping[str, str] = field(default_factory=dict)
    header: Header | None = None
    in_grace: bool = False
    touch_due: bool = False
    successor: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """The changes of a request: variables to put and to drop; ``replace`` drops every variable that is not put.

    ``add`` is added to whole numbers, after the puts and drops. ``holder`` is the token of the lease of the session's
    key that the change needs. ``idempotency_key`` names the change: it is made once, though a retry may send it twice.
    """

    put: Mapping[str, str] = field(default_factory=dict)
    drop: Collection[str] = ()
    replace: bool = False
    lifetime: Lifetime | None = None  # None: unchanged
    add: Mapping[str, int] = field(default_factory=dict)
    holder: str = ""
    idempotency_key: str = ""


@dataclass(frozen=True, slots=True)
class Increment:
    """Add to a whole number; a missing one is 0."""

    name: str
    by: int

    def on(self, current: str | None) -> str | None:
        """Return the new text. Raise TypeError where the variable is no whole number."""
        if current is not None and not current.lstrip("-").isdigit():
            raise TypeError(f"{self.name} is no whole number and cannot be incremented.")
        return str(int(current or 0) + self.by)


@dataclass(frozen=True, slots=True)
class Append:
    """Append an item, as JSON text, to a list; a missing one is empty."""

    name: str
    item: str

    def on(self, current: str | None) -> str | None:
        """Return the new text. Raise TypeError where the variable is no list."""
        if current in {None, "[]"}:
            return f"[{self.item}]"
        if not current or not current.startswith("["):
            raise TypeError(f"{self.name} is no list and cannot be appended to.")
        return f"{current[:-1]},{self.item}]"


@dataclass(frozen=True, slots=True)
class CompareAndSet:
    """Set a variable if it has the expected value. None means no such variable, in both places."""

    name: str
    expected: str | None
    value: str | None

    def on(self, current: str | None) -> str | None:
        """Return the new text. Raise ConflictError where the variable has another value."""
        if current != self.expected:
            raise ConflictError(f"{self.name} was changed by another request.")
        return self.value


@dataclass(frozen=True, slots=True)
class LiveRecord:
    """A live session as queries show it: its header, and its shared variables as text."""

    key: str
    header: Header
    shared: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a session: its kind is ``started``, ``ended`` or ``rotated``.

    ``reason`` is that of its end (``expired``, ``ended``, ``merged``, …); ``other`` is the key that it rotated to.
    """

    id: str
    kind: str
    key: str
    at: int
    reason: str = ""
    other: str = ""
    shared: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VariableChange:
    """The change of a shared variable of a session; ``text`` is None where it was dropped."""

    place: str  # in the feed of its name, to read on from
    name: str
    key: str
    text: str | None
    at: int


type Operation = Increment | Append | CompareAndSet

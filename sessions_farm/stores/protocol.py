"""The store protocol. A key is always the keyed hash of an id, or the name of a scope's dictionary.

A value is JSON text in one canonical form (sessions_farm.session.serializer), so equal values have equal text. Times
are Unix milliseconds by the store's clock; callers pass ``now`` (stores/store_time.py), so all of a call agree on it.
Every method is a generator of effects (stores/effects/effects.py) and may raise StoreUnavailableError.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from sessions_farm.stores.base import Change, Event, Header, Lifetime, LiveRecord, Operation, Reading, VariableChange
from sessions_farm.stores.effects.effects import Effects


class Clock(Protocol):
    """The clock that all nodes share."""

    def clock(self) -> Effects[int | None]:
        """Return the store's own time; None where it does not say now, and the process goes on with what it knows."""


class Sessions(Protocol):
    """Read and change one session: the methods of a request."""

    # Whether a write inside a transaction that Django has open in this thread is undone with it. Else it stays.
    joins_transactions: bool

    def create(self, key: str, variables: Mapping[str, str], lifetime: Lifetime, now: int) -> Effects[Header]:
        """Create a session. Raise KeyTakenError where one lives, SessionEndedError where one ended."""

    def load(self, key: str, now: int) -> Effects[Reading]:
        """Read a session, and touch it where that is due.

        Inside a transaction that Django has open in the store's database, change nothing and lock nothing: the reading
        says ``touch_due``, and the caller touches the session when the transaction is over.
        """

    def apply(self, key: str, change: Change, now: int) -> Effects[Header]:
        """Write a change atomically. Raise SessionMissingError, SessionEndedError or LeaseLostError; revive no session.

        Raise TypeError for a sum with a text that is no whole number; nothing is written then. A change whose
        ``idempotency_key`` was seen before is not applied again.
        """

    def modify(self, key: str, operation: Operation, now: int, idempotency_key: str = "") -> Effects[str | None]:
        """Change one variable by its present value; return its new text.

        Where ``idempotency_key`` was seen before, change nothing and return the present text. Raise ConflictError,
        TypeError, SessionMissingError or SessionEndedError.
        """

    def touch(self, key: str, now: int) -> Effects[bool]:
        """Begin the idle time anew; return False where no session lives."""

    def rotate(self, old: str, new: str, change: Change, now: int, grace: int, successor: str = "") -> Effects[Header]:
        """Move a session to a new key with a change, atomically; the old key ends, readable for ``grace`` ms.

        For as long its tombstone has the ``successor``: the new id, sealed.
        """

    def delete(self, key: str, reason: str, now: int) -> Effects[None]:
        """End the key for good, whether a session lives there or not."""


class Queries(Protocol):
    """Query and end many sessions, by declared variables only."""

    def get_many(self, keys: Collection[str], now: int) -> Effects[list[LiveRecord]]:
        """Return the live sessions of some keys; touch none."""

    def count(self, now: int) -> Effects[int]:
        """Return the number of live sessions."""

    def find(self, values: Mapping[str, str], now: int, limit: int) -> Effects[list[LiveRecord]]:
        """Return up to ``limit`` live sessions whose indexed variables have all these texts; any sessions by none."""

    def scope_keys(self, limit: int) -> Effects[list[str]]:
        """Return the keys of up to ``limit`` dictionaries of scopes, which never end and are no sessions."""

    def end_where(self, name: str, text: str, spare: str, reason: str, now: int) -> Effects[int]:
        """End every session whose indexed variable has this text, except the key ``spare``; return how many."""

    def sweep(self, now: int, limit: int) -> Effects[int]:
        """Remove up to ``limit`` expired items of each kind; return the number of the fullest kind.

        Also evict the sessions over ``MAX_LIVE``, the anonymous ones that were seen longest ago first.
        """


class Outbox(Protocol):
    """The transactional outbox: events are kept until they are delivered."""

    def read_events(self, limit: int) -> Effects[list[Event]]:
        """Return the oldest pending events; an SQL store locks them for the caller's transaction."""

    def forget_events(self, ids: Collection[str]) -> Effects[None]:
        """Delete events that were delivered."""

    def read_changes(self, name: str, after: str, seconds: float) -> Effects[tuple[list[VariableChange], str]]:
        """Return the changes of a shared variable after a place ('': from now on), and the place to read on from.

        Wait up to ``seconds`` for the first one.
        """


class Leases(Protocol):
    """Locks that expire, so that no waiter hangs on a dead holder."""

    def acquire(self, name: str, token: str, now: int, lease: int) -> Effects[bool]:
        """Acquire the lease of a name for ``lease`` ms, or extend one's own; return whether ``token`` holds it."""

    def release(self, name: str, token: str) -> Effects[bool]:
        """Release the lease, and wake one waiter; return False where the token no longer holds it."""

    def wait(self, name: str, seconds: float) -> Effects[None]:
        """Wait until the lease may be free: it was released, or ``seconds`` are over."""


class Codes(Protocol):
    """Codes of one use."""

    def put_code(self, digest: str, payload: str, ttl: float) -> Effects[None]:
        """Keep a payload for one redemption within ``ttl`` seconds. Raise KeyTakenError where the digest is known."""

    def take_code(self, digest: str) -> Effects[str | None]:
        """Return the payload to exactly one caller; None to all others, and after its time."""


class Store(Clock, Sessions, Queries, Outbox, Leases, Codes, Protocol):
    """The whole protocol."""

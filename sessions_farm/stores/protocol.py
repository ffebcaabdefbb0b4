"""What every store keeps to. A key is always the keyed hash of an id, or the name of a scope's dictionary.

A value is JSON text in one canonical form (sessions_farm.session.serializer), so equal values have equal text. Times are Unix
milliseconds; ``now`` is given, so that a store never disagrees with its caller. Every method is a generator of steps
(stores/steps.py), and any may raise StoreUnavailable.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from sessions_farm.stores.base import Change, Event, Header, Lifetime, LiveRecord, Operation, Reading, VariableChange
from sessions_farm.stores.effects.effects import Effects


class Sessions(Protocol):
    """What a request does."""

    def create(self, key: str, variables: Mapping[str, str], lifetime: Lifetime, now: int) -> Effects[Header]:
        """Raise Taken where a session lives there, Ended where one ended."""

    def load(self, key: str, now: int) -> Effects[Reading]:
        """Read, and touch where that is due."""

    def apply(self, key: str, change: Change, now: int) -> Effects[Header]:
        """Write what changed, in one step. Raise Missing, Ended or LeaseLost; never bring a session back.

        Raise TypeError where something is added to what is no whole number; then nothing was written.
        """

    def modify(self, key: str, operation: Operation, now: int, idempotency_key: str = "") -> Effects[str | None]:
        """Change one variable by its present value; return its new text. Raise Conflict, TypeError, Missing, Ended.

        Where ``idempotency_key`` was seen before, do nothing and return the present text.
        """

    def touch(self, key: str, now: int) -> Effects[bool]:
        """Begin the idle time anew; False where no session lives there."""

    def rotate(self, old: str, new: str, change: Change, now: int, grace: int) -> Effects[Header]:
        """Move a session to a new key with a change, in one step; the old key ends, readable for ``grace`` ms."""

    def delete(self, key: str, reason: str, now: int) -> Effects[None]:
        """End the key for good, whether a session lives there or not."""


class Queries(Protocol):
    """What is known over all sessions, by declared variables only."""

    def get_many(self, keys: Collection[str], now: int) -> Effects[list[LiveRecord]]:
        """Those of the keys under which a session lives; touches none."""

    def count(self, now: int) -> Effects[int]:
        """How many sessions live."""

    def find(self, values: Mapping[str, str], now: int, limit: int) -> Effects[list[LiveRecord]]:
        """Up to ``limit`` live sessions whose indexed variables have all these texts; {}: any live sessions."""

    def scope_keys(self, limit: int) -> Effects[list[str]]:
        """Keys of up to ``limit`` dictionaries of scopes: what never ends and is no session."""

    def end_where(self, name: str, text: str, spare: str, reason: str, now: int) -> Effects[int]:
        """End every session whose indexed variable has this text, but the one under ``spare``; return how many."""

    def sweep(self, now: int, limit: int) -> Effects[int]:
        """Remove up to ``limit`` of each kind of what has expired; return how many of the fullest kind.

        Also end the sessions beyond ``MAX_LIVE``, anonymous ones that were seen longest ago first.
        """


class Outbox(Protocol):
    """What happened, kept until it was told."""

    def read_events(self, limit: int) -> Effects[list[Event]]:
        """The oldest events that were not forgotten; an SQL store locks them for the caller's transaction."""

    def forget_events(self, ids: Collection[str]) -> Effects[None]:
        """They were told."""

    def read_changes(self, name: str, after: str, seconds: float) -> Effects[tuple[list[VariableChange], str]]:
        """Changes of a shared variable after a place ('': from now on), and the place to go on from.

        Waits up to ``seconds`` for the first one.
        """


class Leases(Protocol):
    """Locks that end by themselves, so that nobody waits for the dead."""

    def acquire(self, name: str, token: str, now: int, lease: int) -> Effects[bool]:
        """Whether ``token`` holds the lease of a name now, for ``lease`` ms from now; a holder may prolong its own."""

    def release(self, name: str, token: str) -> Effects[bool]:
        """Give the lease back, and wake one who waits; False where it is no longer this token's."""

    def wait(self, name: str, seconds: float) -> Effects[None]:
        """Until the lease may be free: it was given back, or ``seconds`` have gone."""


class Codes(Protocol):
    """Codes of one use."""

    def put_code(self, digest: str, payload: str, ttl: float) -> Effects[None]:
        """Keep a payload for one redemption within ``ttl`` seconds. Raise Taken where the digest is known."""

    def take_code(self, digest: str) -> Effects[str | None]:
        """The payload, to exactly one caller; None to all others and after its time."""


class Store(Sessions, Queries, Outbox, Leases, Codes, Protocol):
    """A place for sessions."""

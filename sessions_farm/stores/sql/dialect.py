"""The part that all databases share: names of tables, common statements, and the protocol of a dialect."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sessions_farm.declarations import TERM_LIMIT
from sessions_farm.models import Lease, OneUseCode, OutboxEvent, Session, SharedChange, Tombstone, Variable
from sessions_farm.stores.base import StoreUnavailableError

if TYPE_CHECKING:
    from sessions_farm.conf import Options
    from sessions_farm.stores.base import Change, Operation
    from sessions_farm.stores.effects.effects import Effect

SESSION = Session._meta.db_table
VARIABLE = Variable._meta.db_table
TOMBSTONE = Tombstone._meta.db_table
CODE = OneUseCode._meta.db_table
EVENT = OutboxEvent._meta.db_table
CHANGE = SharedChange._meta.db_table
LEASE = Lease._meta.db_table
HEADER = "created_ms, seen_ms, idle_ms, expires_ms, ends_ms, version"
HEADER_OF_S = ", ".join(f"s.{name}" for name in HEADER.split(", "))

FEED_LENGTH = 1000  # changes of one variable
FEED_MS = 3_600_000

# Statements that every dialect takes as they are.
READ_EVENTS = f"SELECT id, kind, key_hash, at_ms, reason, other, shared FROM {EVENT} ORDER BY id LIMIT %(limit)s"  # noqa: S608 -- the names are our tables', here and below
SCOPE_KEYS = f"SELECT key_hash FROM {SESSION} WHERE ends_ms >= %(never)s LIMIT %(limit)s"  # noqa: S608
COUNT = f"SELECT count(*) FROM {SESSION} WHERE expires_ms > %(now)s AND ends_ms < %(never)s"  # noqa: S608
PUT_CODE = f"""
INSERT INTO {CODE} (digest, payload, expires_ms) VALUES (%(digest)s, %(payload)s, %(expires)s)
ON CONFLICT (digest) DO NOTHING RETURNING digest
"""  # noqa: S608
# Of several callers in a race for one code the database lets one delete the row: that one has the payload.
TAKE_CODE = f"DELETE FROM {CODE} WHERE digest = %(digest)s RETURNING payload, expires_ms"  # noqa: S608
ACQUIRE = f"""
INSERT INTO {LEASE} AS held (name, token, until_ms) VALUES (%(name)s, %(token)s, %(until)s)
ON CONFLICT (name) DO UPDATE SET token = excluded.token, until_ms = excluded.until_ms
WHERE held.until_ms <= %(now)s OR held.token = excluded.token
RETURNING name
"""  # noqa: S608
RELEASE = f"DELETE FROM {LEASE} WHERE name = %(name)s AND token = %(token)s RETURNING until_ms"  # noqa: S608
HELD_UNTIL = f"SELECT until_ms FROM {LEASE} WHERE name = %(name)s"  # noqa: S608


@dataclass(frozen=True, slots=True)
class DialectOptions:
    """The settings that statements depend on."""

    tombstone_ttl_ms: int
    events: bool
    max_live: int
    indexed: tuple[str, ...]
    shared: tuple[str, ...]

    @classmethod
    def of(cls, options: Options) -> DialectOptions:
        """Take them from the app's options."""
        names = options.variables
        return cls(
            options.cookie_age * 1000,
            options.events,
            options.max_live,
            tuple(names.indexed()),
            tuple(names.shared()),
        )


def term_of(text: str) -> str:
    """Return the index term of a value: its text, or its digest where that is long (PostgreSQL computes the same)."""
    content = text.encode()
    return text if len(content) <= TERM_LIMIT else f"sha256:{hashlib.sha256(content).hexdigest()}"


def unavailable(error: Exception) -> StoreUnavailableError:
    """Return the store's own error for a database that does not answer."""
    return StoreUnavailableError(f"The database does not answer: {error}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The present state under a write's keys, read after the write found nothing to update."""

    has_ended: bool
    new_has_ended: bool  # of the key to rotate to
    new_expires: int | None  # of a session there
    is_held: bool
    header: tuple[int, ...] | None
    idempotency_keys: tuple[str, ...]
    texts: Mapping[str, str]


class Dialect(Protocol):
    """Effects in one kind of database. A session's row: its key, the six numbers of its header, named columns."""

    clock: str  # the statement that asks the database for its time

    def execute(self, statement: str, **given: Any) -> Effect:
        """Execute a statement with named parameters; answer its rows."""

    def load(self, key: str, now: int, *, touches: bool) -> Effect:
        """Answer rows, one at least: grace and final variables of a tombstone, header, name, text, and its successor.

        ``touches``: touch the session where that is due; else lock nothing. The header is the one before a touch.
        """

    def create(
        self, key: str, variables: Mapping[str, str], header: tuple[int, ...], now: int, *, over: bool
    ) -> Effect:
        """Answer the session's row, or none. ``over``: end an expired session under the key first."""

    def apply(self, key: str, change: Change, now: int) -> Effect:
        """Answer the session's row, or none."""

    def modify(self, key: str, operation: Operation, now: int, idempotency_key: str) -> Effect:
        """Answer the session's row and the variable's new text, or none."""

    def rotate(self, old: str, new: str, change: Change, now: int, grace: int, successor: str, *, over: bool) -> Effect:
        """Answer the session's row, or none. ``over`` as of ``create``."""

    def refusal(self, key: str, new: str, change: Change, names: Collection[str], now: int) -> Effect:
        """Answer a Refusal."""

    def touch(self, key: str, now: int) -> Effect:
        """Answer a row where a session lives."""

    def delete(self, key: str, reason: str, now: int) -> Effect:
        """End the key for good."""

    def get_many(self, keys: Collection[str], now: int) -> Effect:
        """Answer rows of sessions, each with its shared variables as JSON."""

    def find(self, values: Mapping[str, str], now: int, limit: int) -> Effect:
        """Answer rows as ``get_many``."""

    def end_where(self, name: str, text: str, spare: str, reason: str, now: int) -> Effect:
        """Answer a row for each session that ended: its key."""

    def sweep(self, kind: str, now: int, limit: int) -> Effect:
        """Answer the number removed. Of ``sessions``: a row for each examined, its key or '' if it lives on."""

    def evict_over_limit(self, now: int, limit: int) -> Effect:
        """Answer a row for each session that ended: its key."""

    def read_events(self, limit: int) -> Effect:
        """Answer rows as of ``READ_EVENTS``."""

    def forget_events(self, ids: Collection[int]) -> Effect:
        """Delete events that were delivered."""

    def read_changes(self, name: str, after: str) -> Effect:
        """Answer the place to go on from, and rows: id, key, text, time."""

    def release(self, name: str, token: str) -> Effect:
        """Answer a row with the end of the lease that was held, or none."""

    def wait(self, name: str, seconds: float) -> Effect | None:
        """Answer after a notification, or after a while; None where the database cannot notify, so that one polls."""

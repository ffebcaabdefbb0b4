"""What PostgreSQL and the other databases share: the tables' names, and what a dialect is asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sessions_farm.communities.models import VisitorKey
from sessions_farm.declarations import TERM_LIMIT
from sessions_farm.models import Lease, OneUseCode, OutboxEvent, Session, SharedChange, Tombstone, Variable

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
VISITOR_KEY = VisitorKey._meta.db_table
HEADER = "created_ms, seen_ms, idle_ms, expires_ms, ends_ms, version"
HEADER_OF_S = ", ".join(f"s.{name}" for name in HEADER.split(", "))

FEED_LENGTH = 1000  # of each name
FEED_MS = 3_600_000

# Statements that every dialect takes as they are.
READ_EVENTS = f"SELECT id, kind, key_hash, at_ms, reason, other, shared FROM {EVENT} ORDER BY id LIMIT %(limit)s"  # noqa: S608 -- the names are our tables', here and below
EVERLASTING = f"SELECT key_hash FROM {SESSION} WHERE ends_ms >= %(forever)s LIMIT %(limit)s"  # noqa: S608
COUNT = f"SELECT count(*) FROM {SESSION} WHERE expires_ms > %(now)s AND ends_ms < %(forever)s"  # noqa: S608
PUT_CODE = f"""
INSERT INTO {CODE} (digest, payload, expires_ms) VALUES (%(digest)s, %(payload)s, %(expires)s)
ON CONFLICT (digest) DO NOTHING RETURNING digest
"""  # noqa: S608
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
class Known:
    """What the statements need of the settings."""

    grave_ms: int
    events: bool
    max_live: int
    indexed: tuple[str, ...]
    shared: tuple[str, ...]

    @classmethod
    def of(cls, options: Options) -> Known:
        names = options.variables
        return cls(
            options.cookie_age * 1000,
            options.events,
            options.max_live,
            tuple(names.indexed()),
            tuple(names.shared()),
        )

    def term(self, name: str, text: str | None) -> str | None:
        """What stands in the index for a variable; None where it has none."""
        return None if text is None or name not in self.indexed else term_of(text)


def term_of(text: str) -> str:
    """The text, or its digest where it is long: one that PostgreSQL can make itself, without an extension."""
    content = text.encode()
    return text if len(content) <= TERM_LIMIT else f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a write found nothing to write: what stands under its keys now."""

    has_ended: bool
    new_has_ended: bool  # of the key to rotate to
    new_expires: int | None  # of a session there
    is_held: bool
    header: tuple[int, ...] | None
    idempotency_keys: tuple[str, ...]
    texts: Mapping[str, str]


class Dialect(Protocol):
    """Steps in one kind of database. A row of a session is its key, its header's six numbers, and what is asked for."""

    def ask(self, statement: str, **given: Any) -> Effect:
        """One of the statements of this module; its rows."""

    def load(self, key: str, now: int) -> Effect:
        """A row at least: a tombstone's grace and last words, the header before a touch, a variable's name and text."""

    def create(
        self, key: str, variables: Mapping[str, str], header: tuple[int, ...], now: int, *, over: bool
    ) -> Effect:
        """A session's row, or none. ``over``: one that has expired makes room."""

    def apply(self, key: str, change: Change, now: int) -> Effect:
        """The session's row, or none."""

    def modify(self, key: str, operation: Operation, now: int, idempotency_key: str) -> Effect:
        """The session's row and the variable's new text, or none."""

    def rotate(self, old: str, new: str, change: Change, now: int, grace: int, *, over: bool) -> Effect:
        """The session's row, or none. ``over``: as of ``create``."""

    def refusal(self, key: str, new: str, change: Change, names: Collection[str], now: int) -> Effect:
        """A Refusal."""

    def touch(self, key: str, now: int) -> Effect:
        """A row where a session lives."""

    def delete(self, key: str, reason: str, now: int) -> Effect:
        """Nothing of use."""

    def get_many(self, keys: Collection[str], now: int) -> Effect:
        """Rows of sessions, each with its shared variables as JSON."""

    def find(self, values: Mapping[str, str], now: int, limit: int) -> Effect:
        """As ``look``."""

    def end_where(self, name: str, text: str, spare: str, reason: str, now: int) -> Effect:
        """A row for each that ended: its key."""

    def sweep(self, kind: str, now: int, limit: int) -> Effect:
        """A row: how many went. Of ``sessions``: a row for each one looked at, its key or '' if it lives on."""

    def crowd(self, now: int, limit: int) -> Effect:
        """A row for each that ended: its key."""

    def read_events(self, limit: int) -> Effect:
        """Rows as of ``READ_EVENTS``."""

    def forget_events(self, ids: Collection[int]) -> Effect:
        """Nothing of use."""

    def read_changes(self, name: str, after: str) -> Effect:
        """The place to go on from, and rows: id, key, text, time."""

    def release(self, name: str, token: str) -> Effect:
        """A row with the end of the lease that was held, or none."""

    def wait(self, name: str, seconds: float) -> Effect | None:
        """Ends with the lease, or with the time, or now and then; None where nobody tells, so one has to look."""

"""The ``database`` store in SQLite over many sessions, the outbox and the feed."""

# S608: every name in braces is one of our tables or columns, or placeholders; values go by parameters.
# ruff: noqa: S608
from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from sessions_farm.declarations import OWNER
from sessions_farm.stores.base import NEVER
from sessions_farm.stores.sql import dialect
from sessions_farm.stores.sql.dialect import (
    CHANGE,
    CODE,
    EVENT,
    FEED_LENGTH,
    FEED_MS,
    HEADER_OF_S,
    LEASE,
    SESSION,
    TOMBSTONE,
    VARIABLE,
    term_of,
)

if TYPE_CHECKING:
    from sessions_farm.stores.effects.effects import Effect
    from sessions_farm.stores.sql.dialect import DialectOptions

CHUNK = 500  # parameters of one statement, which every build of SQLite takes
LIVE = f"""
s.expires_ms > %s AND s.ends_ms < {NEVER}
AND NOT EXISTS (SELECT 1 FROM {TOMBSTONE} t WHERE t.key_hash = s.key_hash)"""
SELECT_SESSIONS = f"SELECT s.id, s.key_hash, {HEADER_OF_S} FROM {SESSION} s"
WITH_TERM = f"s.id IN (SELECT session_id FROM {VARIABLE} WHERE name = %s AND term = %s)"
PUT_TOMBSTONE = f"""
INSERT INTO {TOMBSTONE} (key_hash, reason, at_ms, until_ms, grace_until_ms, final_variables)
VALUES (%s, %s, %s, %s, 0, '')
ON CONFLICT (key_hash) DO UPDATE SET grace_until_ms = 0, final_variables = '', successor = ''
"""
ADD_EVENT = f"INSERT INTO {EVENT} (kind, key_hash, at_ms, reason, other, shared) VALUES (%s, %s, %s, %s, %s, %s)"
ADD_CHANGE = f"INSERT INTO {CHANGE} (name, key_hash, text, at_ms, transaction_id) VALUES (%s, %s, %s, %s, 0)"
LAST_CHANGE = f"SELECT COALESCE(max(id), 0) FROM {CHANGE} WHERE name = %s"
READ_CHANGES = f"SELECT id, key_hash, text, at_ms FROM {CHANGE} WHERE name = %s AND id > %s ORDER BY id"
OVER_LIMIT = f"""
s.expires_ms > %s AND s.ends_ms < {NEVER}
AND NOT EXISTS (SELECT 1 FROM {VARIABLE} v WHERE v.session_id = s.id AND v.name = '{OWNER}')
ORDER BY s.seen_ms LIMIT %s"""
SWEEP = {
    "tombstones": (TOMBSTONE, "key_hash", "until_ms <= %s"),
    "codes": (CODE, "digest", "expires_ms <= %s"),
    "leases": (LEASE, "name", "until_ms <= %s"),
    "changes": (CHANGE, "id", f"at_ms <= %s - {FEED_MS}"),
}
CLEAR_FINAL_VARIABLES = f"""
UPDATE {TOMBSTONE} SET final_variables = '', successor = '' WHERE key_hash IN (
  SELECT key_hash FROM {TOMBSTONE} WHERE final_variables <> '' AND grace_until_ms <= %s LIMIT %s)
"""
TRIM_FEED = f"""
DELETE FROM {CHANGE} WHERE id IN (
  SELECT id FROM {CHANGE} WHERE name = %s ORDER BY id DESC LIMIT %s OFFSET {FEED_LENGTH})
"""


class SqliteQueries:
    """The part of SqliteDialect over many sessions."""

    _alias: str
    _options: DialectOptions

    def _transaction(self, work: Callable[..., Any], *given: Any, writes: bool = True) -> Effect:
        raise NotImplementedError

    def delete(self, key: str, reason: str, now: int) -> Effect:
        return self._transaction(self._delete, key, reason, now)

    def get_many(self, keys: Collection[str], now: int) -> Effect:
        return self._transaction(self._get_many, list(keys), now, writes=False)

    def find(self, values: Mapping[str, str], now: int, limit: int) -> Effect:
        conditions = " AND ".join([LIVE, *[WITH_TERM] * len(values)])
        terms = [part for name, text in values.items() for part in (name, term_of(text))]
        return self._transaction(self._found, f"{conditions} LIMIT %s", [now, *terms, limit], writes=False)

    def end_where(self, name: str, text: str, spare: str, reason: str, now: int) -> Effect:
        return self._transaction(self._end_where, [name, term_of(text), spare, now], reason, now)

    def sweep(self, kind: str, now: int, limit: int) -> Effect:
        if kind == "sessions":
            return self._transaction(self._sweep, now, limit)
        if kind == "feeds":
            return self._transaction(self._trim_feeds, limit)
        statement = CLEAR_FINAL_VARIABLES
        if kind != "final_variables":
            table, key, condition = SWEEP[kind]
            statement = f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {condition} LIMIT %s)"
        return self._transaction(lambda cursor: [(cursor.execute(statement, [now, limit]).rowcount,)])

    def evict_over_limit(self, now: int, limit: int) -> Effect:
        return self._transaction(self._evict_over_limit, now, limit)

    def read_events(self, limit: int) -> Effect:
        return self._transaction(
            lambda cursor: cursor.execute(dialect.READ_EVENTS, {"limit": limit}).fetchall(), writes=False
        )

    def forget_events(self, ids: Collection[int]) -> Effect:
        def work(cursor: Any) -> None:
            cursor.executemany(f"DELETE FROM {EVENT} WHERE id = %s", [(number,) for number in ids])

        return self._transaction(work)

    def read_changes(self, name: str, after: str) -> Effect:
        """Read a feed. Its places are ids: SQLite has one writer at a time, so ids are in the order of commits."""
        return self._transaction(self._read_changes, name, after, writes=False)

    def _delete(self, cursor: Any, key: str, reason: str, now: int) -> None:
        rows = self._sessions(cursor, "key_hash = %s", [key])
        if not rows or rows[0][2] < NEVER:
            cursor.execute(PUT_TOMBSTONE, [key, reason, now, now + self._options.tombstone_ttl_ms])
        self._end(cursor, rows, reason, now)

    def _get_many(self, cursor: Any, keys: list[str], now: int) -> list[Any]:
        found = []
        for start in range(0, len(keys), CHUNK):
            some = keys[start : start + CHUNK]
            found += self._found(cursor, f"{LIVE} AND s.key_hash IN ({placeholders(some)})", [now, *some])
        return found

    def _found(self, cursor: Any, conditions: str, parameters: list[Any]) -> list[Any]:
        rows = cursor.execute(f"{SELECT_SESSIONS} WHERE {conditions}", parameters).fetchall()
        return [(*row[1:], self._shared(cursor, row[0])) for row in rows]

    def _end_where(self, cursor: Any, given: list[Any], reason: str, now: int) -> list[Any]:
        rows = self._sessions(
            cursor, f"{WITH_TERM} AND s.key_hash <> %s AND s.expires_ms > %s AND s.ends_ms < {NEVER}", given
        )
        until = now + self._options.tombstone_ttl_ms
        cursor.executemany(PUT_TOMBSTONE, [(key, reason, now, until) for _, key, _ in rows])
        return self._end(cursor, rows, reason, now)

    def _sweep(self, cursor: Any, now: int, limit: int) -> list[Any]:
        due = cursor.execute(
            f"SELECT id, key_hash, ends_ms, expires_ms FROM {SESSION} WHERE due_ms <= %s ORDER BY due_ms LIMIT %s",
            [now, limit],
        ).fetchall()
        later = [(expires, session_id) for session_id, _, _, expires in due if expires > now]
        cursor.executemany(f"UPDATE {SESSION} SET due_ms = %s WHERE id = %s", later)
        gone = self._end(cursor, [row[:3] for row in due if row[3] <= now], "expired", now)
        return gone + [("",)] * len(later)

    def _evict_over_limit(self, cursor: Any, now: int, limit: int) -> list[Any]:
        live = cursor.execute(dialect.COUNT, {"now": now, "never": NEVER}).fetchone()[0]
        excess = min(live - self._options.max_live, limit)
        if excess <= 0:
            return []
        return self._end(cursor, self._sessions(cursor, OVER_LIMIT, [now, excess]), "evicted", now)

    def _trim_feeds(self, cursor: Any, limit: int) -> list[Any]:
        return [(sum(cursor.execute(TRIM_FEED, [name, limit]).rowcount for name in self._options.shared),)]

    @staticmethod
    def _read_changes(cursor: Any, name: str, after: str) -> tuple[str, list[Any]]:
        if not after:
            return str(cursor.execute(LAST_CHANGE, [name]).fetchone()[0]), []
        rows = cursor.execute(READ_CHANGES, [name, int(after)]).fetchall()
        return str(rows[-1][0]) if rows else after, rows

    @staticmethod
    def _sessions(cursor: Any, conditions: str, parameters: list[Any]) -> list[Any]:
        """Return id, key and absolute end of each."""
        rows: list[Any] = cursor.execute(
            f"SELECT s.id, s.key_hash, s.ends_ms FROM {SESSION} s WHERE {conditions}", parameters
        ).fetchall()
        return rows

    def _end(self, cursor: Any, rows: list[Any], reason: str, now: int) -> list[Any]:
        """Remove sessions, and add their events. The foreign key removes their variables."""
        for session_id, key, ends in rows:
            if self._options.events and ends < NEVER:
                add_event(cursor, "ended", key, now, reason, shared=self._shared(cursor, session_id) or "{}")
        cursor.executemany(f"DELETE FROM {SESSION} WHERE id = %s", [row[:1] for row in rows])
        return [(key,) for _, key, _ in rows]

    def _shared(self, cursor: Any, session_id: int) -> str:
        """Return the shared variables as JSON."""
        names = self._options.shared
        statement = f"SELECT name, value FROM {VARIABLE} WHERE session_id = %s AND name IN ({placeholders(names)})"
        return json.dumps(dict(cursor.execute(statement, [session_id, *names]).fetchall())) if names else "{}"


def add_event(
    cursor: Any, kind: str, key: str, now: int, reason: str = "", other: str = "", shared: str = "{}"
) -> None:
    """Add an event to the outbox."""
    cursor.execute(ADD_EVENT, [kind, key, now, reason, other, shared])


def add_change(cursor: Any, name: str, key: str, text: str | None, now: int) -> None:
    """Add a change to the feed of its variable."""
    cursor.execute(ADD_CHANGE, [name, key, text, now])


def placeholders(values: Collection[object]) -> str:
    """Return a placeholder for each value."""
    return ", ".join(["%s"] * len(values))

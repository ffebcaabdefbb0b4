"""The ``database`` store in SQLite, where a statement costs no round trip: several small ones in one transaction."""

# S608: every name in braces is one of our tables or columns, or placeholders; values go by parameters.
# ruff: noqa: S608
from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, connections, transaction

from sessions_farm.stores.base import (
    IDEMPOTENCY_KEYS_KEPT,
    NEVER,
    Change,
    Header,
    Increment,
    Operation,
    StoreRefusedError,
)
from sessions_farm.stores.effects.round_trips import current
from sessions_farm.stores.sql import dialect
from sessions_farm.stores.sql.dialect import (
    HEADER,
    HEADER_OF_S,
    LEASE,
    SESSION,
    TOMBSTONE,
    VARIABLE,
    DialectOptions,
    Refusal,
    term_of,
    unavailable,
)
from sessions_farm.stores.sql.followers import followers
from sessions_farm.stores.sql.sqlite.queries import SqliteQueries, add_change, add_event, placeholders

LOAD = f"""
SELECT t.grace_until_ms, t.final_variables, {HEADER_OF_S}, v.name, v.value, t.successor
FROM (SELECT %s AS key_hash) k
LEFT JOIN {TOMBSTONE} t ON t.key_hash = k.key_hash
LEFT JOIN {SESSION} s ON s.key_hash = k.key_hash
LEFT JOIN {VARIABLE} v ON v.session_id = s.id
"""
# Optimistic concurrency: a write that came first has raised the version, and has touched the session itself.
TOUCH = f"UPDATE {SESSION} SET seen_ms = %s, expires_ms = %s WHERE key_hash = %s AND version = %s"
LIVE = f"""
SELECT id, idempotency_keys, due_ms, {HEADER} FROM {SESSION} WHERE key_hash = %s AND expires_ms > %s
AND NOT EXISTS (SELECT 1 FROM {TOMBSTONE} t WHERE t.key_hash = {SESSION}.key_hash)
"""
CREATE = f"""
INSERT INTO {SESSION} (key_hash, {HEADER}, due_ms, idempotency_keys)
SELECT %s, %s, %s, %s, %s, %s, %s, %s, '' WHERE NOT EXISTS (SELECT 1 FROM {TOMBSTONE} WHERE key_hash = %s)
ON CONFLICT (key_hash) DO NOTHING RETURNING id
"""
WRITE = f"""
UPDATE {SESSION} SET key_hash = %s, seen_ms = %s, idle_ms = %s, expires_ms = %s, ends_ms = %s, version = %s,
  due_ms = %s, idempotency_keys = %s WHERE id = %s
"""
PUT = f"""
INSERT INTO {VARIABLE} (session_id, name, value, term) VALUES (%s, %s, %s, %s)
ON CONFLICT (session_id, name) DO UPDATE SET value = excluded.value, term = excluded.term
"""
READ = f"SELECT name, value FROM {VARIABLE} WHERE session_id = %s"
HELD = f"SELECT 1 FROM {LEASE} WHERE name = %s AND token = %s AND until_ms > %s"
TAKEN = f"SELECT 1 FROM {SESSION} WHERE key_hash = %s UNION ALL SELECT 1 FROM {TOMBSTONE} WHERE key_hash = %s"
LEAVE_TOMBSTONE = f"""
INSERT INTO {TOMBSTONE} (key_hash, reason, at_ms, until_ms, grace_until_ms, final_variables, successor)
VALUES (%s, 'rotated', %s, %s, %s, %s, %s)
"""


# SQLite refuses to let a reader become a writer when another has written meanwhile, so a transaction begins as writer.
PRIMARY = 0xFF  # of an extended result code
WRITE_NOTHING = f"DELETE FROM {LEASE} WHERE 1 = 0"


@dataclass(frozen=True, slots=True)
class Transaction:
    """Work with a cursor, in a transaction if it writes. An event loop gives it to Django's database thread."""

    alias: str
    work: Callable[[Any], Any]
    writes: bool = True

    def run_sync(self) -> Any:
        current.get().trips += 1
        connection = connections[self.alias]
        in_application = connection.in_atomic_block
        try:
            if not self.writes:
                with connection.cursor() as cursor:
                    return self.work(cursor)
            with transaction.atomic(using=self.alias), connection.cursor() as cursor:
                cursor.execute(WRITE_NOTHING)
                return self.work(cursor)
        except (OperationalError, InterfaceError) as error:
            if in_application and is_locked(error):
                raise
            raise unavailable(error) from error

    async def run_async(self) -> Any:
        return await sync_to_async(self.run_sync)()


def is_locked(error: Exception) -> bool:
    """Return whether another transaction was in the way: the end of the application's transaction, not of SQLite."""
    code = getattr(error.__cause__, "sqlite_errorcode", 0) & PRIMARY
    return code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


class SqliteDialect(SqliteQueries):
    """The part of one session; the base class has the rest."""

    clock = "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"

    def __init__(self, alias: str, options: DialectOptions) -> None:
        self._alias = alias
        self._options = options

    def load(self, key: str, now: int, *, touches: bool) -> Transaction:
        work = self._load_and_touch if touches else self._load
        return self._transaction(work, key, now, writes=False)

    def create(
        self, key: str, variables: Mapping[str, str], header: tuple[int, ...], now: int, *, over: bool
    ) -> Transaction:
        def work(cursor: Any) -> list[Any]:
            if over:
                self._make_room(cursor, key, now)
            return self._create(cursor, key, variables, Header(*header), now)

        return self._transaction(work)

    def apply(self, key: str, change: Change, now: int) -> Transaction:
        return self._transaction(self._write, key, key, change, now)

    def rotate(
        self, old: str, new: str, change: Change, now: int, grace: int, successor: str, *, over: bool
    ) -> Transaction:
        def work(cursor: Any) -> list[Any]:
            if over:
                self._make_room(cursor, new, now)
            return self._rotate(cursor, old, new, change, now, (now + grace, successor))

        return self._transaction(work)

    def modify(self, key: str, operation: Operation, now: int, idempotency_key: str) -> Transaction:
        return self._transaction(self._modify, key, operation, now, idempotency_key)

    def touch(self, key: str, now: int) -> Transaction:
        return self._transaction(self._touch, key, now)

    def refusal(self, key: str, new: str, change: Change, names: Collection[str], now: int) -> Transaction:
        return self._transaction(self._refusal, key, new, change.holder, names, now, writes=False)

    def release(self, name: str, token: str) -> Transaction:
        return self.execute(dialect.RELEASE, name=name, token=token)

    def wait(self, name: str, seconds: float) -> None:
        """Answer None: SQLite has no notifications."""
        return

    def execute(self, statement: str, **given: Any) -> Transaction:
        writes = not statement.startswith("SELECT")
        return self._transaction(lambda cursor: cursor.execute(statement, given).fetchall(), writes=writes)

    def _transaction(self, work: Callable[..., Any], *given: Any, writes: bool = True) -> Transaction:
        return Transaction(self._alias, lambda cursor: work(cursor, *given), writes)

    def _load(self, cursor: Any, key: str, _now: int) -> list[Any]:
        rows: list[Any] = cursor.execute(LOAD, [key]).fetchall()
        return rows

    def _load_and_touch(self, cursor: Any, key: str, now: int) -> list[Any]:
        rows = self._load(cursor, key, now)
        grace_until, _, *header = rows[0][:8]
        if grace_until is None and header[0] is not None:
            found = Header(*header)
            if found.is_live(now) and found.is_due(now):
                touched = found.touched(now)
                cursor.execute(TOUCH, [touched.seen, touched.expires, key, touched.version])
        return rows

    def _create(self, cursor: Any, key: str, variables: Mapping[str, str], header: Header, now: int) -> list[Any]:
        numbers = numbers_of(header)
        row = cursor.execute(CREATE, [key, *numbers, header.expires, key]).fetchone()
        if row is None:
            return []
        if self._options.events and header.ends < NEVER:
            add_event(cursor, "started", key, now)
        self._write_variables(cursor, row[0], key, Change(put=variables), header, now)
        return [(key, *numbers)]

    def _make_room(self, cursor: Any, key: str, now: int) -> None:
        """End an expired session under a key before the sweeper does."""
        self._end(cursor, self._sessions(cursor, "key_hash = %s AND expires_ms <= %s", [key, now]), "expired", now)

    def _write(self, cursor: Any, old: str, new: str, change: Change, now: int) -> list[Any]:
        row = cursor.execute(LIVE, [old, now]).fetchone()
        if row is None or not self._may_write(cursor, old, new, change, row[1], now):
            return []
        session_id, known, due, *numbers = row
        try:
            sums = self._sums(cursor, session_id, change.add) if change.add else {}
        except TypeError:
            return []
        header = Header(*numbers).written(change.lifetime, now)
        self._write_variables(cursor, session_id, new, change, header, now, sums)
        numbers, key = numbers_of(header), change.idempotency_key
        known = " ".join([key, *known.split()][:IDEMPOTENCY_KEYS_KEPT]) if key else known
        cursor.execute(WRITE, [new, *numbers[1:], min(due, header.expires), known, session_id])
        return [(new, *numbers)]

    @staticmethod
    def _may_write(cursor: Any, old: str, new: str, change: Change, known: str, now: int) -> bool:
        """Return False for a retry (the idempotency key deduplicates), a lost lease, or a new key that is taken."""
        if change.idempotency_key and change.idempotency_key in known.split():
            return False
        if change.holder and not cursor.execute(HELD, [old, change.holder, now]).fetchone():
            return False
        return old == new or not cursor.execute(TAKEN, [new, new]).fetchone()

    def _rotate(self, cursor: Any, old: str, new: str, change: Change, now: int, grace: tuple[int, str]) -> list[Any]:
        """Answer the row. ``grace`` is its end, and the successor that can be followed until then."""
        row = cursor.execute(LIVE, [old, now]).fetchone()
        final_variables = dict(cursor.execute(READ, [row[0]]).fetchall()) if row else {}
        rows = self._write(cursor, old, new, change, now)
        if rows:
            until = now + self._options.tombstone_ttl_ms
            grace_until, successor = grace
            given = [old, now, until, grace_until, json.dumps(final_variables), successor]
            cursor.execute(LEAVE_TOMBSTONE, given)
            for table in followers():
                if table.alias == self._alias:
                    cursor.execute(table.copy("%s", "%s"), [new, old])
            if self._options.events and row[7] < NEVER:
                add_event(cursor, "rotated", old, now, other=new)
        return rows

    def _modify(self, cursor: Any, key: str, operation: Operation, now: int, idempotency_key: str) -> list[Any]:
        row = cursor.execute(LIVE, [key, now]).fetchone()
        if row is None:
            return []
        current = cursor.execute(f"{READ} AND name = %s", [row[0], operation.name]).fetchone()
        try:
            text = operation.on(current[1] if current else None)
        except (TypeError, StoreRefusedError):
            return []
        change = Change(drop=[operation.name], idempotency_key=idempotency_key)
        if text is not None:
            change = Change(put={operation.name: text}, idempotency_key=idempotency_key)
        return [(*written, text) for written in self._write(cursor, key, key, change, now)]

    def _touch(self, cursor: Any, key: str, now: int) -> list[Any]:
        row = cursor.execute(LIVE, [key, now]).fetchone()
        if row is None:
            return []
        touched = Header(*row[3:]).touched(now)
        cursor.execute(TOUCH, [touched.seen, touched.expires, key, touched.version])
        return [(key,)]

    def _refusal(
        self, cursor: Any, key: str, new: str, holder: str, names: Collection[str], now: int
    ) -> Refusal:  # fmt: skip
        has_ended = cursor.execute(f"SELECT 1 FROM {TOMBSTONE} WHERE key_hash = %s", [key]).fetchone() is not None
        new_has_ended = cursor.execute(f"SELECT 1 FROM {TOMBSTONE} WHERE key_hash = %s", [new]).fetchone() is not None
        there = cursor.execute(f"SELECT expires_ms FROM {SESSION} WHERE key_hash = %s", [new]).fetchone()
        new_expires = there[0] if there else None
        is_held = cursor.execute(HELD, [key, holder, now]).fetchone() is not None
        row = cursor.execute(LIVE, [key, now]).fetchone()
        if row is None:
            return Refusal(has_ended, new_has_ended, new_expires, is_held, None, (), {})
        texts = dict(cursor.execute(f"{READ} AND name IN ({placeholders(names)})", [row[0], *names]).fetchall())
        return Refusal(has_ended, new_has_ended, new_expires, is_held, tuple(row[3:]), tuple(row[1].split()), texts)

    @staticmethod
    def _sums(cursor: Any, session_id: int, add: Mapping[str, int]) -> dict[str, str]:
        current = dict(cursor.execute(f"{READ} AND name IN ({placeholders(add)})", [session_id, *add]).fetchall())
        return {name: Increment(name, by).on(current.get(name)) or "" for name, by in add.items()}

    def _term(self, name: str, text: str) -> str | None:
        return term_of(text) if name in self._options.indexed else None

    def _write_variables(
        self, cursor: Any, session_id: int, key: str, change: Change, header: Header, now: int,
        sums: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Write the variables, and feed the changes of shared ones."""
        put = {**change.put, **(sums or {})}
        before = dict(cursor.execute(READ, [session_id]).fetchall()) if self._options.shared or change.replace else {}
        drop = sorted(before.keys() - put.keys()) if change.replace else list(change.drop)
        if drop:
            self._drop(cursor, session_id, drop)
        if put:
            cursor.executemany(PUT, [(session_id, name, text, self._term(name, text)) for name, text in put.items()])
        if self._options.shared and header.ends < NEVER:
            self._feed(cursor, key, before, before | dict.fromkeys(drop) | put, now)

    @staticmethod
    def _drop(cursor: Any, session_id: int, names: Collection[str]) -> None:
        statement = f"DELETE FROM {VARIABLE} WHERE session_id = %s AND name IN ({placeholders(names)})"
        cursor.execute(statement, [session_id, *names])

    def _feed(
        self, cursor: Any, key: str, before: Mapping[str, str], after: Mapping[str, str | None], now: int
    ) -> None:
        """Write a change of each shared variable whose text is another one, None where it was dropped."""
        for name in self._options.shared:
            if after.get(name) != before.get(name):
                add_change(cursor, name, key, after.get(name), now)


def numbers_of(header: Header) -> tuple[int, ...]:
    """Return the columns of HEADER."""
    return (header.created, header.seen, header.idle, header.expires, header.ends, header.version)

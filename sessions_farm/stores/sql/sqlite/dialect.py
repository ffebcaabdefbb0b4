"""The ``database`` store's steps where a statement costs no trip (SQLite): several small ones in one transaction."""

# S608: every name in braces is one of our tables or columns, or a row of marks; what is given goes by parameters.
# ruff: noqa: S608
from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from sessions_farm.stores.base import (
    IDEMPOTENCY_KEYS_KEPT,
    NEVER,
    Change,
    Header,
    Increment,
    Operation,
    StoreRefusedError,
)
from sessions_farm.stores.sql import dialect
from sessions_farm.stores.sql.dialect import (
    HEADER,
    HEADER_OF_S,
    LEASE,
    SESSION,
    TOMBSTONE,
    VARIABLE,
    VISITOR_KEY,
    Known,
    Refusal,
)
from sessions_farm.stores.sql.effects import Together
from sessions_farm.stores.sql.sqlite.many import Many, marks, tell_change, tell_event

LOAD = f"""
SELECT t.grace_until_ms, t.final_variables, {HEADER_OF_S}, v.name, v.value
FROM (SELECT %s AS key_hash) k
LEFT JOIN {TOMBSTONE} t ON t.key_hash = k.key_hash
LEFT JOIN {SESSION} s ON s.key_hash = k.key_hash
LEFT JOIN {VARIABLE} v ON v.session_id = s.id
"""
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
CARRY = f"""
INSERT INTO {VISITOR_KEY} (key_hash, visitor_id, created_at)
SELECT %s, visitor_id, created_at FROM {VISITOR_KEY} WHERE key_hash = %s ON CONFLICT (key_hash) DO NOTHING
"""
ENTOMB = f"""
INSERT INTO {TOMBSTONE} (key_hash, reason, at_ms, until_ms, grace_until_ms, final_variables)
VALUES (%s, 'rotated', %s, %s, %s, %s)
"""


class Stepwise(Many):
    def __init__(self, alias: str, known: Known) -> None:
        self._alias = alias
        self._known = known

    def load(self, key: str, now: int) -> Together:
        return self._together(self._load, key, now, writes=False)

    def create(
        self, key: str, variables: Mapping[str, str], header: tuple[int, ...], now: int, *, over: bool
    ) -> Together:
        def work(cursor: Any) -> list[Any]:
            if over:
                self._make_room(cursor, key, now)
            return self._create(cursor, key, variables, Header(*header), now)

        return self._together(work)

    def apply(self, key: str, change: Change, now: int) -> Together:
        return self._together(self._write, key, key, change, now)

    def rotate(self, old: str, new: str, change: Change, now: int, grace: int, *, over: bool) -> Together:
        def work(cursor: Any) -> list[Any]:
            if over:
                self._make_room(cursor, new, now)
            return self._rotate(cursor, old, new, change, now, grace)

        return self._together(work)

    def modify(self, key: str, operation: Operation, now: int, idempotency_key: str) -> Together:
        return self._together(self._modify, key, operation, now, idempotency_key)

    def touch(self, key: str, now: int) -> Together:
        return self._together(self._touch, key, now)

    def refusal(self, key: str, new: str, change: Change, names: Collection[str], now: int) -> Together:
        return self._together(self._refusal, key, new, change.holder, names, now, writes=False)

    def release(self, name: str, token: str) -> Together:
        return self.ask(dialect.RELEASE, name=name, token=token)

    def wait(self, name: str, seconds: float) -> None:
        """Nobody tells us."""
        return

    def ask(self, statement: str, **given: Any) -> Together:
        writes = not statement.startswith("SELECT")
        return self._together(lambda cursor: cursor.execute(statement, given).fetchall(), writes=writes)

    def _together(self, work: Callable[..., Any], *given: Any, writes: bool = True) -> Together:
        return Together(self._alias, lambda cursor: work(cursor, *given), writes)

    def _load(self, cursor: Any, key: str, now: int) -> list[Any]:
        rows: list[Any] = cursor.execute(LOAD, [key]).fetchall()
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
        if self._known.events and header.ends < NEVER:
            tell_event(cursor, "started", key, now)
        self._settle(cursor, row[0], key, Change(put=variables), header, now)
        return [(key, *numbers)]

    def _make_room(self, cursor: Any, key: str, now: int) -> None:
        """End what has expired under a key and was not swept yet."""
        self._end(cursor, self._sessions(cursor, "key_hash = %s AND expires_ms <= %s", [key, now]), "expired", now)

    def _write(self, cursor: Any, old: str, new: str, change: Change, now: int) -> list[Any]:
        row = cursor.execute(LIVE, [old, now]).fetchone()
        if row is None or (change.idempotency_key and change.idempotency_key in row[1].split()):
            return []
        if change.holder and not cursor.execute(HELD, [old, change.holder, now]).fetchone():
            return []
        if old != new and cursor.execute(TAKEN, [new, new]).fetchone():
            return []
        session_id, known, due, *numbers = row
        try:
            sums = self._sums(cursor, session_id, change.add)
        except TypeError:
            return []
        header = Header(*numbers).written(change.lifetime, now)
        self._settle(cursor, session_id, new, change, header, now, sums)
        return [
            self._store(
                cursor,
                session_id,
                new,
                header,
                min(due, header.expires),
                remembered(known, change.idempotency_key),
            )
        ]

    def _rotate(self, cursor: Any, old: str, new: str, change: Change, now: int, grace: int) -> list[Any]:
        row = cursor.execute(LIVE, [old, now]).fetchone()
        final_variables = dict(cursor.execute(READ, [row[0]]).fetchall()) if row else {}
        rows = self._write(cursor, old, new, change, now)
        if rows:
            grave = [old, now, now + self._known.grave_ms, now + grace, json.dumps(final_variables)]
            cursor.execute(ENTOMB, grave)
            cursor.execute(CARRY, [new, old])
            if self._known.events and row[7] < NEVER:
                tell_event(cursor, "rotated", old, now, other=new)
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
        texts = dict(cursor.execute(f"{READ} AND name IN ({marks(names)})", [row[0], *names]).fetchall())
        return Refusal(has_ended, new_has_ended, new_expires, is_held, tuple(row[3:]), tuple(row[1].split()), texts)

    @staticmethod
    def _sums(cursor: Any, session_id: int, add: Mapping[str, int]) -> dict[str, str]:
        current = dict(cursor.execute(f"{READ} AND name IN ({marks(add)})", [session_id, *add]).fetchall())
        return {name: Increment(name, by).on(current.get(name)) or "" for name, by in add.items()}

    def _settle(
        self, cursor: Any, session_id: int, key: str, change: Change, header: Header, now: int,
        sums: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Write the variables, and tell of the shared ones that changed."""
        put = {**change.put, **(sums or {})}
        before = dict(cursor.execute(READ, [session_id]).fetchall()) if self._known.shared or change.replace else {}
        drop = [name for name in before if name not in put] if change.replace else list(change.drop)
        if drop:
            cursor.execute(
                f"DELETE FROM {VARIABLE} WHERE session_id = %s AND name IN ({marks(drop)})", [session_id, *drop]
            )
        if put:
            term = self._known.term
            cursor.executemany(PUT, [(session_id, name, text, term(name, text)) for name, text in put.items()])
        for name in self._known.shared if header.ends < NEVER else ():
            after = put.get(name, None if name in drop else before.get(name))
            if after != before.get(name):
                tell_change(cursor, name, key, after, now)

    @staticmethod
    def _store(cursor: Any, session_id: int, key: str, header: Header, due: int, known: str) -> tuple[Any, ...]:
        numbers = numbers_of(header)
        cursor.execute(WRITE, [key, *numbers[1:], due, known, session_id])
        return (key, *numbers)


def numbers_of(header: Header) -> tuple[int, ...]:
    return (header.created, header.seen, header.idle, header.expires, header.ends, header.version)


def remembered(known: str, idempotency_key: str) -> str:
    return " ".join([idempotency_key, *known.split()][:IDEMPOTENCY_KEYS_KEPT]) if idempotency_key else known

"""Sessions in SQL: a header row, one row for each variable, a row for each key that ended.

PostgreSQL: a load that slides the time-out is one trip, and so is each write, a rotation too. A write locks its header
first, so two writers of one session take turns and a deletion waits for them or they for it; what came too late finds
no header.
SQLite: the same steps in one transaction (there are no trips to save there).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import InterfaceError, OperationalError, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from sessions_farm.conf import Options
from sessions_farm.models import Session
from sessions_farm.stores import sql, trips
from sessions_farm.stores.base import (
    Change,
    Ended,
    Header,
    Lifetime,
    Missing,
    Operation,
    Reading,
    State,
    StoreUnavailable,
    Taken,
    now_ms,
)


class DatabaseStore:
    def __init__(self, options: Options) -> None:
        self._grave_ms = options.cookie_age * 1000

    @property
    def alias(self) -> str:
        return router.db_for_write(Session)

    @property
    def connection(self) -> BaseDatabaseWrapper:
        return connections[self.alias]

    def create(self, key: str, variables: Mapping[str, str], lifetime: Lifetime, now: int) -> Header:
        header = Header.fresh(lifetime, now)
        head = [key, now, now, header.idle, header.expires, header.ends, key]
        with self._guarded():
            row = self._write(sql.CREATE, head, Change(put=variables))
            if row is None and not self._ended(key):
                # What has expired but was not swept yet makes room.
                self._execute(sql.REMOVE_EXPIRED, [key, now])
                row = self._write(sql.CREATE, head, Change(put=variables))
            if row is None:
                raise Ended(key) if self._ended(key) else Taken(key)
        return Header(*row[1:])

    def load(self, key: str, now: int) -> Reading:
        with self._guarded():
            touching = [now, now, key, now, now, key]
            rows = self._rows(sql.LOAD_AND_TOUCH, touching) if self._one_trip else self._rows(sql.LOAD, [key])
            grace_until, last_words, *header = rows[0][:8]
            if grace_until is not None:
                if now < grace_until:
                    return Reading(State.ENDED, json.loads(last_words), in_grace=True)
                return Reading(State.ENDED)
            if header[0] is None or now >= header[3]:
                return Reading(State.ABSENT)
            found = Header(*header)
            if found.is_due(now):
                found = found.touched(now) if self._one_trip else self._touch(key, found, now)
        return Reading(State.LIVE, {row[8]: row[9] for row in rows if row[8] is not None}, found)

    def apply(self, key: str, change: Change, now: int) -> Header:
        with self._guarded():
            row = self._write(sql.APPLY, head_of(key, key, change, now), change)
            if row is None:
                raise self._why_not(key)
        return Header(*row[1:])

    def modify(self, key: str, operation: Operation, now: int) -> str | None:
        return self.modify_with_header(key, operation, now)[0]

    def modify_with_header(self, key: str, operation: Operation, now: int) -> tuple[str | None, Header]:
        """The variable's new text and the header it was written under."""
        with self._guarded(), self._atomic():
            row = self._row(sql.APPLY, head_of(key, key, Change(), now))
            if row is None:
                raise self._why_not(key)
            current = self._row(sql.READ_ONE, [row[0], operation.name])
            text = operation.on(current[0] if current else None)
            if text is None:
                self._drop(row[0], [operation.name])
            else:
                self._execute(sql.PUT_ONE, [row[0], operation.name, text])
        return text, Header(*row[1:])

    def touch(self, key: str, now: int) -> bool:
        with self._guarded():
            return self._execute(sql.TOUCH_LIVE, [now, now, now, key, now, key]) > 0

    def rotate(self, old: str, new: str, change: Change, now: int, grace: int) -> Header:
        head, tomb = head_of(old, new, change, now), [old, now, now + self._grave_ms, now + grace]
        with self._guarded():
            if self._one_trip:
                statement = sql.ROTATE.format(head=sql.APPLY)
                row = self._locked_row(old, statement, [*head, *arrays_of(change), *tomb])
            else:
                row = self._rotate_in_steps(head, tomb, change)
            if row is None:
                raise self._why_not(old)
        return Header(*row[1:])

    def _rotate_in_steps(self, head: list[Any], tomb: list[Any], change: Change) -> Sequence[Any] | None:
        with self._atomic():
            row = self._row(sql.APPLY, head)
            if row is not None:
                last_words = json.dumps(dict(self._rows(sql.READ_ALL, [row[0]])))
                self._execute(sql.ENTOMB, [*tomb, last_words])
                self._change_variables(row[0], change)
        return row

    def delete(self, key: str, reason: str, now: int) -> None:
        tomb = [key, reason, now, now + self._grave_ms]
        with self._guarded():
            if self.connection.vendor == "postgresql":
                self._execute(sql.BURY_AND_REMOVE, [*tomb, key])
            else:
                with self._atomic():
                    self._execute(sql.BURY, tomb)
                    self._execute(sql.REMOVE, [key])

    def sweep(self, now: int, limit: int) -> int:
        kinds = (
            (sql.SESSION, "id", "expires_ms <= %s"),
            (sql.TOMBSTONE, "key_hash", "until_ms <= %s"),
            (sql.CODE, "digest", "expires_ms <= %s"),
        )
        with self._guarded():
            self._execute(
                f"UPDATE {sql.TOMBSTONE} SET last_words = '' WHERE last_words <> '' AND grace_until_ms <= %s",  # noqa: S608
                [now],
            )
            return max(self._execute(sql.batch(self.connection, *kind), [now, limit]) for kind in kinds)

    def put_code(self, digest: str, payload: str, ttl: float) -> None:
        with self._guarded():
            if not self._row(sql.PUT_CODE, [digest, payload, now_ms() + int(ttl * 1000)]):
                raise Taken(digest)

    def take_code(self, digest: str) -> str | None:
        with self._guarded():
            row = self._row(sql.TAKE_CODE, [digest])
        return row[0] if row and now_ms() < row[1] else None

    def _touch(self, key: str, found: Header, now: int) -> Header:
        touched = found.touched(now)
        self._execute(sql.TOUCH, [touched.seen, touched.expires, key, found.version])
        return touched

    def _write(self, head: str, parameters: Sequence[Any], change: Change) -> Sequence[Any] | None:
        """Write a header and, where there was one to write, its variables."""
        postgresql = self.connection.vendor == "postgresql"
        if postgresql and not change.drop and not change.replace:
            return self._row(sql.WITH_PUTS.format(head=head), [*parameters, *arrays_of(change)[:2]])
        if self._one_trip:
            statement = sql.WITH_CHANGES.format(head=head)
            return self._locked_row(parameters[KEY_OF_HEAD], statement, [*parameters, *arrays_of(change)])
        with self._atomic():
            row = self._row(head, parameters)
            if row is not None:
                self._change_variables(row[0], change)
        return row

    def _change_variables(self, session_id: int, change: Change) -> None:
        if change.replace:
            self._execute(f"DELETE FROM {sql.VARIABLE} WHERE session_id = %s", [session_id])  # noqa: S608 -- our table
        elif change.drop:
            self._drop(session_id, change.drop)
        if change.put:
            with self.connection.cursor() as cursor:
                trips.count(len(change.put))
                cursor.executemany(sql.PUT_ONE, [(session_id, name, text) for name, text in change.put.items()])

    def _drop(self, session_id: int, names: Any) -> None:
        marks = ", ".join(["%s"] * len(names))
        statement = f"DELETE FROM {sql.VARIABLE} WHERE session_id = %s AND name IN ({marks})"  # noqa: S608 -- marks only
        self._execute(statement, [session_id, *names])

    def _ended(self, key: str) -> bool:
        return self._row(f"SELECT 1 FROM {sql.TOMBSTONE} WHERE key_hash = %s", [key]) is not None  # noqa: S608 -- our table

    def _why_not(self, key: str) -> Ended | Missing:
        return Ended(key) if self._ended(key) else Missing(key)

    def _row(self, statement: str, parameters: Sequence[Any]) -> Sequence[Any] | None:
        rows = self._rows(statement, parameters)
        return rows[0] if rows else None

    @property
    def _one_trip(self) -> bool:
        """Whether several statements can go in one message, as PostgreSQL's simple protocol has it."""
        connection = self.connection
        return connection.vendor == "postgresql" and not connection.settings_dict["OPTIONS"].get("server_side_binding")

    def _locked_row(self, key: str, statement: str, parameters: Sequence[Any]) -> Sequence[Any] | None:
        """One statement under the header's lock, all in one trip and one transaction."""
        trips.count()
        with self.connection.cursor() as cursor:
            cursor.execute(f"{sql.LOCK}; {statement}", [key, *parameters])
            cursor.nextset()
            row: Sequence[Any] | None = cursor.fetchone()
        return row

    def _rows(self, statement: str, parameters: Sequence[Any]) -> list[Any]:
        trips.count()
        with self.connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            rows: list[Any] = cursor.fetchall()
        return rows

    def _execute(self, statement: str, parameters: Sequence[Any]) -> int:
        trips.count()
        with self.connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            changed: int = cursor.rowcount
        return changed

    @contextmanager
    def _atomic(self) -> Iterator[None]:
        trips.count(2 if not self.connection.in_atomic_block else 0)
        with transaction.atomic(using=self.alias):
            yield

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, InterfaceError) as error:
            raise StoreUnavailable(f"The database does not answer: {error}") from error


def arrays_of(change: Change) -> list[Any]:
    """Names and texts to put, names to drop, whether to replace, names to keep then: as ``sql.WITH_CHANGES`` asks."""
    names = list(change.put.keys())
    return [names, list(change.put.values()), list(change.drop), change.replace, names]


KEY_OF_HEAD = 10  # where head_of has the key that the session stands under now


def head_of(old: str, new: str, change: Change, now: int) -> list[Any]:
    """The parameters of ``sql.APPLY``; the key changes where ``new`` is another than ``old``."""
    idle, ends = (change.lifetime.idle, change.lifetime.ends) if change.lifetime else (None, None)
    return [now, idle, ends, now, idle, ends, now, idle, ends, new, old, now, old, new]

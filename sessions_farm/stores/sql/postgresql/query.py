"""Queries to PostgreSQL: by Django's own connection in a thread, by an asynchronous pool in an event loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db import InterfaceError, InternalError, OperationalError, connections
from psycopg import ClientCursor, Cursor
from psycopg.errors import (
    DeadlockDetected,
    LockNotAvailable,
    QueryCanceled,
    ReadOnlySqlTransaction,
    SerializationFailure,
)

from sessions_farm.stores.effects.round_trips import current
from sessions_farm.stores.sql.dialect import unavailable
from sessions_farm.stores.sql.poolers import is_behind_pooler
from sessions_farm.stores.sql.postgresql.async_pool import pool_of

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

type Rows = list[Any]

TRIES = 10  # of a query whose transaction lost against another one
CONFLICTS = (SerializationFailure, DeadlockDetected)
# The server is well, and has ended the transaction that the query stands in.
OF_A_TRANSACTION = (*CONFLICTS, LockNotAvailable, QueryCanceled)


@dataclass(frozen=True, slots=True)
class Query:
    """Statements sent in one message: one round trip and one transaction. Its answer: the rows of the last, parsed.

    In a thread they take part in the transaction that Django has open there, and what ends it is raised as Django
    raises it: the application can make its transaction again. An event loop has none, for Django's transactions belong
    to threads. A transaction of their own is made again here after a conflict.
    """

    alias: str
    statements: tuple[str, ...]
    parameters: Mapping[str, Any]
    parse: Callable[[Rows], Any] = list
    is_frequent: bool = False  # a single statement whose plan is worth keeping
    when_read_only: str = ""  # stands in for a single statement where the database takes no writes now

    def run_sync(self) -> Any:
        connection, left = connections[self.alias], TRIES
        while True:
            left -= 1
            current.get().trips += 1
            try:
                return self.parse(self._rows(connection))
            except (OperationalError, InterfaceError) as error:
                if self._may_only_read(error):
                    return self._reading_only.run_sync()
                if connection.in_atomic_block and isinstance(error.__cause__, OF_A_TRANSACTION):
                    raise
                self._require_another_try(error, left, is_own=not connection.in_atomic_block)

    async def run_async(self) -> Any:
        left = TRIES
        while True:
            left -= 1
            current.get().trips += 1
            try:
                with standby_as_away(), connections[self.alias].wrap_database_errors:
                    pool = pool_of(self.alias)
                    rows = await pool.execute(";".join(self.statements), self.parameters, prepare=self.is_prepared)
                return self.parse(rows)
            except (OperationalError, InterfaceError) as error:
                if self._may_only_read(error):
                    return await self._reading_only.run_async()
                self._require_another_try(error, left, is_own=True)

    def _rows(self, connection: BaseDatabaseWrapper) -> Rows:
        if self.is_prepared:
            return prepared(connection, self.statements[0], self.parameters)
        return direct(connection, ";".join(self.statements), self.parameters)

    def _may_only_read(self, error: Exception) -> bool:
        """Return whether the database takes no writes now, as a standby does, and this query has a part that reads."""
        return bool(self.when_read_only) and isinstance(error.__cause__, ReadOnlySqlTransaction)

    @property
    def _reading_only(self) -> Query:
        return replace(self, statements=(self.when_read_only,), when_read_only="")

    @staticmethod
    def _require_another_try(error: Exception, left: int, *, is_own: bool) -> None:
        """Raise StoreUnavailableError, unless a conflict has undone a transaction of the query's own."""
        if not (left and is_own and isinstance(error.__cause__, CONFLICTS)):
            raise unavailable(error) from error

    @property
    def is_prepared(self) -> bool:
        """Whether the server keeps the plan: where the connection's options allow it, and no pooler is in between."""
        if not self.is_frequent or is_behind_pooler(self.alias):
            return False
        return connections[self.alias].settings_dict["OPTIONS"].get("prepare_threshold") is not None


@contextmanager
def standby_as_away() -> Iterator[None]:
    """Take the refusal of a write by a standby, or a read-only database, for that of a server that is away."""
    try:
        yield
    except InternalError as error:
        if isinstance(error.__cause__, ReadOnlySqlTransaction):
            raise OperationalError(*error.args) from error.__cause__
        raise


@standby_as_away()
def direct(connection: BaseDatabaseWrapper, statements: str, parameters: Mapping[str, Any]) -> Rows:
    """Return the rows of the last statement."""
    with cursor_of(connection) as cursor:
        cursor.execute(statements, parameters)
        while cursor.nextset():
            pass
        return cursor.fetchall() if cursor.description else []


@standby_as_away()
def prepared(connection: BaseDatabaseWrapper, statement: str, parameters: Mapping[str, Any]) -> Rows:
    """Return the rows of a statement that a connection plans once, after its first few uses: most of its cost."""
    connection.ensure_connection()
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def cursor_of(connection: BaseDatabaseWrapper) -> Iterator[Any]:
    """Open a cursor that binds parameters here: PostgreSQL itself binds those of a single statement only."""
    if not connection.settings_dict["OPTIONS"].get("server_side_binding"):
        with connection.cursor() as cursor:
            yield cursor
        return
    connection.ensure_connection()
    with connection.wrap_database_errors, ClientCursor(connection.connection) as client_cursor:
        yield client_cursor

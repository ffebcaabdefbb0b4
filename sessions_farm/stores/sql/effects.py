"""Trips to SQL: by Django's own connection in a thread, by native connections in an event loop (PostgreSQL)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.db import InterfaceError, OperationalError, connections, transaction

from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.stores.effects import round_trips
from sessions_farm.stores.sql.dialect import LEASE

WRITE_NOTHING = f"DELETE FROM {LEASE} WHERE 1 = 0"  # noqa: S608 -- our table

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

type Rows = list[Any]


@dataclass(frozen=True, slots=True)
class Trip:
    """Statements for PostgreSQL, all in one message and so in one trip and one transaction; the rows of the last.

    In a thread they take part in the transaction that Django has open there. In an event loop there is none to take
    part in: Django's are of threads.
    """

    alias: str
    statements: tuple[str, ...]
    parameters: Mapping[str, Any]
    is_frequent: bool = False  # one statement, whose plan is worth keeping

    def run_sync(self) -> Rows:
        round_trips.count()
        connection = connections[self.alias]
        with failures_told():
            if self.is_prepared:
                return prepared(connection, self.statements[0], self.parameters)
            with cursor_of(connection) as cursor:
                cursor.execute(";".join(self.statements), self.parameters)
                while cursor.nextset():
                    pass
                return cursor.fetchall() if cursor.description else []

    async def run_async(self) -> Rows:
        from sessions_farm.stores.sql.postgresql.native import lines_of  # noqa: PLC0415 -- psycopg is there where PostgreSQL is

        round_trips.count()
        with failures_told(), connections[self.alias].wrap_database_errors:
            lines = lines_of(self.alias)
            return await lines.execute(";".join(self.statements), self.parameters, prepare=self.is_prepared)

    @property
    def is_prepared(self) -> bool:
        """Whether the server keeps the plan: where the connection's options allow it."""
        return (
            self.is_frequent and connections[self.alias].settings_dict["OPTIONS"].get("prepare_threshold") is not None
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """A trip, and what is made of its rows."""

    trip: Trip
    made: Callable[[Rows], Any]

    def run_sync(self) -> Any:
        return self.made(self.trip.run_sync())

    async def run_async(self) -> Any:
        return self.made(await self.trip.run_async())


@dataclass(frozen=True, slots=True)
class Together:
    """Work with a cursor, for databases that are asked one statement at a time (SQLite); what writes, in a transaction.

    Under an event loop it goes to the thread where Django's connections are.
    """

    alias: str
    work: Callable[[Any], Any]
    writes: bool = True

    def run_sync(self) -> Any:
        round_trips.count()
        with failures_told(), ExitStack() as stack:
            if self.writes:
                stack.enter_context(transaction.atomic(using=self.alias))
            cursor = stack.enter_context(connections[self.alias].cursor())
            if self.writes:
                # SQLite refuses to let a reader become a writer when another has written meanwhile: be one at once.
                cursor.execute(WRITE_NOTHING)
            return self.work(cursor)

    async def run_async(self) -> Any:
        return await sync_to_async(self.run_sync)()


@contextmanager
def cursor_of(connection: BaseDatabaseWrapper) -> Iterator[Any]:
    """A cursor that takes several statements: of a connection whose server binds the parameters, one that does not."""
    if not connection.settings_dict["OPTIONS"].get("server_side_binding"):
        with connection.cursor() as cursor:
            yield cursor
        return
    from psycopg import ClientCursor  # noqa: PLC0415 -- psycopg is there where PostgreSQL is

    connection.ensure_connection()
    with connection.wrap_database_errors, ClientCursor(connection.connection) as client_cursor:
        yield client_cursor


def prepared(connection: BaseDatabaseWrapper, statement: str, parameters: Mapping[str, Any]) -> Rows:
    """Rows of a statement that the server plans once for a connection, after the first few: most of what it costs."""
    from psycopg import Cursor  # noqa: PLC0415 -- psycopg is there where PostgreSQL is

    connection.ensure_connection()
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def failures_told() -> Iterator[None]:
    """Raise StoreUnavailable for whatever keeps the database from answering."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        raise StoreUnavailableError(f"The database does not answer: {error}") from error

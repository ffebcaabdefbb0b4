"""A pool of asynchronous PostgreSQL connections for each event loop, with the parameters of Django's own.

They are closed when their loop ends, and none is ever used by another loop or thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from django.db import connections
from psycopg.pq import TransactionStatus

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from django.db.backends.base.base import BaseDatabaseWrapper

MAX_SIZE = 10  # connections of one loop, unless DATABASES' OPTIONS["pool"] says another number
TIMEOUT = 5.0  # seconds to wait for a free connection

type Connection = psycopg.AsyncConnection[Any]


class AsyncPool:
    """The connections of one loop to one database."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._free: list[Connection] = []
        self._slots = asyncio.Semaphore(max_size_of(connections[alias]))

    async def execute(self, statements: str, parameters: Mapping[str, Any], *, prepare: bool) -> list[Any]:
        """Return the rows of the last statement. All go in one message, and so in one transaction."""
        if prepare:
            async with self._connection() as connection, psycopg.AsyncCursor(connection) as cursor:
                await cursor.execute(statements, parameters)
                return await cursor.fetchall() if cursor.description else []
        async with self._connection() as connection, psycopg.AsyncClientCursor(connection) as cursor:
            await cursor.execute(statements, parameters)
            while cursor.nextset():
                pass
            return await cursor.fetchall() if cursor.description else []

    async def aclose(self) -> None:
        while self._free:
            await self._free.pop().close()

    def discard(self) -> None:
        """Close the sockets of a loop that ended before it could close them."""
        for connection in self._free:
            connection.pgconn.finish()
        self._free.clear()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._slots.acquire()
        except TimeoutError as error:
            raise psycopg.OperationalError(
                f"All connections of this event loop were in use for {TIMEOUT:g} seconds: "
                f'raise DATABASES["{self._alias}"]["OPTIONS"]["pool"]["max_size"].'
            ) from error
        connection = None
        try:
            connection = self._reusable() or await connect(self._alias)
            yield connection
        finally:
            self._slots.release()
            if connection is not None:
                await self._give_back(connection)

    def _reusable(self) -> Connection | None:
        while self._free:
            connection = self._free.pop()
            if is_reusable(connection):
                return connection
            connection.pgconn.finish()
        return None

    async def _give_back(self, connection: Connection) -> None:
        if not connection.closed and connection.info.transaction_status == TransactionStatus.IDLE:
            self._free.append(connection)
        else:
            await connection.close()


async def connect(alias: str) -> Connection:
    """Open a connection with Django's parameters, which commits each message by itself."""
    wrapper = connections[alias]
    connection: Connection = await psycopg.AsyncConnection.connect(**parameters_of(wrapper), autocommit=True)
    role = wrapper.settings_dict["OPTIONS"].get("assume_role")
    if role:
        await connection.execute(psycopg.sql.SQL("SET ROLE {}").format(psycopg.sql.Identifier(role)))
    return connection


def parameters_of(wrapper: BaseDatabaseWrapper) -> dict[str, Any]:
    parameters: dict[str, Any] = wrapper.get_connection_params()
    del parameters["cursor_factory"]
    return parameters


def max_size_of(wrapper: BaseDatabaseWrapper) -> int:
    pool = wrapper.settings_dict["OPTIONS"].get("pool")
    return int(pool.get("max_size") or MAX_SIZE) if isinstance(pool, dict) else MAX_SIZE


def is_reusable(connection: Connection) -> bool:
    """Whether the server has sent nothing since its last answer: anything it sends then is a farewell."""
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


type Loop = asyncio.AbstractEventLoop

_pools: dict[tuple[Loop, str], AsyncPool] = {}
_watches: dict[Loop, AsyncGenerator[None]] = {}


def pool_of(alias: str) -> AsyncPool:
    """Return the running loop's pool."""
    loop = asyncio.get_running_loop()
    pool = _pools.get((loop, alias))
    if pool is None:
        discard_ended()
        pool = _pools[loop, alias] = AsyncPool(alias)
        if loop not in _watches:
            close_at_end(loop)
    return pool


def close_at_end(loop: Loop) -> None:
    """Close the loop's pools with it: asyncio.run, async_to_sync and servers close a loop's suspended generators."""

    async def watch() -> AsyncGenerator[None]:
        try:
            yield
        finally:
            _watches.pop(loop, None)
            for key in [key for key in _pools if key[0] is loop]:
                await _pools.pop(key).aclose()

    watching = _watches[loop] = watch()
    with contextlib.suppress(StopIteration):  # it is suspended at once: there is nothing to await
        watching.__anext__().send(None)


def discard_ended() -> None:
    """Discard the pools of loops that were closed without closing their generators."""
    for key in [key for key in list(_pools) if key[0].is_closed()]:
        _watches.pop(key[0], None)
        _pools.pop(key).discard()

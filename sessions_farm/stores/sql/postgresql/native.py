"""PostgreSQL for event loops: a few native connections for each loop, with the parameters of Django's own.

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

MOST = 10  # connections of one loop, where DATABASES' OPTIONS["pool"] does not say another number
PATIENCE = 5.0  # seconds to wait for one that others use

type Connection = psycopg.AsyncConnection[Any]


class Lines:
    """The connections of one loop to one database."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._free: list[Connection] = []
        self._turns = asyncio.Semaphore(most_of(connections[alias]))

    async def execute(self, statements: str, parameters: Mapping[str, Any], *, prepare: bool) -> list[Any]:
        """The rows of the last of the statements: one message, and so one transaction."""
        if prepare:
            async with self._line() as line, psycopg.AsyncCursor(line) as cursor:
                await cursor.execute(statements, parameters)
                return await cursor.fetchall() if cursor.description else []
        async with self._line() as line, psycopg.AsyncClientCursor(line) as cursor:
            await cursor.execute(statements, parameters)
            while cursor.nextset():
                pass
            return await cursor.fetchall() if cursor.description else []

    async def aclose(self) -> None:
        while self._free:
            await self._free.pop().close()

    def throw_away(self) -> None:
        """Close without the loop, which ended before it could."""
        for line in self._free:
            line.pgconn.finish()
        self._free.clear()

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[Connection]:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._turns.acquire()
        except TimeoutError as error:
            raise psycopg.OperationalError(
                f"All connections of this event loop were in use for {PATIENCE:g} seconds: "
                f'raise DATABASES["{self._alias}"]["OPTIONS"]["pool"]["max_size"].'
            ) from error
        line = None
        try:
            line = self._sound_one() or await connect(self._alias)
            yield line
        finally:
            self._turns.release()
            if line is not None:
                await self._take_back(line)

    def _sound_one(self) -> Connection | None:
        while self._free:
            line = self._free.pop()
            if is_silent(line):
                return line
            line.pgconn.finish()
        return None

    async def _take_back(self, line: Connection) -> None:
        if not line.closed and line.info.transaction_status == TransactionStatus.IDLE:
            self._free.append(line)
        else:
            await line.close()


async def connect(alias: str) -> Connection:
    """A connection with Django's parameters, which commits each message by itself."""
    wrapper = connections[alias]
    line: Connection = await psycopg.AsyncConnection.connect(**parameters_of(wrapper), autocommit=True)
    role = wrapper.settings_dict["OPTIONS"].get("assume_role")
    if role:
        await line.execute(psycopg.sql.SQL("SET ROLE {}").format(psycopg.sql.Identifier(role)))
    return line


def parameters_of(wrapper: BaseDatabaseWrapper) -> dict[str, Any]:
    parameters: dict[str, Any] = wrapper.get_connection_params()
    del parameters["cursor_factory"]
    return parameters


def most_of(wrapper: BaseDatabaseWrapper) -> int:
    pool = wrapper.settings_dict["OPTIONS"].get("pool")
    return int(pool.get("max_size") or MOST) if isinstance(pool, dict) else MOST


def is_silent(line: Connection) -> bool:
    """Whether the server has said nothing since the last answer: what it says then is that it hangs up."""
    if line.closed:
        return False
    poll = select.poll()
    poll.register(line.fileno(), select.POLLIN)
    return not poll.poll(0)


type Loop = asyncio.AbstractEventLoop

_lines: dict[tuple[Loop, str], Lines] = {}
_watches: dict[Loop, AsyncGenerator[None]] = {}


def lines_of(alias: str) -> Lines:
    """The running loop's."""
    loop = asyncio.get_running_loop()
    lines = _lines.get((loop, alias))
    if lines is None:
        forget_ended()
        lines = _lines[loop, alias] = Lines(alias)
        if loop not in _watches:
            close_at_end(loop)
    return lines


def close_at_end(loop: Loop) -> None:
    """Whoever ends a loop properly (asyncio.run, async_to_sync, a server) closes what is suspended in it: this too."""

    async def watch() -> AsyncGenerator[None]:
        try:
            yield
        finally:
            _watches.pop(loop, None)
            for key in [key for key in _lines if key[0] is loop]:
                await _lines.pop(key).aclose()

    watching = _watches[loop] = watch()
    with contextlib.suppress(StopIteration):  # it is suspended at once: there is nothing to await
        watching.__anext__().send(None)


def forget_ended() -> None:
    """Let go of loops that were closed without their end."""
    for key in [key for key in list(_lines) if key[0].is_closed()]:
        _watches.pop(key[0], None)
        _lines.pop(key).throw_away()

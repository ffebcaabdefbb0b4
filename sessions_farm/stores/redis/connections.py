"""The sessions' clients of the farm's Redis, blocking and async: a process' own, and each event loop's own.

Each wait for the network ends after REDIS_TIMEOUT, and a caller that finds all REDIS_MAX_CONNECTIONS in use waits that
long for one; nothing is sent twice (``redis_py``).
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import redis
import redis.asyncio

from sessions_farm.stores.redis.address import address_of
from sessions_farm.stores.redis.redis_py import ASYNC, BLOCKING, Limits, make_client

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sessions_farm.conf import Options
    from sessions_farm.stores.redis.address import Address
    from sessions_farm.stores.redis.redis_py import Kind

type Loop = asyncio.AbstractEventLoop


class Connections:
    """The clients of one process. Each is made at its first use and connects at its first command.

    The waiting clients are for commands that block at Redis (BLPOP, XREAD BLOCK), for REDIS_BLOCK seconds at most;
    their connections are their own, so that waits never take those of the pages. An async client is the running loop's
    own, because asyncio's connections cannot be shared between loops; it is closed when its loop ends.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._of_loops: dict[Loop, LoopClients] = {}

    @cached_property
    def address(self) -> Address:
        """Return the address in REDIS_URL. Raise ImproperlyConfigured."""
        return address_of(self._options)

    @cached_property
    def client(self) -> redis.Redis:
        """Return the blocking client of the pages."""
        client: redis.Redis = self._client(BLOCKING, self._options.redis_timeout)
        return client

    @cached_property
    def waiting_client(self) -> redis.Redis:
        """Return the blocking client of commands that wait at Redis."""
        client: redis.Redis = self._client(BLOCKING, self._waiting_timeout)
        return client

    @property
    def async_client(self) -> redis.asyncio.Redis:
        """Return the running loop's client."""
        return self._of_this_loop().client

    @property
    def async_waiting_client(self) -> redis.asyncio.Redis:
        """Return the running loop's client of commands that wait at Redis."""
        return self._of_this_loop().waiting_client

    def close(self) -> None:
        """Close the blocking clients."""
        for name in ("client", "waiting_client"):
            client = self.__dict__.pop(name, None)
            if client is not None:
                client.connection_pool.disconnect()

    def _of_this_loop(self) -> LoopClients:
        loop = asyncio.get_running_loop()
        if loop not in self._of_loops:
            forget_ended(self._of_loops)
            self._of_loops[loop] = LoopClients(
                self._client(ASYNC, self._options.redis_timeout), self._client(ASYNC, self._waiting_timeout)
            )
            close_at_end(self._of_loops, loop)
        return self._of_loops[loop]

    @property
    def _waiting_timeout(self) -> float:
        return self._options.redis_block + self._options.redis_timeout

    def _client(self, kind: Kind, timeout: float) -> Any:
        given = self._options
        limits = Limits(timeout, given.redis_timeout, given.redis_timeout, given.redis_max_connections)
        return make_client(kind, self.address, limits)


@dataclass(slots=True)
class LoopClients:
    """``watch`` is suspended as long as the loop runs."""

    client: redis.asyncio.Redis
    waiting_client: redis.asyncio.Redis
    watch: AsyncGenerator[None] | None = None

    async def aclose(self) -> None:
        """Close both clients."""
        for client in (self.client, self.waiting_client):
            with contextlib.suppress(redis.RedisError, OSError):
                await client.connection_pool.disconnect()


# A store that is thrown away leaves clients open in loops that still run: the watches live as long as their loops.
_watches: set[AsyncGenerator[None] | None] = set()


def close_at_end(clients: dict[Loop, LoopClients], loop: Loop) -> None:
    """Close the clients of the running loop when it ends, and forget them.

    A proper end of a loop (asyncio.run, async_to_sync, a server) closes the generators that are suspended in it.
    """

    async def watch() -> AsyncGenerator[None]:
        try:
            yield
        finally:
            mine = clients.pop(loop, None)
            if mine:
                _watches.discard(mine.watch)
                await mine.aclose()

    watching = clients[loop].watch = watch()
    _watches.add(watching)
    with contextlib.suppress(StopIteration):  # it is suspended at once: there is nothing to await
        watching.__anext__().send(None)


def forget_ended(clients: dict[Loop, LoopClients]) -> None:
    """Forget loops that were closed without their end: their connections can only be thrown away."""
    ended = [loop for loop in clients if loop.is_closed()]
    if not ended:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        for loop in ended:
            _watches.discard(clients.pop(loop).watch)
        gc.collect()

"""redis-py's clients for the farm, blocking and async, with every limit set.

redis-py's own limits do not suit sessions: it may send a failed command again (an increment would count twice), it
fails the 101st connection, it waits five seconds. Here nothing is sent twice, each wait for the network ends after
REDIS_TIMEOUT, and a caller that finds all REDIS_MAX_CONNECTIONS in use waits that long for one.

Behind Sentinels each new connection asks them for the primary. A connection that fails, or answers "I am a replica
now", is closed: its caller decides about that command, the next one finds the new primary.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import redis
import redis.asyncio
import redis.asyncio.retry
import redis.asyncio.sentinel
import redis.sentinel
from django.core.exceptions import ImproperlyConfigured
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from sessions_farm.stores.redis.address import address_of
from sessions_farm.stores.redis.pool import Pool, SentinelPool

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sessions_farm.conf import Options
    from sessions_farm.stores.redis.address import Address

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
                sentinels = getattr(client.connection_pool, "sentinel_manager", None)
                if sentinels is not None:
                    sentinels.close()

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
        address, never = self.address, {"retry": kind.retry(NoBackoff(), 0)}
        options = address.login | self._limits(timeout) | never | {"timeout": self._options.redis_timeout}
        if not address.sentinels:
            pool = kind.pool(connection_class=kind.lines[address.line], **options)
        else:
            # Sentinels answer at once or not at all, whatever the client behind them waits for.
            asking = address.sentinel_login | self._limits(self._options.redis_timeout) | never
            sentinels = kind.sentinels(address.sentinels, sentinel_kwargs=asking | {"ssl": address.line == "tls"})
            pool = kind.sentinel_pool(address.service, sentinels, connection_class=kind.found[address.line], **options)
        try_out(pool)
        return kind.client(connection_pool=pool)

    def _limits(self, timeout: float) -> dict[str, Any]:
        return {
            "decode_responses": True,
            "socket_timeout": timeout,
            "socket_connect_timeout": self._options.redis_timeout,
            "max_connections": self._options.redis_max_connections,
            # Two trips of each new connection that tell Redis which client we are.
            "driver_info": None,
            # Another trip, for some vendors' clouds; and with it redis-py trusts a connection that has an answer left.
            "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        }


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
                sentinels = getattr(client.connection_pool, "sentinel_manager", None)
                if sentinels is not None:
                    await sentinels.aclose()


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


def try_out(pool: Any) -> None:
    """Make a connection without using it, to find a wrong option now and not in the first visitor's page."""
    try:
        pool.connection_class(**pool.connection_kwargs)
    except (TypeError, ValueError, redis.RedisError) as error:
        raise ImproperlyConfigured(f"REDIS_URL has an option that redis-py refuses: {error}") from error


class Sentinels(redis.sentinel.Sentinel):
    """redis-py's Sentinels, for threads: its own list loses some of them when threads ask at once."""

    def discover_master(self, service_name: str) -> tuple[str, int]:
        """Return the primary's address; ask the Sentinel first that answered last."""
        mine = copy.copy(self)
        mine.sentinels = list(self.sentinels)
        address: tuple[str, int] = super(Sentinels, mine).discover_master(service_name)  # type: ignore[no-untyped-call]  # redis-py has none
        self.sentinels = mine.sentinels
        return address


class AsyncSentinels(redis.asyncio.sentinel.Sentinel):
    """The same for tasks."""

    async def discover_master(self, service_name: str) -> tuple[str, int]:
        """Return the primary's address; ask the Sentinel first that answered last."""
        mine = copy.copy(self)
        mine.sentinels = list(self.sentinels)
        address: tuple[str, int] = await super(AsyncSentinels, mine).discover_master(service_name)
        self.sentinels = mine.sentinels
        return address


class ClosedWhenInterrupted(redis.sentinel.SentinelManagedConnection):
    """A connection that is closed when its reader is interrupted: else its answer would be the next command's."""

    def read_response(self, *args: Any, disconnect_on_error: bool | None = True, **kwargs: Any) -> Any:
        return super().read_response(*args, disconnect_on_error=disconnect_on_error, **kwargs)


class ClosedWhenInterruptedTls(ClosedWhenInterrupted, redis.sentinel.SentinelManagedSSLConnection):
    """The same over TLS."""


class AsyncSentinelPool(redis.asyncio.sentinel.SentinelConnectionPool, redis.asyncio.BlockingConnectionPool):
    """redis-py's pool, which closes connections to a former primary as the blocking one does."""

    async def release(self, connection: Any) -> None:
        """Take a connection back; close it where the primary has changed meanwhile."""
        if self.master_address not in {None, (connection.host, connection.port)}:
            await connection.disconnect()
        await super().release(connection)


@dataclass(frozen=True, slots=True)
class Kind:
    """redis-py's classes of one kind, blocking or async."""

    client: Any
    retry: Any
    pool: Any
    lines: dict[str, Any]
    sentinels: Any
    sentinel_pool: Any
    found: dict[str, Any]


BLOCKING = Kind(
    client=redis.Redis,
    retry=Retry,
    pool=Pool,
    lines={"tcp": redis.Connection, "tls": redis.SSLConnection, "unix": redis.UnixDomainSocketConnection},
    sentinels=Sentinels,
    sentinel_pool=SentinelPool,
    found={"tcp": ClosedWhenInterrupted, "tls": ClosedWhenInterruptedTls},
)
ASYNC = Kind(
    client=redis.asyncio.Redis,
    retry=redis.asyncio.retry.Retry,
    pool=redis.asyncio.BlockingConnectionPool,
    lines={
        "tcp": redis.asyncio.Connection,
        "tls": redis.asyncio.SSLConnection,
        "unix": redis.asyncio.UnixDomainSocketConnection,
    },
    sentinels=AsyncSentinels,
    sentinel_pool=AsyncSentinelPool,
    found={
        "tcp": redis.asyncio.sentinel.SentinelManagedConnection,
        "tls": redis.asyncio.sentinel.SentinelManagedSSLConnection,
    },
)

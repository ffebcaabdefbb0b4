"""redis-py's clients with every limit set: blocking or async, of one server or of a service that Sentinels watch.

redis-py's own limits do not suit a farm: it may send a failed command again (an increment would count twice), it fails
the 101st connection, it waits five seconds. Here nothing is sent twice, and each wait ends.

Behind Sentinels each new connection asks them for the primary. A connection that fails, or answers "I am a replica
now", is closed: its caller decides about that command, the next one finds the new primary.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
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

from sessions_farm.stores.redis.pool import Pool, SentinelPool

if TYPE_CHECKING:
    from sessions_farm.stores.redis.address import Address


@dataclass(frozen=True, slots=True)
class Limits:
    """The longest waits, in seconds."""

    answer: float  # for each answer
    connect: float  # for a server, and for each Sentinel's word
    place: float  # for one of the connections, where all are in use
    connections: int


def make_client(kind: Kind, address: Address, limits: Limits, **options: Any) -> Any:
    """Return a client that connects at its first command; ``options`` are redis-py's, of each connection.

    Raise ImproperlyConfigured for an option of the address that redis-py refuses.
    """
    return kind.client(connection_pool=make_pool(kind, address, limits, **options))


def make_pool(kind: Kind, address: Address, limits: Limits, **options: Any) -> Any:
    """Return the pool of such a client."""
    never = {"retry": kind.retry(NoBackoff(), 0)}
    own = address.login | _waits(limits.answer, limits) | never | {"timeout": limits.place} | options
    if not address.sentinels:
        pool = kind.pool(connection_class=kind.lines[address.line], **own)
    else:
        # Sentinels answer at once or not at all, whatever the client behind them waits for.
        asking = address.sentinel_login | _waits(limits.connect, limits) | never
        sentinels = kind.sentinels(address.sentinels, sentinel_kwargs=asking | {"ssl": address.line == "tls"})
        pool = kind.sentinel_pool(address.service, sentinels, connection_class=kind.found[address.line], **own)
    try_out(pool, address.name)
    return pool


def _waits(answer: float, limits: Limits) -> dict[str, Any]:
    return {
        "decode_responses": True,
        "socket_timeout": answer,
        "socket_connect_timeout": limits.connect,
        "max_connections": limits.connections,
        # Two trips of each new connection that tell Redis which client we are.
        "driver_info": None,
        # Another trip, for some vendors' clouds; and with it redis-py trusts a connection that has an answer left.
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
    }


def try_out(pool: Any, name: str) -> None:
    """Make a connection without using it, to find a wrong option now and not in the first visitor's page."""
    try:
        pool.connection_class(**pool.connection_kwargs)
    except (TypeError, ValueError, redis.RedisError) as error:
        raise ImproperlyConfigured(f"{name} has an option that redis-py refuses: {error}") from error


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

    async def disconnect(self, inuse_connections: bool = True) -> None:  # noqa: FBT001, FBT002 -- redis-py's signature
        """Close connections; where all are meant, those to the Sentinels too."""
        await super().disconnect(inuse_connections)
        if inuse_connections:
            await self.sentinel_manager.aclose()


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

"""Connections to Redis: short time-outs for shoppers' pages, longer ones for their beacons and for staff."""

from __future__ import annotations

from functools import cache

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from support_watch import limits


@cache
def page_client() -> redis.Redis:
    """Return the client of shoppers' pages: it gives up after WRITE_TIMEOUT and never retries."""
    return writing_client(getattr(settings, "SUPPORT_WATCH_WRITE_TIMEOUT", limits.WRITE_TIMEOUT))


@cache
def beacon_client() -> redis.Redis:
    """Return the client of heartbeats and departures, for whose answer nobody waits."""
    return writing_client(limits.BEACON_TIMEOUT)


def writing_client(timeout: float) -> redis.Redis:
    """Return a client that waits ``timeout`` seconds for a connection and for each answer."""
    pool = redis.BlockingConnectionPool.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        protocol=2,
        max_connections=32,
        timeout=timeout,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
    )
    return redis.Redis.from_pool(pool)


def query_client() -> redis.Redis:
    """Return a client for commands and rendered pages, which may wait a second."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        protocol=2,
        socket_timeout=1,
        socket_connect_timeout=1,
        retry=Retry(NoBackoff(), 1),
    )


def hub_client() -> redis.asyncio.Redis:
    """Return the client of a hub's short commands; callers wait for one of its few connections."""
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        protocol=2,
        max_connections=16,
        timeout=5,
        socket_timeout=1,
        socket_connect_timeout=1,
        retry=AsyncRetry(NoBackoff(), 0),
    )
    return redis.asyncio.Redis.from_pool(pool)


def stream_client() -> redis.asyncio.Redis:
    """Return a client for one blocking XREAD: its time-out is longer than the wait for an event."""
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        protocol=2,
        max_connections=1,
        socket_timeout=4,
        socket_connect_timeout=1,
        retry=AsyncRetry(NoBackoff(), 0),
    )

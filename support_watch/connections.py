"""Connections to Redis: a quick one for the shopper's page, patient ones for the staff's feed."""

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
def writer() -> redis.Redis:
    """For the shopper's page: gives up after WRITE_TIMEOUT and never sends anything twice."""
    timeout = getattr(settings, "SUPPORT_WATCH_WRITE_TIMEOUT", limits.WRITE_TIMEOUT)
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


def patient() -> redis.Redis:
    """For commands and rendered tables that may wait a second."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        protocol=2,
        socket_timeout=1,
        socket_connect_timeout=1,
        retry=Retry(NoBackoff(), 1),
    )


def questions() -> redis.asyncio.Redis:
    """For a hub's short commands: few connections, and whoever comes when all are busy waits in line."""
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


def reader() -> redis.asyncio.Redis:
    """For one blocking XREAD: the time-out is longer than the wait for an event."""
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        protocol=2,
        max_connections=1,
        socket_timeout=4,
        socket_connect_timeout=1,
        retry=AsyncRetry(NoBackoff(), 0),
    )

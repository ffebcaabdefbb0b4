"""Connections to Redis: short time-outs for shoppers' pages, longer ones for their beacons and for staff.

Events are sent once: redis-py's second try might count a visit twice. Behind Sentinels the command after a failed one
goes to the new primary.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import redis
import redis.asyncio
from django.conf import settings

from sessions_farm.stores.redis.address import read_address
from sessions_farm.stores.redis.redis_py import ASYNC, BLOCKING, Kind, Limits, make_client
from support_watch import limits


@cache
def page_client() -> redis.Redis:
    """Return the client of shoppers' pages: it gives up after SUPPORT_WATCH_WRITE_TIMEOUT and never retries."""
    return writing_client(settings.SUPPORT_WATCH_WRITE_TIMEOUT)


@cache
def beacon_client() -> redis.Redis:
    """Return the client of heartbeats and departures, for whose answer nobody waits."""
    return writing_client(limits.BEACON_TIMEOUT)


def writing_client(timeout: float) -> redis.Redis:
    """Return a client that waits ``timeout`` seconds for a connection and for each answer."""
    client: redis.Redis = _client(BLOCKING, Limits(timeout, timeout, place=timeout, connections=32))
    return client


def query_client() -> redis.Redis:
    """Return a client for commands and rendered pages, which may wait a second; the caller closes it."""
    client: redis.Redis = _client(BLOCKING, Limits(answer=1, connect=1, place=1, connections=2))
    return client


def hub_client() -> redis.asyncio.Redis:
    """Return the client of a hub's short commands; callers wait for one of its few connections."""
    client: redis.asyncio.Redis = _client(ASYNC, Limits(answer=1, connect=1, place=5, connections=16))
    return client


def stream_client() -> redis.asyncio.Redis:
    """Return a client for one blocking XREAD: its time-out is longer than the wait for an event."""
    client: redis.asyncio.Redis = _client(ASYNC, Limits(answer=4, connect=1, place=5, connections=1))
    return client


def _client(kind: Kind, waits: Limits) -> Any:
    client = make_client(kind, read_address(settings.REDIS_URL, "REDIS_URL"), waits, protocol=2)
    client.auto_close_connection_pool = True  # the pool is this client's own
    return client

"""The cache in Redis; while it is away, limits go on in the memory of each node (ADR 32).

allauth counts in the cache, and refuses where it cannot count: without the cache every sign-in would be refused.
"""

from __future__ import annotations

from typing import Any, Final

from django.core.cache.backends.locmem import LocMemCache
from django_redis import pool
from django_redis.cache import RedisCache
from django_redis.exceptions import ConnectionInterrupted

from sessions_farm.stores.circuit_breaker import CircuitBreaker
from sessions_farm.stores.redis.address import read_address
from sessions_farm.stores.redis.redis_py import BLOCKING, Limits, make_pool

LIMIT_PREFIX: Final = "allauth:rl:"
REST = 5.0  # seconds for which Redis is left alone after a failure: each try may take as long as its timeout
WAITS = Limits(answer=0.5, connect=0.2, place=0.5, connections=100)

# One for all threads of the process, each of which has a cache object of its own.
_local = LocMemCache("limits", {"OPTIONS": {"MAX_ENTRIES": 20_000}})
_breaker = CircuitBreaker(REST, name="cache")


class ConnectionFactory(pool.ConnectionFactory):  # type: ignore[misc]  # as below
    """django-redis' pools for an address as REDIS_URL: its own factories read servers and Sentinels in two ways."""

    def get_connection_pool(self, params: dict[str, Any]) -> Any:
        """Return the pool of an address. Raise ImproperlyConfigured for a faulty one."""
        return make_pool(BLOCKING, read_address(params["url"], "CACHE_URL"), WAITS, decode_responses=False)


class Cache(RedisCache):  # type: ignore[misc]  # the package has no types
    """Django's cache: a miss where Redis is away, but for limits, which this process counts then."""

    def add(self, key: str, *args: Any, **kwargs: Any) -> Any:
        """Set a key that is not there; return whether it was set."""
        return self._limit("add", key, *args, **kwargs) if _is_limit(key) else super().add(key, *args, **kwargs)

    def get(self, key: str, default: Any = None, version: int | None = None, client: Any = None) -> Any:
        """Return the value of a key, or the default."""
        if _is_limit(key):
            return self._limit("get", key, default, version=version)
        return super().get(key, default, version, client)

    def set(self, key: str, *args: Any, **kwargs: Any) -> Any:
        """Set a key."""
        return self._limit("set", key, *args, **kwargs) if _is_limit(key) else super().set(key, *args, **kwargs)

    def delete(self, key: str, *args: Any, **kwargs: Any) -> Any:
        """Delete a key; return whether it was there."""
        return self._limit("delete", key, *args, **kwargs) if _is_limit(key) else super().delete(key, *args, **kwargs)

    def _limit(self, method: str, key: str, *args: Any, **kwargs: Any) -> Any:
        if _breaker.allow():
            try:
                answer = getattr(self.client, method)(key, *args, **kwargs)
            except ConnectionInterrupted:
                _breaker.record_failure()
            else:
                _breaker.record_success()
                return answer
        return getattr(_local, method)(key, *args, **kwargs)


def _is_limit(key: str) -> bool:
    return key.startswith(LIMIT_PREFIX)

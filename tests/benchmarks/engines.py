"""Our engine on each store, and Django's engines, side by side in one process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.cache import SessionStore as StockCache
from django.contrib.sessions.backends.cached_db import SessionStore as StockCachedDb
from django.contrib.sessions.backends.db import SessionStore as StockDb
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.redis import RedisCache as CoreRedisCache
from django.utils.module_loading import import_string
from django_redis.cache import RedisCache as DjangoRedisCache

from sessions_farm.conf import options
from sessions_farm.session.session import SessionStore
from sessions_farm.stores import NAMED
from sessions_farm.stores.protocol import Store
from tests.benchmarks.table import STOCK_CACHED_DB, STOCK_CORE, STOCK_DB, STOCK_DJANGO_REDIS

STORES = ("memory", "file", "database", "redis", "tiered")

type Make = Callable[[str | None], SessionBase]


def make_store(name: str, redis_url: str | None = None, **given: Any) -> Store:
    """A store with the benchmark's settings, apart from every other."""
    ours = options()
    given = {"redis_url": redis_url or ours.redis_url, "redis_prefix": prefix_of(name)} | given
    store: Store = import_string(NAMED[name])(replace(ours, store=name, **given))
    return store


def prefix_of(name: str) -> str:
    return f"{options().redis_prefix}:{name}"


def ours(store: Store) -> Make:
    """The engine on a store of its own: the one in force is only one for a process."""

    def make(key: str | None) -> SessionBase:
        session = SessionStore(key)
        session.store = store
        return session

    return make


def stock(redis_url: str) -> dict[str, Make]:
    """Django's engines by the name of their column."""
    parameters = {"KEY_PREFIX": options().redis_prefix}
    django_redis = DjangoRedisCache(redis_url, parameters)
    core = CoreRedisCache(redis_url, parameters)
    return {
        STOCK_DB: StockDb,
        STOCK_DJANGO_REDIS: over(StockCache, django_redis),
        STOCK_CORE: over(StockCache, core),
        STOCK_CACHED_DB: over(StockCachedDb, core),
    }


def over(engine: type[SessionBase], cache: BaseCache) -> Make:
    def make(key: str | None) -> SessionBase:
        session = engine(key)
        # What SESSION_CACHE_ALIAS names is only one for a process.
        session._cache = cache  # type: ignore[attr-defined]  # noqa: SLF001 -- the name is that of both engines
        return session

    return make

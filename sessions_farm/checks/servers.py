"""The servers: the version of Redis (Django itself refuses a PostgreSQL older than 15), and whether anything sweeps."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 -- Django's name
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from sessions_farm.checks.options import SCHEMA
from sessions_farm.checks.stores import stores_in_redis
from sessions_farm.conf import options
from sessions_farm.session.status import oldest_pending
from sessions_farm.stores import current_store
from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.stores.store_time import now_effects

OLDEST_REDIS = (7, 0)
UNDELIVERED = 600  # seconds


def old_redis(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Refuse a Redis older than 7.0. A Redis that does not answer, or keeps INFO from this user, is passed over."""
    if not stores_in_redis(given) or find_spec("redis") is None:
        return
    version = redis_version()
    if version and tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
        yield Error(
            f"Redis {version} is too old for sessions: its scripts and access rules are not those of 7.0.",
            hint="Upgrade Redis to 7.0 or newer, or choose another STORE.",
            id="sessions_farm.E026",
        )


def undelivered_events(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Warn of events that have waited too long for their delivery: no sweeper runs. A store away is passed over."""
    if SCHEMA.value(given, "STORE") == "memory":
        return  # of each process by itself
    try:
        store = current_store()
        waiting = oldest_pending(store, run_sync(now_effects(store)))
    except (StoreUnavailableError, DatabaseError, ImproperlyConfigured, ImportError):
        return  # refused by the checks of the settings, or not migrated yet
    if waiting is not None and waiting > UNDELIVERED:
        yield Warning(
            f"An event of the session store {SCHEMA.value(given, 'STORE')!r} has waited {waiting:.0f} seconds for its "
            "delivery: no sweeper runs.",
            hint="Run `manage.py sessions sweep --every 2` beside the site. Without it receivers hear of nothing, "
            "tables keep expired sessions, and Redis keeps the events of a day.",
            id="sessions_farm.W031",
        )


def redis_version() -> str:
    """Return the version of the Redis in ``REDIS_URL``, as ``7.0.15``; '' where it is not known."""
    from redis import RedisError  # noqa: PLC0415 -- redis is an extra

    from sessions_farm.stores.redis.connections import Connections  # noqa: PLC0415 -- as above

    connections = Connections(options())
    try:
        return str(connections.client.info("server").get("redis_version", ""))
    except (RedisError, ImproperlyConfigured):  # a wrong REDIS_URL is refused by the checks of the settings
        return ""
    finally:
        connections.close()

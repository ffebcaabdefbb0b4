"""The versions of the servers. PostgreSQL's is refused by Django itself: 6.1 connects to 15 and newer only."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from sessions_farm.checks.stores import stores_in_redis
from sessions_farm.conf import options

OLDEST_REDIS = (7, 0)


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

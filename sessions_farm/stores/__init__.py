"""The stores by name, and the configured one."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.module_loading import import_string

from sessions_farm.conf import options

if TYPE_CHECKING:
    from sessions_farm.stores.protocol import Store

NAMED = {
    "memory": "sessions_farm.stores.local.memory.MemoryStore",
    "file": "sessions_farm.stores.local.file.FileStore",
    "database": "sessions_farm.stores.sql.database.DatabaseStore",
    "redis": "sessions_farm.stores.redis.store.RedisStore",
    "tiered": "sessions_farm.stores.tiered.store.TieredStore",
}


@lru_cache(maxsize=1)
def current_store() -> Store:
    """Return the store that ``SESSIONS_FARM["STORE"]`` names, one for the process; during a switch both in one."""
    given = options()
    if not given.switch_from and not given.switch_to:
        return store_named(given.store)
    from sessions_farm.stores.switching import FollowingStore, SwitchingStore  # noqa: PLC0415 -- during a switch only

    if given.switch_from:
        return SwitchingStore(new=store_named(given.store), old=store_named(given.switch_from))
    return FollowingStore(new=store_named(given.switch_to), old=store_named(given.store))


def store_named(name: str) -> Store:
    """Create a store by its name in NAMED, or by its dotted path."""
    store: Store = import_string(NAMED.get(name, name))(options())
    return store


@receiver(setting_changed)
def forget_store(*, setting: str, **_kwargs: object) -> None:
    """Let the next request create the store anew when a test changes the settings."""
    if setting == "SESSIONS_FARM":
        current_store.cache_clear()

"""The settings of the session farm: ``SESSIONS_FARM`` read once, with a default for everything."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR

# What Django's auth writes: whoever reads these knows who is signed in, and whoever writes them signs in.
AUTH_VARIABLES = ("_auth_user_id", "_auth_user_backend", "_auth_user_hash")


@dataclass(frozen=True, slots=True)
class Options:
    """``SESSIONS_FARM``, each field by its upper-case name; times in seconds."""

    store: str = "database"  # memory | database | redis | tiered, or the dotted path of a Store
    redis_url: str = ""
    redis_prefix: str = "farm"
    redis_timeout: float = 0.1  # for one answer; the pages of a whole node wait for it at most once a breaker's rest
    redis_max_connections: int = 200
    redis_block: float = 5.0  # the longest that one command waits at Redis for something to happen
    redis_tls_ca: str = ""  # with rediss:// where Redis's certificate is of a private authority: its file (PEM)
    redis_tls_cert: str = ""  # with rediss:// where Redis asks for a client's certificate: its file
    redis_tls_key: str = ""  # and its key's
    breaker_rest: float = 1.0  # how long a Redis that failed is left alone
    tier_poll: float = 1.0  # how old a node's knowledge of the tier's epoch may be: the bound of staleness
    cookie_name: str = "mall"  # where no community says another
    cookie_age: int = 30 * DAY
    idle: int = 20 * MINUTE
    idle_signed_in: int = 14 * DAY
    idle_staff: int = 2 * HOUR
    absolute: int = 30 * DAY
    grace: int = 10  # how long a request that was in flight at a rotation may still read
    guarded: tuple[str, ...] = ()  # variables of the master only, besides Django's auth; "name_*" for a family
    readonly_raises: bool | None = (
        None  # whether a write in a read-only view is an error; None: with DEBUG and in tests
    )
    staff_of: str = ""  # dotted path: f(user) -> ids of the vendors that the user works for
    variable_limit: int = 256 * 1024  # bytes of one encoded value
    sweep_batch: int = 1000
    registry_poll_seconds: float = 0.5
    handoff_starts_per_minute: int = 30  # by one client (network and browser); beyond it pages come without an id


NAMES = {field.name.upper(): field.name for field in fields(Options)}


@lru_cache(maxsize=1)
def options() -> Options:
    """The settings in force. An unknown name is left to the system checks, which say what was meant."""
    given: dict[str, Any] = getattr(settings, "SESSIONS_FARM", {})
    known = {NAMES[name]: value for name, value in given.items() if name in NAMES}
    if "guarded" in known:
        known["guarded"] = tuple(known["guarded"])
    return Options(**known)


def guarded(name: str) -> bool:
    """Whether a variable may be read and written on a community's master host only."""
    return name in AUTH_VARIABLES or any(
        name.startswith(rule[:-1]) if rule.endswith("*") else name == rule for rule in options().guarded
    )


@receiver(setting_changed)
def forget(*, setting: str, **_kwargs: object) -> None:
    if setting == "SESSIONS_FARM":
        options.cache_clear()

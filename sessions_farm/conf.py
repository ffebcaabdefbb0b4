"""The engine's settings: ``SESSIONS_FARM``, read once, with a default for each name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.signals import setting_changed

from sessions_farm.declarations import Declaration, Declarations

if TYPE_CHECKING:
    from functools import _lru_cache_wrapper

    from _typeshed import DataclassInstance

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Options:
    """``SESSIONS_FARM``, each field by its upper-case name; times in seconds."""

    store: str = "database"  # memory | file | database | redis | tiered, or the dotted path of a Store
    switch_from: str = ""  # the store that sessions move away from, when they are next loaded
    switch_to: str = ""  # the store that other nodes already move sessions to
    folder: str = ""  # where the ``file`` store keeps its files; shared by the nodes
    folder_sync: bool = False  # whether a file is flushed to the disk before its write is confirmed
    redis_url: str = ""
    redis_prefix: str = "farm"
    redis_timeout: float = 0.1  # for one answer; after a time-out the circuit breaker rests for ``breaker_rest``
    redis_max_connections: int = 200
    redis_block: float = 5.0  # the longest that one blocking command waits at Redis
    redis_tls_ca: str = ""  # with rediss:// and a private authority behind Redis's certificate: its file (PEM)
    redis_tls_cert: str = ""  # with rediss:// where Redis asks for a client's certificate: its file
    redis_tls_key: str = ""  # and its key's
    breaker_rest: float = 1.0  # how long a Redis that failed is left alone
    tier_poll: float = 1.0  # how old a node's knowledge of the tier's epoch may be: the bound of staleness
    cookie_name: str = "mall"  # unless a community has its own
    cookie_age: int = 30 * DAY
    legacy_engine: str = ""  # Django's engine that sessions are moved from, as "django.contrib.sessions.backends.db"
    legacy_cookie: str = ""  # its cookie's name; SESSION_COOKIE_NAME where empty
    idle: int = 20 * MINUTE
    idle_signed_in: int = 14 * DAY
    idle_staff: int = 2 * HOUR
    absolute: int = 30 * DAY
    grace: int = 10  # how long a request that was in flight at a rotation may still read
    variables: Declarations = field(default_factory=Declarations)
    events: bool = True  # whether starts, ends and rotations are recorded, for the sweeper to deliver
    max_live: int = 0  # how many sessions may live; beyond it anonymous ones end, longest unseen first. 0: any number
    optional: bool = False  # whether every view goes on without a session while the store is away; else it says 503
    readonly_raises: bool | None = None  # whether a write in a read-only view raises; None: with DEBUG and in tests
    variable_limit: int = 256 * 1024  # bytes of one encoded value
    session_limit: int = 1024 * 1024  # bytes of all values of a session
    session_warning: int = 100 * 1024  # bytes of a session from which a log line warns
    sweep_batch: int = 1000


def settings_reader[T: DataclassInstance](
    setting: str, kind: type[T], parsers: Mapping[str, Callable[[Any], Any]] | None = None
) -> _lru_cache_wrapper[T]:
    """Return a function that reads a dictionary of Django's settings into a dataclass, and keeps it until it changes.

    Keys are the upper-case names of the fields. ``parsers`` convert the values of fields by their names. Unknown keys
    are left to the system checks.
    """
    names = {each.name.upper(): each.name for each in fields(kind)}

    @lru_cache(maxsize=1)
    def read() -> T:
        given: dict[str, Any] = getattr(settings, setting, {})
        known = {names[name]: value for name, value in given.items() if name in names}
        for name, parse in (parsers or {}).items():
            if name in known:
                known[name] = parse(known[name])
        return kind(**known)

    def forget(*, setting: str, **_kwargs: object) -> None:
        if setting == watched:
            read.cache_clear()

    watched = setting
    setting_changed.connect(forget, weak=False)
    return read


options = settings_reader("SESSIONS_FARM", Options, {"variables": Declarations})


def declaration_of(name: str) -> Declaration:
    """Return the declaration of a variable in ``VARIABLES``."""
    return options().variables.of(name)

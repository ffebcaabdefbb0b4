"""The settings of the session farm: ``SESSIONS_FARM`` read once, with a default for everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from sessions_farm.declarations import Declaration, Declarations

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Options:
    """``SESSIONS_FARM``, each field by its upper-case name; times in seconds."""

    store: str = "database"  # memory | file | database | redis | tiered, or the dotted path of a Store
    switch_from: str = ""  # the store that sessions move away from, when they are next asked for
    switch_to: str = ""  # the store that other nodes already move sessions to
    folder: str = ""  # where the ``file`` store keeps its files; shared by the nodes
    folder_sync: bool = False  # whether a written file is on the disk before anybody is told, against a loss of power
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
    cookieless_age: int = 2 * HOUR  # how long an address with a token is good (communities that are ``cookieless``)
    fallback_engine: str = ""  # Django's engine that sessions are moved from, as "django.contrib.sessions.backends.db"
    fallback_cookie: str = ""  # the cookie that it had; SESSION_COOKIE_NAME where empty
    idle: int = 20 * MINUTE
    idle_signed_in: int = 14 * DAY
    idle_staff: int = 2 * HOUR
    absolute: int = 30 * DAY
    grace: int = 10  # how long a request that was in flight at a rotation may still read
    variables: Declarations = field(default_factory=Declarations)
    events: bool = True  # whether starts, ends and rotations are written down, to be told by the sweeper
    max_live: int = 0  # how many sessions may live; beyond it anonymous ones end, longest unseen first. 0: any number
    readonly_raises: bool | None = (
        None  # whether a write in a read-only view is an error; None: with DEBUG and in tests
    )
    profiles: Mapping[str, str] = field(
        default_factory=lambda: {"user": "sessions_farm.communities.visitors.profile.fields_of"}
    )
    staff_of: str = ""  # dotted path: f(user) -> ids of the vendors that the user works for
    variable_limit: int = 256 * 1024  # bytes of one encoded value
    session_limit: int = 1024 * 1024  # bytes of all values of a session
    session_warning: int = 100 * 1024  # bytes of a session from which a log line warns
    sweep_batch: int = 1000
    registry_poll_seconds: float = 0.5
    handoff_starts_per_minute: int = 30  # by one client (network and browser); beyond it pages come without an id
    resolver: str = "sessions_farm.communities.dns.SystemResolver"  # who asks the DNS whether a domain is proven
    nameservers: tuple[str, ...] = ()  # "address:port" of whom it asks; the system's own where empty
    addresses: tuple[str, ...] = ()  # where the farm's domains must lead (IP addresses); not looked at where empty
    probe_seconds: float = 2.0  # how often a node asks whether a community's master answers; 0: never
    probe_address: str = ""  # "host:port" dialled instead of the master's own, for names that only browsers resolve
    probe_ca: str = ""  # the authority (PEM file) behind the master's certificate, where it is a private one
    external_facts: str = ""  # dotted path: f(visitor or None, External) -> dict that members outside the farm are told


NAMES = {field.name.upper(): field.name for field in fields(Options)}


@lru_cache(maxsize=1)
def options() -> Options:
    """The settings in force. An unknown name is left to the system checks, which say what was meant."""
    given: dict[str, Any] = getattr(settings, "SESSIONS_FARM", {})
    known = {NAMES[name]: value for name, value in given.items() if name in NAMES}
    if "variables" in known:
        known["variables"] = Declarations(known["variables"])
    return Options(**known)


def declaration_of(name: str) -> Declaration:
    """What ``VARIABLES`` says of a name."""
    return options().variables[name]


@receiver(setting_changed)
def forget(*, setting: str, **_kwargs: object) -> None:
    if setting == "SESSIONS_FARM":
        options.cache_clear()

"""The settings of communities: ``SESSIONS_FARM_COMMUNITIES``, read once, with a default for each name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sessions_farm.conf import HOUR, settings_reader


@dataclass(frozen=True, slots=True)
class CommunityOptions:
    """``SESSIONS_FARM_COMMUNITIES``, each field by its upper-case name; times in seconds."""

    registry_poll_seconds: float = 0.5  # how often a node looks for a changed registry; 0: never
    handoffs_per_minute: int = 30_000  # of a network by a process; beyond it pages come without an id; 0: no limit
    probe_seconds: float = 2.0  # how often a node asks whether a community's master answers; 0: never
    probe_address: str = ""  # "host:port" dialled instead of the master's own, for names that only browsers resolve
    probe_ca: str = ""  # with a private authority behind the master's certificate: its file (PEM)
    resolver: str = "sessions_farm.communities.dns.SystemResolver"  # dotted path of a class that queries the DNS
    nameservers: tuple[str, ...] = ()  # "address:port" of the name servers; the system's own where empty
    addresses: tuple[str, ...] = ()  # the IP addresses that domains must resolve to; not verified where empty
    hosts_in_use: str = ""  # dotted path: f() -> the hosts that pages use; read with the registry. Empty: not known
    cookieless_age: int = 2 * HOUR  # how long an address with a token is good (communities that are ``cookieless``)
    profiles: Mapping[str, str] = field(
        default_factory=lambda: {"user": "sessions_farm.communities.visitors.profile.user_fields"}
    )
    staff_of: str = ""  # dotted path: f(user) -> ids of the vendors that the user works for
    external_facts: str = ""  # dotted path: f(visitor or None, ExternalMember) -> dict, for external members


community_options = settings_reader("SESSIONS_FARM_COMMUNITIES", CommunityOptions)

"""How often one client may do a thing in a minute, counted over all nodes in the cache.

The bound for clients that keep no cookie at all and so escape every other one. Where the
cache is away nobody is refused.
"""

from __future__ import annotations

import hashlib
import ipaddress

from django.core.cache import cache
from django.http import HttpRequest

from sessions_farm.communities.conf import community_options

MINUTE = 60


def within_pace(request: HttpRequest, what: str) -> bool:
    """Count one more of what this client does; False beyond ``HANDOFF_STARTS_PER_MINUTE``."""
    key = f"handoff-pace:{what}:{client_of(request)}"
    if cache.add(key, 1, MINUTE):
        return True
    try:
        return (cache.incr(key) or 0) <= community_options().handoff_starts_per_minute
    except ValueError:  # it ran out between the two commands
        return True


def client_of(request: HttpRequest) -> str:
    """A network (IPv6: the /64 that one household has) and a browser's name, hashed: no address is stored."""
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
        network = str(ipaddress.ip_network((address, 64 if address.version == 6 else 32), strict=False))
    except ValueError:
        network = "unknown"
    return hashlib.sha256(f"{network} {request.headers.get('User-Agent', '')}".encode()).hexdigest()[:32]

"""A rate limit by client: a fixed window of a minute, counted over all nodes in the cache.

It bounds clients that keep no cookie at all and so escape every other bound. Where the cache is down all are allowed.
"""

from __future__ import annotations

from django.core.cache import cache
from django.http import HttpRequest

from sessions_farm.communities.conf import community_options
from sessions_farm.web import clients

MINUTE = 60


def allow(request: HttpRequest, action: str) -> bool:
    """Count one more action of a request's client; False beyond ``HANDOFF_STARTS_PER_MINUTE``."""
    key = f"handoff-rate:{action}:{clients.client_key(request)}"
    if cache.add(key, 1, MINUTE):
        return True
    try:
        return (cache.incr(key) or 0) <= community_options().handoff_starts_per_minute
    except ValueError:  # it expired between the two commands
        return True

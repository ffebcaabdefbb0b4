"""One visitor for tabs that a new browser opens at once: several reach the master before any of them has a cookie.

The first gets an id. Another that comes within a moment, from the same network and kind of browser, is redirected to
the master again: by then its browser has the cookie of the first. Ids are never shared by that likeness, which a
household or an office has too; another visitor only takes two redirects more.
"""

from __future__ import annotations

from django.core.cache import cache
from django.http import HttpRequest

from sessions_farm.communities.handoff import paths
from sessions_farm.communities.registry import Member
from sessions_farm.web import clients

MOMENT = 2  # seconds that an answer takes to reach a browser
MAX_RETRIES = 2  # redirects to the master again; the first may come before the other tab's answer


def is_first(request: HttpRequest, member: Member) -> bool:
    """Return whether no similar client got an id a moment ago, and make the next one a later one.

    True where the cache is down.
    """
    key = f"handoff-new:{member.community}:{clients.client_key(request)}"
    return bool(cache.add(key, 1, MOMENT)) or cache.get(key) is None


def retries_of(request: HttpRequest) -> int:
    """Return how often a request was redirected to the master again: 0 to MAX_RETRIES, for any text in its URL."""
    text = request.GET.get(paths.RETRIES, "")
    return min(int(text), MAX_RETRIES) if text.isdecimal() and len(text) == 1 else 0

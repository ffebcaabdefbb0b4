"""Keeps one browser from being two people, where its tabs come to the master at once and none has a cookie yet.

The first of them gets an id. Another that comes within a moment, from the same network and kind of browser, is sent to
this host again: by then its browser has the cookie that the first one brought. Ids are never shared out by that
likeness, which a household or an office has too; who is really another only takes two redirects more.
"""

from __future__ import annotations

from django.core.cache import cache
from django.http import HttpRequest

from sessions_farm.communities.handoff import paths, rate_limit
from sessions_farm.communities.registry import Member

MOMENT = 2  # seconds that an answer takes to reach a browser
MOST_TIMES = 2  # that a browser is sent here again; the first may come before the other tab's answer


def is_first(request: HttpRequest, member: Member) -> bool:
    """Whether nobody like this one got an id a moment ago; True where the cache is away. The next one is not first."""
    key = f"handoff-new:{member.community}:{rate_limit.client_of(request)}"
    return bool(cache.add(key, 1, MOMENT)) or cache.get(key) is None


def times_looked_again(request: HttpRequest) -> int:
    """How often this question was sent here again: 0 to MOST_TIMES, whatever the address says."""
    said = request.GET.get(paths.LOOKED_AGAIN, "")
    return min(int(said), MOST_TIMES) if said.isdecimal() and len(said) == 1 else 0

"""Keeps one browser from being two people, where its tabs come to the master at once and none has a cookie yet.

The first of them gets an id. Another that comes within a moment, from the same network and kind of browser, is sent to
this host once more: by then its browser has the cookie that the first one brought. Ids are never shared out by that
likeness, which a household or an office has too; who is really another only takes one redirect more.
"""

from __future__ import annotations

from django.core.cache import cache
from django.http import HttpRequest

from sessions_farm.communities import Member
from sessions_farm.handoff import pace

MOMENT = 2  # seconds that an answer takes to reach a browser


def is_first(request: HttpRequest, member: Member) -> bool:
    """Whether nobody like this one got an id a moment ago; True where the cache is away. The next one is not first."""
    key = f"handoff-new:{member.community}:{pace.client_of(request)}"
    return bool(cache.add(key, 1, MOMENT)) or cache.get(key) is None

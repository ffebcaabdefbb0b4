"""One visitor for tabs that a new browser opens at once: several reach the master before any of them has a cookie.

The first gets an id. Another that comes within a moment, from the same network and kind of browser, is redirected to
the master again: by then its browser has the cookie of the first. Ids are never shared by that likeness, which a
household, an office or a mobile network has too; another visitor only takes two redirects more.

A page of the master waits only where a similar client got an id by a code, which another host has by now. An id that
another page of the master gave is in no other place: the browser keeps the last of the two, and nothing is split.
"""

from __future__ import annotations

import enum

from django.core.cache import cache
from django.http import HttpRequest

from sessions_farm.communities.handoff import paths
from sessions_farm.communities.registry import Member
from sessions_farm.web import clients

MOMENT = 2  # seconds that an answer takes to reach a browser
MAX_RETRIES = 2  # redirects to the master again; the first may come before the other tab's answer


class By(enum.StrEnum):
    """The ways to get an id on the master."""

    CODE = "code"
    PAGE = "page"


def is_first(request: HttpRequest, member: Member, by: By) -> bool:
    """Return whether no similar client got an id a moment ago that this one could miss; note that this one does.

    True where the cache is down.
    """
    key = f"handoff-new:{member.community}:{clients.client_key(request)}"
    if cache.add(key, by.value, MOMENT):
        return True
    return cache.get(key) in ({None} if by is By.CODE else {None, By.PAGE.value})


def retries_of(request: HttpRequest) -> int:
    """Return how often a request was redirected to the master again: 0 to MAX_RETRIES, for any text in its URL."""
    text = request.GET.get(paths.RETRIES, "")
    return min(int(text), MAX_RETRIES) if text.isdecimal() and len(text) == 1 else 0

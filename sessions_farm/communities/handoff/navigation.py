"""What kind of request this is, by what browsers say of it (Fetch Metadata, Sec-Purpose, htmx)."""

from __future__ import annotations

import enum
import re
from functools import lru_cache

from django.http import HttpRequest

BOTS = re.compile(r"bot\b|bot/|crawl|spider|slurp|preview|headless-fetch|facebookexternalhit|lighthouse", re.IGNORECASE)


class Kind(enum.Enum):
    NAVIGATION = "a person's top-level GET"
    PREFETCH = "a top-level GET in advance, perhaps never looked at"
    PARTIAL = "a GET of htmx for a piece of a page"
    OTHER = "everything else: forms, fetch(), frames, images, bots, tools"


@lru_cache(maxsize=1024)  # most visitors have one of few browsers
def is_robot(agent: str) -> bool:
    return BOTS.search(agent) is not None


def kind_of(request: HttpRequest) -> Kind:
    """Positive evidence only: without Sec-Fetch headers (curl, most bots, plain HTTP) it is never a navigation."""
    if request.method != "GET" or is_robot(request.headers.get("User-Agent", "")):
        return Kind.OTHER
    if request.headers.get("HX-Request") == "true":
        return Kind.PARTIAL
    if not is_top_level(request):
        return Kind.OTHER
    return Kind.PREFETCH if is_prefetch(request) else Kind.NAVIGATION


def is_top_level(request: HttpRequest) -> bool:
    headers = request.headers
    return headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"


def is_prefetch(request: HttpRequest) -> bool:
    purposes = (request.headers.get("Sec-Purpose", ""), request.headers.get("Purpose", ""))
    return any("prefetch" in purpose for purpose in purposes)


def may_be_top_level(request: HttpRequest) -> bool:
    """For the endpoints: top-level, or a client that says nothing of it; a frame, image or script says otherwise."""
    silent = "Sec-Fetch-Mode" not in request.headers and "Sec-Fetch-Dest" not in request.headers
    return (silent or is_top_level(request)) and not is_prefetch(request)

"""Tell kinds of requests apart by the headers of browsers (Fetch Metadata, Sec-Purpose, htmx)."""

from __future__ import annotations

import enum

from django.http import HttpRequest

from sessions_farm.web import clients


class RequestKind(enum.Enum):
    """The kinds of requests that hand-offs treat differently."""

    NAVIGATION = "a person's top-level GET"
    PREFETCH = "a top-level GET in advance, perhaps never looked at"
    PARTIAL = "a GET of htmx for a piece of a page"
    OTHER = "everything else: forms, fetch(), frames, images, bots, tools"


def kind_of_request(request: HttpRequest) -> RequestKind:
    """Return a request's kind by positive evidence: without Sec-Fetch headers it is never a navigation.

    Curl, most bots and browsers over plain HTTP send none.
    """
    if request.method != "GET" or clients.is_bot(request.headers.get("User-Agent", "")):
        return RequestKind.OTHER
    if request.headers.get("HX-Request") == "true":
        return RequestKind.PARTIAL
    if not is_top_level(request):
        return RequestKind.OTHER
    return RequestKind.PREFETCH if clients.is_prefetch(request) else RequestKind.NAVIGATION


def is_top_level(request: HttpRequest) -> bool:
    """Return whether the browser says that the request is for a page of its own."""
    headers = request.headers
    return headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"


def may_be_top_level(request: HttpRequest) -> bool:
    """Return whether a request to an endpoint is top-level, or from a client that says nothing about it.

    A frame, an image, a script and a prefetch say otherwise.
    """
    is_silent = "Sec-Fetch-Mode" not in request.headers and "Sec-Fetch-Dest" not in request.headers
    return (is_silent or is_top_level(request)) and not clients.is_prefetch(request)

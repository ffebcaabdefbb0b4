"""Tell kinds of requests apart by the headers of browsers (Fetch Metadata and its elders, Sec-Purpose, htmx)."""

from __future__ import annotations

import enum

from django.http import HttpRequest

from sessions_farm.communities.robots import is_robot
from sessions_farm.web import clients


class RequestKind(enum.Enum):
    """The kinds of requests that hand-offs treat differently."""

    NAVIGATION = "a person's top-level GET"
    PREFETCH = "a top-level GET in advance, perhaps never looked at"
    PARTIAL = "a GET of htmx for a piece of a page"
    OTHER = "everything else: forms, fetch(), frames, images, robots, tools"


def kind_of_request(request: HttpRequest) -> RequestKind:
    """Return a request's kind by positive evidence. Robots are never led anywhere."""
    if request.method != "GET" or is_robot(request.headers.get("User-Agent", "")):
        return RequestKind.OTHER
    if request.headers.get("HX-Request") == "true":
        return RequestKind.PARTIAL
    if not is_top_level(request):
        return RequestKind.OTHER
    return RequestKind.PREFETCH if clients.is_prefetch(request) else RequestKind.NAVIGATION


def is_top_level(request: HttpRequest) -> bool:
    """Return whether the browser says that the request is for a page of its own.

    It says so by Fetch Metadata. Safari before 16.4, browsers inside other applications and any browser over plain HTTP
    send none: there ``Upgrade-Insecure-Requests`` and ``Accept`` tell, as Fetch and Upgrade Insecure Requests have them
    on navigations alone. A frame without Fetch Metadata looks the same; it gets a redirect and then its page.
    """
    headers = request.headers
    if not is_silent(request):
        return headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"
    return headers.get("Upgrade-Insecure-Requests") == "1" and headers.get("Accept", "").startswith("text/html,")


def is_silent(request: HttpRequest) -> bool:
    """Return whether a client sends no Fetch Metadata."""
    return "Sec-Fetch-Mode" not in request.headers and "Sec-Fetch-Dest" not in request.headers


def may_be_top_level(request: HttpRequest) -> bool:
    """Return whether a request to an endpoint is top-level, or from a client that says nothing about it.

    A frame, an image, a script and a prefetch say otherwise.
    """
    return (is_silent(request) or is_top_level(request)) and not clients.is_prefetch(request)

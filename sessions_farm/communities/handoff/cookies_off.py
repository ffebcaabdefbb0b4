"""Browsers that keep no cookies: the mark ``_mall=nc`` of a page without an id goes along with the links on it.

A hand-off that finds no cookies ends at a marked address, where none begins again. Such a browser remembers nothing, so
without the mark each link that it follows would cost a hand-off anew. The links of its pages get the mark in passing
here; where one has none (a search form, a link made by a script), the Referer tells that the page before had it.

A marked page sets a verifier's cookie for a trial. With a browser that keeps it, to whom a marked address was sent, the
mark goes no further; and it leaves the address where the browser is known.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.http import HttpResponse, HttpResponseBase

from sessions_farm.communities.handoff import paths, verifier
from sessions_farm.communities.links import origin
from sessions_farm.communities.registry import registry
from sessions_farm.web import cookies

if TYPE_CHECKING:
    from django.http import HttpRequest

    from sessions_farm.communities.registry import Member

MARK = re.compile(rf"([?&]){paths.GAVE_UP}(?:&|$)")
LINK = re.compile(
    rb"""(?P<tag><a\s(?:[^>]*?\s)?href=["'])(?P<url>(?:https?://(?P<host>[a-z0-9.-]+)|/(?!/)|\?)[^"'#]*)""",
    re.IGNORECASE,
)


def is_marked(query: str) -> bool:
    """Return whether an address's query has the mark."""
    return MARK.search(f"?{query}") is not None


def unmarked(path: str) -> str:
    """Return a path (with query) without the mark."""
    return MARK.sub(r"\1", path).rstrip("?&")


def has_marked_address(request: HttpRequest) -> bool:
    """Return whether a request's address has the mark, or that of the page that htmx asks for a piece of."""
    queries = (request.META.get("QUERY_STRING", ""), _query_of(request.headers.get("HX-Current-URL", "")))
    return any(is_marked(query) for query in queries)


def keeps_no_cookies(request: HttpRequest, client: Member) -> bool:
    """Return whether a request comes from a marked page, or for one, without any cookie of ours."""
    names = (cookies.name_for(client), verifier.verifier_cookie(client), verifier.gave_up_cookie(client))
    if any(name in request.COOKIES for name in names):
        return False
    return has_marked_address(request) or _follows_marked_page(request, client)


def carry_mark(response: HttpResponseBase, client: Member) -> None:
    """Let a page's links within the community carry the mark; the cookie for a trial keeps the page out of caches."""
    is_html = response.get("Content-Type", "").startswith("text/html") and "Content-Encoding" not in response
    if isinstance(response, HttpResponse) and is_html:
        response.content = LINK.sub(lambda found: _marked_link(found, client), response.content)
        if "Content-Length" in response:
            response["Content-Length"] = str(len(response.content))
    verifier.set_verifier(response, client, verifier.new_verifier().count())


def _follows_marked_page(request: HttpRequest, client: Member) -> bool:
    """Return whether the page that led here, on this same host, had the mark; other hosts' Referers have no query."""
    referer = request.headers.get("Referer", "")
    return referer.startswith(f"{origin(client.host)}/") and is_marked(_query_of(referer))


def _query_of(url: str) -> str:
    try:
        return urlsplit(url).query
    except ValueError:
        return ""


def _marked_link(found: re.Match[bytes], client: Member) -> bytes:
    """Return a link of a page (HTML, so its ampersands are escaped) with the mark; another site's as it is."""
    mark = paths.GAVE_UP.encode()
    url, host = found["url"], found["host"]
    other = registry.resolve(host.decode()) if host else client
    if mark in url or other is None or other.community_id != client.community_id:
        return found[0]
    return found["tag"] + url + (b"&amp;" if b"?" in url else b"?") + mark

"""A page in the place of a redirect from the master to another host, where a form of the master may have led to it.

Browsers hold each redirect after a form against ``form-action`` (CSP 3, 6.4.1.1; Chromium and Safari do). A list of all
hosts there would be in the headers of every page and grow with each domain. So a form's answer leads to other hosts by
a page that the browser opens as any other: at once, by ``<meta http-equiv="refresh">``, or by its link.

A form is answered on its own host first, and may be led on from there; that request is a GET like one by a link. So the
page stands for each redirect whose request came from a page of the master itself.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string

from sessions_farm.communities.links import origin
from sessions_farm.communities.registry import Member, registry

LEADING = {301, 302, 303}  # 307 and 308 send the form itself on, which no page can
SAFE = {"GET", "HEAD"}
OF_THE_REDIRECT = {"Location", "Content-Type", "Content-Length"}


class OnwardMiddleware:
    """Stands outside all that may redirect. htmx and scripts get their answers as they are: they follow no policy."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        member = getattr(getattr(request, "mall", None), "member", None)
        if response.status_code not in LEADING or member is None or not member.is_master:
            return response
        url = response["Location"]
        if leads_to_another_host(url, member) and may_follow_a_form(request, member):
            return onward_page(url, response)
        return response


def leads_to_another_host(url: str, here: Member) -> bool:
    """Return whether a URL is on another host of the community."""
    host = urlsplit(url).hostname or here.host
    other = registry.resolve(host)
    return host != here.host and other is not None and other.community_id == here.community_id


def may_follow_a_form(request: HttpRequest, here: Member) -> bool:
    """Return whether a browser sent a form here, or navigates from a page of this host."""
    headers = request.headers
    if "HX-Request" in headers or headers.get("Sec-Fetch-Mode", "navigate") != "navigate":
        return False
    if request.method not in SAFE:
        return True
    if site := headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    return headers.get("Referer", "").startswith(f"{origin(here.host)}/")


def onward_page(url: str, redirect: HttpResponseBase) -> HttpResponse:
    """Return the page that leads to a URL, with the redirect's cookies and other headers."""
    page = HttpResponse(render_to_string("mall/onward.html", {"url": url}))
    for name, value in redirect.items():
        if name not in OF_THE_REDIRECT:
            page[name] = value
    page.cookies.update(redirect.cookies)
    page["Cache-Control"] = "private, no-store"
    page["X-Robots-Tag"] = "noindex"
    return page

"""A browser for tests over several hosts: a cookie jar for each, the headers of navigations, redirects followed.

Django's test client has one jar for all hosts, so it cannot see a cookie that leaks from one to another, or fails to.
"""

from __future__ import annotations

import copy
import html
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from django.http import HttpResponseBase
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from sessions_farm.testing.jar import Cookie, CookieJar

MAX_REDIRECTS = 20
REDIRECTS = {301, 302, 303, 307, 308}
KEEP_METHOD = {307, 308}
CSRF_FIELD = re.compile(rb'name="csrfmiddlewaretoken"\s+value="([^"]+)"')
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
_addresses = itertools.count(1)


class TooManyRedirects(Exception):
    """What a browser shows as "redirected you too many times"."""


class BlockedByPolicy(Exception):
    """The page's CSP forbids where a form's answer leads."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One request of a navigation and what it was answered."""

    method: str
    url: str
    status: int
    response: HttpResponseBase

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""


@dataclass(slots=True)
class Step:
    """The next request of a navigation."""

    method: str
    url: str
    referer: str
    site: str  # Sec-Fetch-Site: it only ever gets farther on the way
    data: Any = None


FARNESS = ["none", "same-origin", "same-site", "cross-site"]


class BrowserClient:
    """``get`` is an address typed in, ``click`` a link on the page, ``post`` a form on it; each follows redirects.

    ``url``, ``response`` and ``hops`` are those of the last navigation. ``headers`` go with every request (a null value
    takes one away), so ``BrowserClient(headers={"Sec-Fetch-Mode": None})`` is a client that says nothing of itself.
    Requests come from an address of their own for each browser.
    """

    def __init__(self, *, cookies: bool = True, headers: Mapping[str, str | None] | None = None) -> None:
        self.cookies = CookieJar(accepts=cookies)
        self.headers = dict(headers or {})
        self.url = ""
        self.response: Any = None
        self.hops: list[Hop] = []
        number = next(_addresses)
        self.address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        self._client = Client(enforce_csrf_checks=True)

    def get(self, url: str, **headers: str | None) -> Any:
        return self._navigate(Step("GET", urljoin(self.url, url), "", "none"), headers)

    def click(self, url: str, **headers: str | None) -> Any:
        return self._navigate(self._from_page("GET", url), headers)

    def post(self, url: str, data: Mapping[str, Any] | None = None, **headers: str | None) -> Any:
        step = self._from_page("POST", url)
        step.data = self._csrf() | dict(data or {})
        origin = origin_of(self.url or step.url)
        return self._navigate(step, {"Origin": origin} | headers)

    def jar(self, host: str) -> dict[str, str]:
        return self.cookies.of(host)

    def plant(self, host: str, name: str, value: str, domain: str = "") -> None:
        """Put a cookie as another page could have set it, past the rules for names."""
        self.cookies.put(host, Cookie(name, value, domain))

    @property
    def redirects(self) -> int:
        return sum(hop.status in REDIRECTS for hop in self.hops)

    def twin(self) -> BrowserClient:
        """The same browser in another tab: what it does with its cookies from now on is its own."""
        other = BrowserClient(headers=self.headers)
        other.cookies = copy.deepcopy(self.cookies)
        other.url, other.response, other.address = self.url, self.response, self.address
        return other

    def request(self, step: Step, headers: Mapping[str, str | None] | None = None) -> Any:
        """One request, no redirect followed; its cookies are kept."""
        url = urlsplit(step.url)
        host, secure = url.hostname or "", url.scheme == "https"
        cross_site = step.site == "cross-site"
        cookie = self.cookies.header(host, secure=secure, cross_site=cross_site, method=step.method)
        environ = environ_of(
            url, self._headers_of(step) | self.headers | dict(headers or {}) | {"Cookie": cookie or None}
        )
        path = url.path + (f"?{url.query}" if url.query else "")
        self._client.cookies.clear()
        response = self._client.generic(
            step.method,
            path or "/",
            secure=secure,
            REMOTE_ADDR=self.address,
            **body_of(step),
            **environ,
        )
        self.cookies.take(host, response.cookies, secure=secure)
        return response

    def _navigate(self, step: Step, headers: Mapping[str, str | None]) -> Any:
        self.hops = []
        policy = form_action(self.response) if step.method == "POST" else None
        while True:
            require_allowed(policy, self.url, step.url)
            response = self.request(step, headers)
            self.hops.append(Hop(step.method, step.url, response.status_code, response))
            if response.status_code not in REDIRECTS:
                break
            if len(self.hops) > MAX_REDIRECTS:
                raise TooManyRedirects(" → ".join(hop.url for hop in self.hops))
            step = redirected(step, response)
        self.url, self.response = step.url, response
        return response

    def _from_page(self, method: str, url: str) -> Step:
        target = urljoin(self.url, html.unescape(url))
        if not self.url:
            return Step(method, target, "", "none")
        policy = self.response.headers.get("Referrer-Policy", "")
        return Step(method, target, referer_for(self.url, target, policy), site_of(self.url, target))

    def _headers_of(self, step: Step) -> dict[str, str | None]:
        return {
            "User-Agent": AGENT,
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
            "Sec-Fetch-User": "?1",
            "Sec-Fetch-Site": step.site,
            "Referer": step.referer or None,
        }

    def _csrf(self) -> dict[str, Any]:
        found = CSRF_FIELD.search(getattr(self.response, "content", b"") or b"")
        return {"csrfmiddlewaretoken": html.unescape(found[1].decode())} if found else {}


def redirected(step: Step, response: Any) -> Step:
    """The request that a redirect asks for: its referrer and its distance carry on."""
    target = urljoin(step.url, response["Location"])
    policy = response.headers.get("Referrer-Policy", "")
    referer = "" if policy == "no-referrer" else referer_for(step.referer, target, policy)
    keeps = response.status_code in KEEP_METHOD
    site = max(step.site, site_of(step.url, target) if step.site != "none" else "none", key=FARNESS.index)
    return Step(step.method if keeps else "GET", target, referer, site, step.data if keeps else None)


def referer_for(page: str, target: str, policy: str) -> str:
    """By ``strict-origin-when-cross-origin``, every browser's default."""
    if not page or policy in {"no-referrer", "same-origin"}:
        return ""
    if origin_of(page) == origin_of(target):
        return page.partition("#")[0]
    return f"{origin_of(page)}/"


def site_of(page: str, target: str) -> str:
    if origin_of(page) == origin_of(target):
        return "same-origin"
    return "same-site" if registrable(page) == registrable(target) else "cross-site"


def registrable(url: str) -> str:
    """Two labels: near enough to the Public Suffix List for the hosts of tests."""
    return ".".join((urlsplit(url).hostname or "").split(".")[-2:])


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def environ_of(url: SplitResult, headers: Mapping[str, str | None]) -> dict[str, Any]:
    said = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items() if value is not None}
    return said | {"HTTP_HOST": url.netloc}


def body_of(step: Step) -> dict[str, Any]:
    if step.method in {"GET", "HEAD"}:
        return {}
    return {"data": encode_multipart(BOUNDARY, step.data or {}), "content_type": MULTIPART_CONTENT}


def form_action(page: Any) -> list[str] | None:
    """The sources of the page's ``form-action``; None where its policy says nothing of it."""
    policy = page.headers.get("Content-Security-Policy", "") if page is not None else ""
    for directive in policy.split(";"):
        name, *sources = directive.split() or [""]
        if name == "form-action":
            return sources
    return None


def require_allowed(sources: list[str] | None, page: str, target: str) -> None:
    """Hold a form's request and each redirect after it against ``form-action``, as Chromium does."""
    if sources is None or not target:
        return
    wanted = origin_of(target)
    for source in sources:
        pattern = origin_of(page) if source == "'self'" else source
        if re.fullmatch(re.escape(pattern).replace(r"\*", "[^/:]+"), wanted):
            return
    raise BlockedByPolicy(f"A form on {page} may not lead to {wanted}; its form-action is {' '.join(sources)}.")

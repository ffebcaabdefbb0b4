"""A browser for tests over several hosts: a cookie jar for each, the headers of navigations, redirects followed.

Django's test client has one jar for all hosts, so it cannot see a cookie that leaks from one to another, or fails to.
Requests go to Django in this process, or by another transport (``wire``) to nodes that run.
"""

from __future__ import annotations

import copy
import html
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import SplitResult, urljoin, urlsplit

from django.http import HttpResponseBase
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from sessions_farm.testing.jar import Cookie, CookieJar

MAX_REDIRECTS = 20
REDIRECTS = {301, 302, 303, 307, 308}
KEEP_METHOD = {307, 308}
REFRESH = re.compile(rb'<meta http-equiv="refresh" content="0; url=([^"]+)">')
CSRF_FIELD = re.compile(rb'name="csrfmiddlewaretoken"\s+value="([^"]+)"')
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
_addresses = itertools.count(1)


class TooManyRedirectsError(Exception):
    """What a browser shows as "redirected you too many times"."""


class BlockedByPolicyError(Exception):
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


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One request as it leaves the browser."""

    method: str
    url: SplitResult
    headers: dict[str, str]  # all of them but Host
    body: bytes
    address: str  # the browser's own

    @property
    def host(self) -> str:
        return self.url.hostname or ""

    @property
    def target(self) -> str:
        return (self.url.path or "/") + (f"?{self.url.query}" if self.url.query else "")


class Transport(Protocol):
    """How a request reaches the site. The answer has what tests read of Django's: status, headers, content, cookies."""

    def send(self, request: Outgoing) -> Any: ...


class InProcess:
    """Django in this process, asked by its own test client; answers carry their ``wsgi_request`` too."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def send(self, request: Outgoing) -> Any:
        self._client.cookies.clear()
        headers = dict(request.headers)
        kind = headers.pop("Content-Type", "")
        body: dict[str, Any] = {"data": request.body, "content_type": kind} if kind else {}
        return self._client.generic(
            request.method,
            request.target,
            secure=request.url.scheme == "https",
            REMOTE_ADDR=request.address,
            **body,
            **environ_of(request.url, headers),
        )


FARNESS = ["none", "same-origin", "same-site", "cross-site"]


class BrowserClient:
    """``get`` is an address typed in, ``click`` a link on the page, ``post`` a form on it; each follows redirects.

    A page that leads to another at once (``<meta http-equiv="refresh">``) is followed too, as a navigation of its own.

    ``url``, ``response`` and ``hops`` are those of the last navigation. ``headers`` go with every request (a null value
    takes one away), so ``BrowserClient(headers={"Sec-Fetch-Mode": None})`` is a client that says nothing of itself.
    Requests come from an address of their own for each browser.
    """

    def __init__(
        self,
        *,
        cookies: bool = True,
        headers: Mapping[str, str | None] | None = None,
        transport: Transport | None = None,
    ) -> None:
        self.cookies = CookieJar(accepts=cookies)
        self.headers = dict(headers or {})
        self.url = ""
        self.response: Any = None
        self.hops: list[Hop] = []
        number = next(_addresses)
        self.address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        self._client = Client(enforce_csrf_checks=True)
        self.transport = transport or InProcess(self._client)

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
        other = self.tab()
        other.cookies = copy.deepcopy(self.cookies)
        return other

    def tab(self) -> BrowserClient:
        """Another tab of this browser, with the same cookies; it may load pages in another thread at the same time."""
        transport = None if isinstance(self.transport, InProcess) else self.transport
        other = BrowserClient(headers=self.headers, transport=transport)
        other.cookies, other.address = self.cookies, self.address
        other.url, other.response = self.url, self.response
        return other

    def request(self, step: Step, headers: Mapping[str, str | None] | None = None) -> Any:
        """One request, no redirect followed; its cookies are kept."""
        url = urlsplit(step.url)
        host, secure = url.hostname or "", url.scheme == "https"
        cross_site = step.site == "cross-site"
        cookie = self.cookies.header(host, secure=secure, cross_site=cross_site, method=step.method)
        said = self._headers_of(step) | type_of(step) | self.headers | dict(headers or {}) | {"Cookie": cookie or None}
        given = {name: value for name, value in said.items() if value is not None}
        response = self.transport.send(Outgoing(step.method, url, given, body_of(step), self.address))
        self.cookies.take(host, response.cookies, secure=secure)
        return response

    def _navigate(self, step: Step, headers: Mapping[str, str | None]) -> Any:
        self.hops = []
        policy = form_action(self.response) if step.method == "POST" else None
        while True:
            require_allowed(policy, self.url, step.url)
            response = self.request(step, headers)
            self.hops.append(Hop(step.method, step.url, response.status_code, response))
            if len(self.hops) > MAX_REDIRECTS:
                raise TooManyRedirectsError(" → ".join(hop.url for hop in self.hops))
            if response.status_code in REDIRECTS:
                step = redirected(step, response)
            elif found := REFRESH.search(getattr(response, "content", b"") or b""):
                self.url, self.response, policy = step.url, response, None
                step = self._from_page("GET", found[1].decode())
            else:
                break
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


def environ_of(url: SplitResult, headers: Mapping[str, str]) -> dict[str, Any]:
    said = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return said | {"HTTP_HOST": url.netloc}


def type_of(step: Step) -> dict[str, str | None]:
    return {} if step.method in {"GET", "HEAD"} else {"Content-Type": MULTIPART_CONTENT}


def body_of(step: Step) -> bytes:
    return b"" if step.method in {"GET", "HEAD"} else encode_multipart(BOUNDARY, step.data or {})


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
    raise BlockedByPolicyError(f"A form on {page} may not lead to {wanted}; its form-action is {' '.join(sources)}.")

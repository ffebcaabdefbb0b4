"""Sessions without cookies: the id stands in each address of the page, ``/(s:TOKEN)/page`` (ASP.NET's cookieless).

Off unless a community's ``cookieless`` is on and CookielessMiddleware is listed, for the risk is real: whoever gets
hold of an address, within its life and from the same network and kind of browser, is the visitor.

- **Who**: a visitor whose browser sends any cookie is served with cookies, always. The first page that a browser asks
  for without one goes by ``/(s:ask)/page`` with a cookie for a trial: where it comes along, to ``/page`` again; where
  it does not, to ``/(s:TOKEN)/page``. Robots, scripts, frames and prefetches are not asked.
- **How**: the token is Django's script prefix, so ``{% url %}``, ``reverse()``, forms and redirects carry it, those to
  literal paths too. Static files, media and ``/.mall/`` are never prefixed. Literal paths in templates lose it.
  SessionMiddleware knows nothing of it: the middleware here hands it the id as a cookie, and takes its cookie back.
- **Bounds**: a token is good on its host, in its browser, for ``COOKIELESS_AGE``; links of a page get a fresh one after
  a quarter of that. Signing in or out gives another id, and so another token. Members of staff, of the site or of a
  vendor, sign in with cookies only. A token that proves nothing leads to the page's own address, for a fresh start.
- **CSRF**: forms are protected as ever, by a secret in the session (``CSRF_USE_SESSIONS``) or one made of the id.
- **No hand-off**: the session of a visitor without cookies stays on its host.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import set_script_prefix
from django.utils.deprecation import MiddlewareMixin
from django.utils.http import escape_leading_slashes
from django.utils.module_loading import import_string

from sessions_farm.communities import links
from sessions_farm.communities.conf import community_options
from sessions_farm.communities.handoff import navigation, paths
from sessions_farm.communities.handoff.responses import confidential
from sessions_farm.communities.identity import path_tokens
from sessions_farm.communities.robots import is_robot
from sessions_farm.conf import options
from sessions_farm.session.session import SessionStore
from sessions_farm.stores.effects.effects import InDjangoThread, run_async, run_sync
from sessions_farm.web import cookies, tokens
from sessions_farm.web.decorators import Mode, mode_of

if TYPE_CHECKING:
    from sessions_farm.communities.context import MallRequest
    from sessions_farm.communities.registry import Member
    from sessions_farm.session.ids import Proof
    from sessions_farm.stores.effects.effects import Effects

ASK = "ask"
REFUSAL = "Members of staff sign in with cookies only: their session must not stand in an address."
SAFE = {"GET", "HEAD"}
LEADING = ("Location", "HX-Redirect", "HX-Location")  # headers that say where a browser goes next


class CookielessMiddleware(MiddlewareMixin):
    """Stands before SessionMiddleware; only communities with ``cookieless`` are served without cookies."""

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        if self.async_mode:
            self.process_view = self.aprocess_view  # type: ignore[assignment, method-assign]  # Django asks which of the two it is

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = self.process_request(request) or await self.get_response(request)  # type: ignore[misc]  # a coroutine here
        return self.process_response(request, response)

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        mall = getattr(request, "mall", None)
        return enter(request, mall.member) if mall and mall.member and mall.member.cookieless else None

    def process_view(self, request: HttpRequest, view: Callable[..., Any], _args: object, _kwargs: object) -> None:
        if carried_by(request) and mode_of(view) is not Mode.OFF:
            run_sync(end_session_of_staff_effects(request))

    async def aprocess_view(
        self, request: HttpRequest, view: Callable[..., Any], _args: object, _kwargs: object
    ) -> None:
        if carried_by(request) and mode_of(view) is not Mode.OFF:
            await run_async(end_session_of_staff_effects(request))

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        seal(cast("MallRequest", request), response)
        return response


@dataclass(frozen=True, slots=True)
class Carried:
    """What a request's address carries (``request.carried``): an id, and the token of all addresses on its page."""

    proof: Proof
    token: str
    base: str  # the script prefix of the site itself, "/" mostly

    @property
    def prefix(self) -> str:
        return f"{self.base}(s:{self.token})/"


def carried_by(request: HttpRequest) -> Carried | None:
    return getattr(request, "carried", None)


def enter(request: HttpRequest, member: Member) -> HttpResponse | None:
    """Take the token from the path before anything reads the path; a response is a redirect that must come first."""
    # As every server does at each request; what was raised through all middleware might have left a token.
    set_script_prefix(base_of(request))
    found = path_tokens.SHAPE.fullmatch(request.path_info)
    if found is None:
        return ask(request, member) if is_asked(request) else None
    place(request, base_of(request), found["rest"] or "/")
    is_safe = request.method in SAFE
    if is_bare(request) or request.COOKIES:
        return lead_to(request) if is_safe else None
    proof = path_tokens.prove(request, member, found["token"])
    if proof is not None:
        carry(request, member, proof)
    elif is_safe:
        starts = found["token"] == ASK
        return lead_to(request, path_tokens.make(request, member, member.new_id()) if starts else "")
    return None


def is_asked(request: HttpRequest) -> bool:
    """Whether to find out if the browser keeps cookies: a person's page, and nothing shows it yet."""
    headers = request.headers
    return (
        request.method in SAFE
        and not request.COOKIES
        and "text/html" in headers.get("Accept", "")
        and "HX-Request" not in headers
        and navigation.may_be_top_level(request)
        and not is_robot(headers.get("User-Agent", ""))
        and not is_bare(request)
    )


def is_bare(request: HttpRequest) -> bool:
    """Whether the path never carries a token: the hand-off's, static files, media.

    Asked for before any token is the script prefix: Django reckons relative ``STATIC_URL`` and ``MEDIA_URL`` once, with
    the prefix of that moment, and would give one visitor's token to all.
    """
    return leads_bare(base_of(request), request.path_info)


def base_of(request: HttpRequest) -> str:
    """Where the site is mounted, as a script prefix."""
    return f"{request.META.get('SCRIPT_NAME', '').rstrip('/')}/"


def leads_bare(base: str, path: str) -> bool:
    roots = [url for url in (settings.STATIC_URL, settings.MEDIA_URL) if url and url not in {"/", base}]
    return path.startswith(paths.PREFIX) or any(f"{base.rstrip('/')}{path}".startswith(root) for root in roots)


def ask(request: HttpRequest, member: Member) -> HttpResponse:
    response = lead_to(request, ASK)
    cookies.set_cookie(response, f"{cookies.name_for(member)}-ck", "1", options().cookie_age)
    return response


def lead_to(request: HttpRequest, token: str = "") -> HttpResponse:
    """The same page with another token, or none."""
    prefix = f"{base_of(request)}(s:{token})" if token else base_of(request).rstrip("/")
    # "/(s:x)//evil.test" must not become "//evil.test", which is another host's address.
    return confidential(HttpResponseRedirect(prefix + escape_leading_slashes(request.get_full_path_info())))


def carry(request: HttpRequest, member: Member, proof: Proof) -> None:
    """Let the request be one of this id, and everything that reverses a URL until its end carry the token."""
    issued = None if path_tokens.is_due(proof) else proof.issued_at
    carried = Carried(proof, path_tokens.make(request, member, proof.id, issued), base_of(request))
    request.carried = carried  # type: ignore[attr-defined]  # ours on Django's request
    place(request, carried.prefix, request.path_info)
    set_script_prefix(carried.prefix)
    request.COOKIES[cookies.name_for(member)] = cookies.seal(member, proof.id, now=proof.issued_at)
    if not settings.CSRF_USE_SESSIONS:
        request.COOKIES[settings.CSRF_COOKIE_NAME] = csrf_secret(proof.id)
    if request.headers.get("Origin", "null") == "null" and "Referer" not in request.headers:
        # What "no-referrer" makes browsers say of our own pages' forms (Fetch, 3.2). No other site's page can name
        # this address: the token, which no browser sends by itself, proves the origin as well as the header would.
        request.META["HTTP_ORIGIN"] = f"{request.scheme}://{request.get_host()}"


def place(request: HttpRequest, prefix: str, path: str) -> None:
    """Let the request be for ``path`` of an application mounted at ``prefix`` (PEP 3333)."""
    script = prefix.rstrip("/")
    request.path_info = request.META["PATH_INFO"] = path
    request.path = script + path
    request.META["SCRIPT_NAME"] = script
    if hasattr(request, "script_name"):  # under ASGI
        request.script_name = script


def csrf_secret(session_id: str) -> str:
    """What the CSRF cookie would hold: 32 letters and digits that only we can make of the id."""
    return hashlib.sha256(tokens.mac("path-csrf", session_id).encode()).hexdigest()[:32]


def renew_token(request: MallRequest, carried: Carried, response: HttpResponseBase) -> Carried:
    """Let the response's addresses carry the id that SessionMiddleware sends as a cookie, if it is another one."""
    member: Any = request.mall.member
    morsel = response.cookies.get(cookies.name_for(member))
    proof = cookies.prove(member, morsel.value) if morsel else None
    session_id = proof.id if proof else None
    if session_id is None and needs_new_id(request.session) and response.status_code < 500:
        session_id = member.new_id()
    if session_id in {None, carried.proof.id}:
        return carried
    token = path_tokens.make(request, member, session_id or "")
    replace_token(response, carried.token, token)
    return replace(carried, token=token)


def needs_new_id(session: object) -> bool:
    """Return whether the session ended here or elsewhere: only an address can bring the browser a new id."""
    if not isinstance(session, SessionStore) or session.session_key is not None:
        return False
    return not (session.in_grace or session.read_only_for)


def replace_token(response: HttpResponseBase, old: str, new: str) -> None:
    """Replace the old token everywhere: it is too hard to guess to stand anywhere by accident."""
    for name, value in response.items():
        response[name] = value.replace(old, new)
    if isinstance(response, HttpResponse) and "Content-Encoding" not in response:
        content = response.content.replace(old.encode(), new.encode())
        if content != response.content:
            response.content = content
            if "Content-Length" in response:
                response["Content-Length"] = str(len(content))


def seal(request: MallRequest, response: HttpResponseBase) -> None:
    """Let the response stay with this browser, and its address with this page; give the script prefix back."""
    carried = carried_by(request)
    if carried is None:
        return
    carried = renew_token(request, carried, response)
    for name in LEADING:
        if parted := part(response.get(name, ""), origins_of(request)):
            response[name] = parted[0] + with_token(carried, parted[1])
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    member: Any = request.mall.member
    for name in (cookies.name_for(member), settings.CSRF_COOKIE_NAME):
        response.cookies.pop(name, None)
    if not response.streaming:  # a streamed body still reverses URLs; the next request sets its own prefix
        set_script_prefix(carried.base)


def munge_url(request: HttpRequest, url: str) -> str:
    """An absolute URL that leads back to this visitor from outside (ASP.NET's ApplyAppPathModifier).

    For the address that a payment gateway or sign-in service sends the *browser* back to. ``url`` is a path on this
    host or an absolute URL on it. A visitor with cookies gets it absolute and otherwise as it is. A call-back from
    server to server comes from another network: its token would prove nothing, and it needs none.

    Raise ValueError for another host's URL: its site would learn the token.
    """
    origins, carried = origins_of(request), carried_by(request)
    parted = part(url, origins)
    if parted is None:
        raise ValueError(
            f"{url!r} is not on this host ({origins[0]}), and a visitor's token must not leave it. "
            "Give a path that begins with one slash, or a URL on this host."
        )
    origin, path = parted
    return (origin or origins[0]) + (with_token(carried, path) if carried else path)


def with_token(carried: Carried, path: str) -> str:
    """A path of this host with the token in it; as it is, where it has one, never has one, or is not the site's."""
    below = "/" + path.removeprefix(carried.base)
    if not path.startswith(carried.base) or path_tokens.SHAPE.match(below) or leads_bare(carried.base, below):
        return path
    return carried.prefix + below[1:]


def part(url: str, origins: list[str]) -> tuple[str, str] | None:
    """Return a URL's origin ("" for a path) and the rest; None where a browser might go to another host."""
    if "\\" in url or not url.isprintable() or url.startswith("//"):
        return None
    if url.startswith("/"):
        return "", url
    for origin in origins:
        rest = url[len(origin) :]
        if url.lower().startswith(origin) and rest[:1] in {"", "/", "?", "#"}:
            return origin, rest if rest.startswith("/") else f"/{rest}"
    return None


def origins_of(request: HttpRequest) -> list[str]:
    """This host as browsers see it, and as this request names it."""
    mall: Any = getattr(request, "mall", None)
    asked = f"{request.scheme}://{request.get_host()}".lower()
    return [links.origin(mall.member.host), asked] if mall and mall.member else [asked]


def refuse_staff(request: HttpRequest, user: Any) -> None:
    """Undo the sign-in of somebody whose address must open nothing. Raise PermissionDenied."""
    if carried_by(request) is None or not is_staff(user):
        return
    request.session.flush()
    request.user = AnonymousUser()
    raise PermissionDenied(REFUSAL)


def end_session_of_staff_effects(request: HttpRequest) -> Effects[None]:
    """End the session of a person who has become staff since the sign-in. Raise PermissionDenied."""
    session: SessionStore = request.session  # type: ignore[assignment]  # SessionMiddleware's
    variables = yield from session.peek_effects()
    if SESSION_KEY not in variables or not hasattr(request, "user"):
        return
    if (yield InDjangoThread(lambda: is_staff(request.user))):
        yield from session.flush_effects()
        request.user = AnonymousUser()
        raise PermissionDenied(REFUSAL)


def is_staff(user: Any) -> bool:
    """Whether the person may do more here than shop: staff of the site, or of a vendor."""
    if getattr(user, "is_staff", False) or getattr(user, "is_superuser", False):
        return True
    return bool(user.is_authenticated and (path := community_options().staff_of) and import_string(path)(user))

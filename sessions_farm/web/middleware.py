"""The middleware of the session engine: strict cookies, and sessions bound to the host by a sealed cookie."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template import TemplateDoesNotExist, loader
from django.utils.cache import patch_vary_headers
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext

from sessions_farm.clock import now_ms
from sessions_farm.conf import options
from sessions_farm.session import locks, metrics
from sessions_farm.session.audience import SITE, Audience
from sessions_farm.session.session import SessionStore
from sessions_farm.session.variables import EXPIRY
from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.stores.effects.effects import Effects, run_async, run_sync
from sessions_farm.web import cookies, decorators

__all__ = ["SessionMiddleware", "StrictCookies"]

logger = logging.getLogger(__name__)

SAFE = {"GET", "HEAD", "OPTIONS", "TRACE"}
RETRY_AFTER = 5  # seconds


class StrictCookies(MiddlewareMixin):
    """Read the Cookie header by ``sessions_farm.web.cookies.parse`` before anything else looks at a cookie."""

    def process_request(self, request: HttpRequest) -> None:
        request.COOKIES = cookies.parse(request.META.get("HTTP_COOKIE", ""))

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        self.process_request(request)
        return await self.get_response(request)  # type: ignore[misc, no-any-return]  # a coroutine here


class SessionMiddleware(DjangoSessionMiddleware):
    """Django's, with a sealed cookie and kinder to its holder; under ASGI without a hop to a thread.

    As Django's: the session is lazy, saved where it was modified and the response is no server error, and a response
    varies by Cookie only where the session was accessed.
    Unlike Django's: the cookie is sealed for the host; it is sent again only when the id is new or a quarter of its
    life has gone; a session that timed out, and a store that is away, cost no cookie; a late write to a session that
    has ended is dropped where the request was safe.

    A request that needs its session while the store is away is answered 503 with Retry-After, also where a template or
    a view has swallowed the error. ``@session_optional`` and ``OPTIONAL`` let it go on without.
    """

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        if self.async_mode:
            self.process_view = self.aprocess_view  # type: ignore[method-assign]  # Django asks which of the two it is

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        self.process_request(request)
        response: HttpResponseBase = await self.get_response(request)  # type: ignore[misc]  # a coroutine here
        session = decorators.session_behind(request)
        if not isinstance(session, SessionStore):
            return response
        return await session.run_async(respond_effects(request, session, response))

    def process_request(self, request: HttpRequest) -> None:
        audience: Audience = getattr(request, "session_audience", SITE)
        request.session = SessionStore(proof=cookies.read(request, audience), audience=audience)
        request.session.optional = options().optional

    def process_view(self, request: HttpRequest, view: Callable[..., Any], _args: object, _kwargs: object) -> Any:
        return run_sync(enter_effects(request, view)) if is_marked(view) else None

    async def aprocess_view(
        self, request: HttpRequest, view: Callable[..., Any], _args: object, _kwargs: object
    ) -> Any:
        return await run_async(enter_effects(request, view)) if is_marked(view) else None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        decorators.restore_session(request)
        if isinstance(exception, StoreUnavailableError):
            logger.error("A view needed the session store: %s", exception)
            return unavailable()
        return None

    def process_response(  # type: ignore[override]  # the stubs forget streaming responses
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        session: object = getattr(request, "session", None)
        if not isinstance(session, SessionStore):
            session = decorators.session_behind(request)
            if not isinstance(session, SessionStore):
                return response
        return session.run_sync(respond_effects(request, session, response))


def is_marked(view: Callable[..., Any]) -> bool:
    """Return whether a view has a decorator of the session engine: most have none."""
    return hasattr(view, decorators.MARK) or hasattr(view, decorators.OPTIONAL)


def enter_effects(request: HttpRequest, view: Callable[..., Any]) -> Effects[HttpResponse | None]:
    """Hold a view to its decorators; a response says that it cannot be entered now."""
    try:
        return (yield from decorators.enter_effects(request, view))
    except StoreUnavailableError as error:
        logger.error("A view was not entered: %s", error)  # noqa: TRY400 -- the message says it all
        return unavailable()


def respond_effects(
    request: HttpRequest, session: SessionStore, response: HttpResponseBase
) -> Effects[HttpResponseBase]:
    """Save the changes of the request, and let the response carry the cookie that the browser needs."""
    was_off = request.session is not session
    if was_off or session.read_only_for:
        decorators.restore_session(request)
    try:
        if is_refused(session):
            response = unavailable()
        elif response.status_code < 500:
            response = yield from save_and_send_effects(session, request, response)
        yield from touch_effects(session)
    finally:
        if session.lock is not None:
            yield from locks.release_effects(session)
    count_request(session)
    if session.accessed:
        patch_vary_headers(response, ("Cookie",))
    elif was_off:
        # A log of each request's user reads "nobody" from an empty session here, and makes no load.
        request.session = SessionStore(audience=session.audience)
    if settings.DEBUG or getattr(settings, "DEMO", False):
        add_timing(response, session)
    session.optional |= not response.streaming  # the page is made: a log of its user reads "nobody" in an outage
    return response


def count_request(session: SessionStore) -> None:
    """Count a request, and its round trips to the store."""
    trips = session.round_trips.trips
    metrics.ROUND_TRIPS.inc(trips)
    metrics.REQUESTS.labels("written" if session.written else "read" if trips else "untouched").inc()


def is_refused(session: SessionStore) -> bool:
    """Return whether the request needed a session that is not known, whatever became of the error in the view."""
    return (session.unavailable or session.interrupted) and session.accessed and not session.optional


def save_and_send_effects(
    session: SessionStore, request: HttpRequest, response: HttpResponseBase
) -> Effects[HttpResponseBase]:
    """Save a modified session and send the cookie; the response says so where the changes cannot be kept."""
    if session.modified and not session.is_empty() and not (yield from save_effects(session, request)):
        return unavailable()
    if session.unavailable:  # whether the browser's id is still good is not known, so it gets no other
        if session.accessed:
            cookies.forbid_storing(response)
        return response
    yield from send_cookie_effects(session, request, response)
    return response


def save_effects(session: SessionStore, request: HttpRequest) -> Effects[bool]:
    """Save; return False where the changes cannot be kept: no store, no acknowledgement.

    A safe request whose session is optional drops them.
    """
    try:
        yield from session.save_effects()
    except UpdateError:
        if request.method not in SAFE:
            raise SessionInterrupted(
                "The session ended before this request did: the visitor may have logged in or out meanwhile."
            ) from None
        logger.info("A late write to a session that has ended was dropped.")
    except StoreUnavailableError as error:
        metrics.UNAVAILABLE.inc()
        logger.error("A session could not be saved: %s", error)  # noqa: TRY400 -- the message says it all
        session.unavailable = True
        return session.optional and request.method in SAFE
    return True


def touch_effects(session: SessionStore) -> Effects[None]:
    """Touch the session where its load could not: it was inside the application's transaction, which is over."""
    if not session.touch_due or session.written or not session.is_live:
        return
    try:
        yield from session.store.touch(session.key_hash, now_ms())
    except StoreUnavailableError as error:
        logger.warning("A session was not touched: %s", error)


def send_cookie_effects(session: SessionStore, request: HttpRequest, response: HttpResponseBase) -> Effects[None]:
    """Send the id where the browser has another or none, or where its cookie grows old."""
    audience = session.audience
    if session.in_grace or (response.cookies and cookies.name_for(audience) in response.cookies):
        return
    if session.flushed and session.session_key is None and session.proof is not None:
        if not audience.issues_ids:
            cookies.drop(response, audience)
            return
        yield from session.claim_key_effects()
    if needs_cookie(session):
        yield from session.peek_effects()
        host = cookies.host_of(request, audience)
        at_close = expires_at_browser_close(session)
        cookies.issue(response, audience, session.session_key or "", host=host, at_close=at_close)


def needs_cookie(session: SessionStore) -> bool:
    """Return whether the browser does not have this id yet, or has it in a cookie that grows old."""
    if session.session_key is None:
        return False
    if session.proof is None or session.proof.id != session.session_key:
        return session.written or session.claimed
    return session.accessed and session.proof.is_due(now_ms() / 1000)


def expires_at_browser_close(session: SessionStore) -> bool:
    """Return whether the cookie of a loaded session lives no longer than the browser's window."""
    custom = session.get(EXPIRY) if session.is_loaded else None
    return settings.SESSION_EXPIRE_AT_BROWSER_CLOSE if custom is None else custom == 0


def unavailable() -> HttpResponse:
    """Return the page of a store that is away: 503 with Retry-After, by the project's 503.html where there is one."""
    try:
        response = HttpResponse(loader.render_to_string("503.html"), status=503)
    except TemplateDoesNotExist:
        text = gettext("Your visit cannot be continued right now. Please try again.") + "\n"
        response = HttpResponse(text, status=503, content_type="text/plain")
    response["Retry-After"] = str(RETRY_AFTER)
    response["Cache-Control"] = "no-store"
    return response


def add_timing(response: HttpResponseBase, session: SessionStore) -> None:
    """Add round trips and bytes of the session to the Server-Timing header."""
    counts = session.round_trips
    entry = f'session;desc="trips={counts.trips} bytes={counts.bytes}"'
    before = response.headers.get("Server-Timing")
    response.headers["Server-Timing"] = f"{before}, {entry}" if before else entry

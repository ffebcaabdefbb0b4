"""The middleware of the session farm: strict cookies, and sessions bound to the host by a signed cookie."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.deprecation import MiddlewareMixin

from sessions_farm import metrics
from sessions_farm.communities import cookieless
from sessions_farm.communities.context import Mall
from sessions_farm.session import locks
from sessions_farm.session.session import SessionStore
from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.stores.effects.effects import Effects, run_async, run_sync
from sessions_farm.web import cookies, decorators, legacy_engine

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
    """Django's, with another cookie and kinder to its holder; under ASGI without a hop to a thread.

    As Django's: the session is lazy, saved where it was modified and the answer is no server error, and a response
    varies by Cookie only where the session was accessed.
    Unlike Django's: the cookie is signed for the host; it is sent again only when the id is new or a quarter of its
    life has gone; a session that timed out, and a store that is away, cost no cookie; a late write to a session that
    has ended is dropped where the request was safe.
    """

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        if self.async_mode:
            self.process_view = self.aprocess_view  # type: ignore[method-assign]  # Django asks which of the two it is

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        early = opened(request)
        if early is None and legacy_engine.is_due(request):
            early = await sync_to_async(moved)(request)
        response: HttpResponseBase = early or await self.get_response(request)  # type: ignore[misc]  # a coroutine here
        session = decorators.behind(request)
        if not isinstance(session, SessionStore):
            return response
        return await session.run_async(answering(request, session, response))

    def process_request(self, request: HttpRequest) -> HttpResponse | None:  # type: ignore[override]  # Django's is None
        return opened(request) or (moved(request) if legacy_engine.is_due(request) else None)

    def process_view(self, request: HttpRequest, view: Callable[..., Any], _args: object, _kwargs: object) -> Any:
        return run_sync(entering(request, view))

    async def aprocess_view(
        self, request: HttpRequest, view: Callable[..., Any], _args: object, _kwargs: object
    ) -> Any:
        return await run_async(entering(request, view))

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        decorators.leave(request)
        if isinstance(exception, StoreUnavailableError):
            logger.error("A view needed the session store: %s", exception)
            return unavailable()
        return None

    def process_response(  # type: ignore[override]  # the stubs forget streaming responses
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        session = decorators.behind(request)
        if not isinstance(session, SessionStore):
            return response
        return session.run_sync(answering(request, session, response))


def opened(request: HttpRequest) -> HttpResponse | None:
    """Give the request its session, not loaded yet; the answer is one that must come first."""
    mall = request.__dict__.setdefault("mall", Mall())
    if answer := cookieless.enter(request, mall.member):
        return answer
    mall.session = SessionStore(proof=cookieless.proof_of(request) or cookies.read(request), member=mall.member)
    request.session = mall.session
    return None


def moved(request: HttpRequest) -> HttpResponse | None:
    """Move the session of the old engine's cookie here, in this thread."""
    return None if legacy_engine.move(request) else unavailable()


def entering(request: HttpRequest, view: Callable[..., Any]) -> Effects[HttpResponse | None]:
    mode = decorators.of(view)
    if cookieless.carried_by(request) and mode is not decorators.Mode.OFF:
        yield from cookieless.admitting(request)
    return (yield from decorators.entering(request, view, mode)) if mode else None


def answering(request: HttpRequest, session: SessionStore, response: HttpResponseBase) -> Effects[HttpResponseBase]:
    """Save what the request changed, and let the response say what the browser must know of it."""
    was_off = decorators.leave(request)
    legacy_engine.retire(session)
    try:
        if response.status_code < 500:
            if session.modified and not session.is_empty() and not (yield from saved(session, request)):
                response = unavailable()
            else:
                yield from sending_cookie(session, request, response)
    finally:
        yield from locks.leaving(session)
    metrics.count_request(trips=session.trips, written=session.written)
    if session.accessed:
        patch_vary_headers(response, ("Cookie",))
    if settings.DEBUG or getattr(settings, "DEMO", False):
        add_timing(response, session)
    legacy_engine.seal(request, response)
    cookieless.seal(request, response)
    if was_off and not session.accessed:
        # Who logs the user of each request is told "nobody" here, not made to load.
        decorators.put(request, SessionStore(member=session.member))
    return response


def saved(session: SessionStore, request: HttpRequest) -> Effects[bool]:
    """Save; False where what an unsafe request wanted to keep cannot be kept."""
    try:
        yield from session.saving()
    except UpdateError:
        if request.method not in SAFE:
            raise SessionInterrupted(
                "The session ended before this request did: the visitor may have logged in or out meanwhile."
            ) from None
        logger.info("A late write to a session that has ended was dropped.")
    except StoreUnavailableError as error:
        metrics.UNAVAILABLE.inc()
        logger.error("A session could not be saved: %s", error)  # noqa: TRY400 -- the message says it all
        return request.method in SAFE
    return True


def sending_cookie(session: SessionStore, request: HttpRequest, response: HttpResponseBase) -> Effects[None]:
    """Let the browser learn the id where it has another or none, or where its cookie grows old."""
    member = session.member
    if cookies.name_for(member) in response.cookies or session.in_grace:
        return None
    if cookieless.carried_by(request):
        return (yield from cookieless.renewing(request, session, response))
    if session.flushed and session.session_key is None and session.proof is not None:
        if member is not None and not member.is_master:
            # The master gives the next id, at the next hand-off.
            cookies.drop(response, member)
            return None
        yield from session.claiming()
    if is_news(session, time.time()):
        yield from session.peeking()
        host = cookies.host_of(request, member)
        at_close = session.at_browser_close()
        cookies.issue(response, member, session.session_key or "", host=host, at_close=at_close)
    return None


def is_news(session: SessionStore, now: float) -> bool:
    if session.session_key is None:
        return False
    if session.proof is None or session.proof.id != session.session_key:
        return session.written or session.claimed
    return session.accessed and session.proof.is_due(now)


def unavailable() -> HttpResponse:
    response = HttpResponse("Your visit cannot be saved right now. Please try again.\n", status=503)
    response["Content-Type"] = "text/plain"
    response["Retry-After"] = str(RETRY_AFTER)
    return response


def add_timing(response: HttpResponseBase, session: SessionStore) -> None:
    entry = f'session;desc="trips={session.trips} bytes={session.bytes}"'
    before = response.headers.get("Server-Timing")
    response.headers["Server-Timing"] = f"{before}, {entry}" if before else entry

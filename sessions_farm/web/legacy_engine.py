"""Move sessions of one of Django's own engines here, each when its visitor comes back: nobody is signed out.

``SESSIONS_FARM["LEGACY_ENGINE"]`` names the old engine, ``LEGACY_COOKIE`` its cookie. A request on a host that sees
guarded variables, with the old cookie and not ours, is answered with the old session's variables in a session of ours,
with our cookie, and without the old one.

- **Once, and one session.** The new id is a MAC of the old key, so all requests with one old cookie mean one id, on any
  node. The store creates it for exactly one of them; that is the claim. The others find it there and go on in it. The
  old session is deleted after that: a node that dies in between leaves two, and the next request ends the old one.
- **A lost response** costs nothing: the old cookie leads to the new session until the browser has shown our cookie,
  five minutes after the move or later (``MOVED``). From then on it leads nowhere, as after a logout.
- **On a vendor's host** nothing is read and nothing deleted. The signed-in person is guarded, and ids made there are
  that host's alone: a move would sign people out. The hand-off goes by the master, where the cookie of a whole domain
  comes along and is moved; the content of a vendor host's own cookie stays where it is.
- **Lifetimes**: ``set_expiry`` is a variable and comes along; all else is as in any session of ours.
- **An unknown key** makes nothing, and its cookie stays: an old store that is away says "unknown", too.

All nodes change over at once: one that still runs the old engine does not know our cookie.
"""

from __future__ import annotations

import logging
import re
import time
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import auth
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.utils.deprecation import MiddlewareMixin

from sessions_farm.conf import options
from sessions_farm.session import ids, serializer
from sessions_farm.session.audience import audience_of
from sessions_farm.session.receivers import record_login
from sessions_farm.session.session import SessionStore
from sessions_farm.session.variables import SIGNED_IN
from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.web import cookies
from sessions_farm.web.decorators import session_behind
from sessions_farm.web.middleware import expires_at_browser_close, unavailable

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from sessions_farm.session.audience import Audience
    from sessions_farm.stores.effects.effects import Effects

logger = logging.getLogger(__name__)

MOVED = "_farm_moved"  # the second of the move, while the old cookie still leads to the session
OLD_KEY = re.compile(r"[\x21-\x7e]{8,4096}")  # a key of any engine; that of signed_cookies is the whole content
WINDOW = 300  # seconds that a request with the old cookie may have been under way


class LegacyEngineMiddleware(MiddlewareMixin):
    """Stands directly before SessionMiddleware, for as long as sessions of the old engine come back.

    SessionMiddleware finds the moved session by our cookie, as if the browser had sent it already.
    """

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        early = await sync_to_async(self.process_request)(request) if is_due(request) else None
        response: HttpResponseBase = early or await self.get_response(request)  # type: ignore[misc]  # a coroutine here
        session = session_to_retire(request)
        if session is not None:
            await session.run_async(retire_effects(session))
        return replace_cookie(request, response)

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        return move(request) if is_due(request) else None

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        session = session_to_retire(request)
        if session is not None:
            session.run_sync(retire_effects(session))
        return replace_cookie(request, response)


def is_due(request: HttpRequest) -> bool:
    """Return whether only the old cookie came along, to a host that may read the session behind it."""
    if not options().legacy_engine or not OLD_KEY.fullmatch(request.COOKIES.get(cookie_name(), "")):
        return False
    audience = audience_of(request)
    return audience.sees_guarded and cookies.read(request, audience) is None


def move(request: HttpRequest) -> HttpResponse | None:
    """Let the request go on in the session that the old cookie stands for; a response says that the store is away."""
    audience = audience_of(request)
    try:
        session = find_moved(request.COOKIES[cookie_name()], audience)
        if session is None or session.session_key is None:
            return None
        record_person(request, session)
    except StoreUnavailableError as error:
        logger.error("A session could not be moved: %s", error)  # noqa: TRY400 -- the message says it all
        return unavailable()
    if session.session_key is not None:  # a stale password ends the session
        host = cookies.host_of(request, audience)
        request.COOKIES[cookies.name_for(audience)] = cookies.seal(audience, session.session_key, host=host)
        request.moved_session = session  # type: ignore[attr-defined]  # ours on Django's request
    return None


def find_moved(old_key: str, audience: Audience) -> SessionStore | None:
    """Return the session of ours that an old key leads to, made of the old one where none was yet.

    Raise StoreUnavailableError.
    """
    session_ids = ids_of(old_key)
    for session_id in session_ids:
        session = load_proved(session_id, audience)
        if MOVED in session:
            break
        if session.is_live or session.ended:  # the browser has our cookie since, or has signed in or out with it
            return None
    else:
        session = load_proved(session_ids[0], audience)
        if not take_over(session, old_key):
            session = load_proved(session_ids[0], audience)  # another request was faster; or there is nothing at all
    if MOVED not in session:
        return None
    engine()(old_key).delete(old_key)
    return session


def take_over(session: SessionStore, old_key: str) -> bool:
    """Create the session with the old one's variables; return False where there are none, or another request did it."""
    if not [name for name, value in engine()(old_key).load().items() if copy_variable(session, name, value)]:
        return False
    session[MOVED] = int(time.time())
    try:
        session.save(must_create=True)
    except (CreateError, UpdateError):
        return False
    except serializer.TooLargeError as error:
        logger.error("An old session is not moved: %s", error)  # noqa: TRY400 -- the message says it all
        return False
    return True


def load_proved(session_id: str, audience: Audience) -> SessionStore:
    """Return the session at an id that the old key proves, loaded. Raise StoreUnavailableError."""
    session = SessionStore(proof=cookies.fresh_proof(session_id), audience=audience)
    if not session.ended and session.unavailable:  # asking loads it
        raise StoreUnavailableError("Whether the session was moved already is not known.")
    return session


def record_person(request: HttpRequest, session: SessionStore) -> None:
    """Record the facts of a sign-in. Django verifies the password's hash first; where it is stale, the session ends."""
    if auth.SESSION_KEY not in session or SIGNED_IN in session:
        return
    request.session = session
    user: Any = auth.get_user(request)
    if user.is_authenticated:
        record_login(request=request, user=user)
    if session.modified:
        session.save()


def copy_variable(session: SessionStore, name: Any, value: Any) -> bool:
    """Copy a variable; return whether a session of ours can hold it."""
    try:
        serializer.encode(name, value)
        session[name] = value
    except (TypeError, ValueError) as error:
        logger.warning("A variable of an old session stays behind: %s", error)
        return False
    return True


def session_to_retire(request: HttpRequest) -> SessionStore | None:
    """Return the session whose old cookie need not lead to it any more: the browser has shown our own since."""
    session = session_behind(request)
    if hasattr(request, "moved_session") or not isinstance(session, SessionStore) or session.read_only_for:
        return None
    if not (session.is_loaded and session.is_live and session.proof) or MOVED not in session:
        return None
    return session if time.time() - session[MOVED] >= WINDOW else None


def retire_effects(session: SessionStore) -> Effects[None]:
    """Forget that the session was moved. It costs one write, once in its life."""
    del session[MOVED]
    with suppress(UpdateError, StoreUnavailableError):
        yield from session.save_effects()


def replace_cookie(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Give a moved session's browser our cookie in the place of the old one."""
    moved: SessionStore | None = getattr(request, "moved_session", None)
    session = session_behind(request)
    if moved is None or response.status_code >= 500 or getattr(session, "in_grace", False):
        return response
    name = cookies.name_for(moved.audience)
    if name not in response.cookies:
        host, at_close = cookies.host_of(request, moved.audience), expires_at_browser_close(moved)
        cookies.issue(response, moved.audience, moved.session_key or "", host=host, at_close=at_close)
    if name != cookie_name():
        response.delete_cookie(
            cookie_name(),
            path=settings.SESSION_COOKIE_PATH,
            domain=settings.SESSION_COOKIE_DOMAIN,
            samesite=settings.SESSION_COOKIE_SAMESITE,
        )
    return response


def ids_of(old_key: str) -> list[str]:
    """Return the ids that an old key may have become: under the newest key first, then under each fallback."""
    return ids.ids_from("farm|legacy", old_key)


def engine() -> type[SessionBase]:
    found: type[SessionBase] = import_module(options().legacy_engine).SessionStore
    return found


def cookie_name() -> str:
    return options().legacy_cookie or settings.SESSION_COOKIE_NAME

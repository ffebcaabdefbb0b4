"""Moves sessions of one of Django's own engines here, each when its visitor comes back: nobody is signed out.

``SESSIONS_FARM["FALLBACK_ENGINE"]`` names the old engine, ``FALLBACK_COOKIE`` its cookie. A request on the master (or
anywhere, without communities) that has the old cookie and not ours is answered with the old session's variables in a
session of ours, with our cookie, and without the old one.

- **Once, and one session.** The new id is a MAC of the old key, so all requests with one old cookie mean one id, on any
  node. The store creates it for exactly one of them; that is the claim. The others find it there and go on in it. The
  old session is deleted after that: a node that dies in between leaves two, and the next request ends the old one.
- **An answer that gets lost** costs nothing: the old cookie leads to the new session until the browser has shown our
  cookie, five minutes after the move or later (``MOVED``). From then on it leads nowhere, as after a logout.
- **On a vendor's host** nothing is read and nothing deleted. Who is signed in is guarded, and ids made there are that
  host's alone: a move would sign people out. The hand-off goes by the master, where the cookie of a whole domain comes
  along and is moved; what stood in a vendor host's own cookie stays where it is.
- **Lifetimes**: ``set_expiry`` is a variable and comes along; all else is as in any session of ours.
- **An unknown key** makes nothing, and its cookie stays: an old store that is away says "unknown", too.

All nodes change over at once: one that still runs the old engine does not know our cookie.
"""

from __future__ import annotations

import logging
import re
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import auth
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError

from sessions_farm.communities.receivers import mark_session
from sessions_farm.conf import options
from sessions_farm.session import ids, serializer
from sessions_farm.session.session import SessionStore
from sessions_farm.session.variables import SIGNED_IN
from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.web import cookies
from sessions_farm.web.cookies import Proof

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

    from sessions_farm.communities.registry import Member

logger = logging.getLogger(__name__)

MOVED = "_farm_moved"  # the second of the move, while the old cookie still leads to the session
OLD_KEY = re.compile(r"[\x21-\x7e]{8,4096}")  # a key of any engine; that of signed_cookies is the whole content
WINDOW = 300  # seconds that a request with the old cookie may have been under way


def is_due(request: HttpRequest) -> bool:
    """Whether only the old cookie came along, to a host that may read what it stands for."""
    if not options().fallback_engine or not OLD_KEY.fullmatch(request.COOKIES.get(cookie_name(), "")):
        return False
    session: SessionStore = request.session  # type: ignore[assignment]  # SessionMiddleware's
    return session.proof is None and session.sees_all


def move(request: HttpRequest) -> bool:
    """Put the session that the old cookie stands for into the request; False where our store does not answer."""
    mall = request.mall  # type: ignore[attr-defined]  # SessionMiddleware's
    try:
        session = find(request.COOKIES[cookie_name()], mall.member)
        if session is not None:
            # The answer brings the browser the cookie. That the farm looked is no access of the view.
            session.proof, session.claimed = None, True
            request.session = mall.session = session
            request.moved = True  # type: ignore[attr-defined]  # ours on Django's request
            mark_person(request, session)
            session.accessed = False
    except StoreUnavailableError as error:
        logger.error("A session could not be moved: %s", error)  # noqa: TRY400 -- the message says it all
        return False
    return True


def find(old_key: str, member: Member | None) -> SessionStore | None:
    """The session of ours that an old key leads to, made of the old one where none was yet. Raise StoreUnavailable."""
    session_ids = ids_of(old_key)
    for session_id in session_ids:
        session = opened(session_id, member)
        if MOVED in session:
            break
        if session.is_live or session.ended:  # the browser has our cookie since, or has signed in or out with it
            return None
    else:
        session = opened(session_ids[0], member)
        if not take_over(session, old_key):
            session = opened(session_ids[0], member)  # another request was faster; or there is nothing at all
    if MOVED not in session:
        return None
    engine()(old_key).delete(old_key)
    return session


def take_over(session: SessionStore, old_key: str) -> bool:
    """Create the session with the old one's variables; False where there are none, or another request did it."""
    if not [name for name, value in engine()(old_key).load().items() if put(session, name, value)]:
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


def opened(session_id: str, member: Member | None) -> SessionStore:
    """The session at an id that the old key proves, loaded."""
    session = SessionStore(proof=Proof(session_id, int(time.time())), member=member)
    if not session.ended and session.unavailable:  # asking loads it
        raise StoreUnavailableError("Whether the session was moved already is not known.")
    return session


def mark_person(request: HttpRequest, session: SessionStore) -> None:
    """Leave what a sign-in leaves. Django verifies the password's hash first; where it is stale, the session ends."""
    if auth.SESSION_KEY not in session or SIGNED_IN in session:
        return
    user: Any = auth.get_user(request)
    if user.is_authenticated:
        mark_session(request=request, user=user)
    if session.modified:
        session.save()


def put(session: SessionStore, name: Any, value: Any) -> bool:
    """Whether a session of ours can hold it."""
    try:
        serializer.encode(name, value)
        session[name] = value
    except (TypeError, ValueError) as error:
        logger.warning("A variable of an old session stays behind: %s", error)
        return False
    return True


def retire(session: SessionStore) -> None:
    """Before a save: once the browser shows our cookie, the old one need not lead here any more."""
    if not (session.is_opened and session.is_live and session.proof) or session.read_only_for:
        return
    accessed = session.accessed
    if MOVED in session and time.time() - session[MOVED] >= WINDOW:
        del session[MOVED]
    session.accessed = accessed


def seal(request: HttpRequest, response: HttpResponseBase) -> None:
    """Take the old cookie away, where our own takes its place."""
    session: SessionStore = request.session  # type: ignore[assignment]  # the farm's engine
    ours = cookies.name_for(session.member)
    if hasattr(request, "moved") and ours in response.cookies and ours != cookie_name():
        response.delete_cookie(
            cookie_name(),
            path=settings.SESSION_COOKIE_PATH,
            domain=settings.SESSION_COOKIE_DOMAIN,
            samesite=settings.SESSION_COOKIE_SAMESITE,
        )


def ids_of(old_key: str) -> list[str]:
    """The ids that an old key may have become: under the newest key first, then under each fallback."""
    return ids.ids_from("farm|fallback", old_key)


def engine() -> type[SessionBase]:
    found: type[SessionBase] = import_module(options().fallback_engine).SessionStore
    return found


def cookie_name() -> str:
    return options().fallback_cookie or settings.SESSION_COOKIE_NAME

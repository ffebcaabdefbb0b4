"""Decorators for views: read the session only, have none (ASP.NET's EnableSessionState), hold it alone, do without.

A decorator marks the view, SessionMiddleware's ``process_view`` acts on the mark. A middleware in between that asks for
``request.user`` is not bound by it and may still load the session.
"""

from __future__ import annotations

import enum
import functools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from asgiref.sync import iscoroutinefunction
from django.http import HttpResponse
from django.utils.translation import gettext

from sessions_farm.session import locks
from sessions_farm.session.locks import LockTimeouts
from sessions_farm.web import django_writes

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase
    from django.http import HttpRequest

    from sessions_farm.stores.effects.effects import Effects

logger = logging.getLogger(__name__)

MARK = "session_mode"
OPTIONAL = "session_optional"


class Mode(enum.Enum):
    READONLY = "readonly"
    OFF = "off"


class SessionOffError(RuntimeError):
    """A view without a session used it."""


def session_readonly[View: Callable[..., Any]](view: View) -> View:
    """Let a view read the session and never write it: no write is sent, and none can be lost to another request.

    A write raises ReadOnlySessionError under DEBUG and in tests (or as ``READONLY_RAISES`` says); elsewhere it is
    dropped and logged. Logging in or out, and a first id, always raise. Loading still begins the idle time anew.

    It binds the view until its response is rendered, and not Django: ``request.user`` ends a session whose password has
    changed since, and middleware keeps its messages and its CSRF secret (sessions_farm.web.django_writes).
    """
    return _marked(django_writes.after_view(view), Mode.READONLY)


def session_off[View: Callable[..., Any]](view: View) -> View:
    """Let a view have no session: none is loaded, no cookie is sent, and any cache may share the response.

    ``request.session`` and ``request.user`` raise SessionOffError there.
    """
    return _marked(view, Mode.OFF)


def session_exclusive(*, wait: float = 10, lease: float = 30) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a view hold the session alone: others that ask for the same wait, up to ``wait`` seconds, then answer 503.

    A view that holds it longer than ``lease`` seconds loses it, and can then save nothing (400).
    """
    return functools.partial(_marked, mode=LockTimeouts(wait, lease))


def session_optional[View: Callable[..., Any]](view: View) -> View:
    """Let a view go on without its session while the store is away, where any other is answered 503.

    It sees an empty session, a signed-in person as nobody (``request.session.unavailable``, once read), and no cache
    keeps its response. What it writes is dropped where the request was safe; else it is answered 503, too.
    """
    marked = wrapped(view)
    setattr(marked, OPTIONAL, True)
    return marked


def wrapped[View: Callable[..., Any]](view: View) -> View:
    """Return a view that does the same: a decorator marks the wrapper, and the view itself stays as it is elsewhere."""
    if iscoroutinefunction(view):

        @functools.wraps(view)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            return await view(*args, **kwargs)
    else:

        @functools.wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return view(*args, **kwargs)

    return wrapper  # type: ignore[return-value]  # of the same shape


def _marked[View: Callable[..., Any]](view: View, mode: Mode | LockTimeouts) -> View:
    marks = {mode_of(view), mode} - {None}
    if Mode.READONLY in marks and any(isinstance(mark, LockTimeouts) for mark in marks):
        raise TypeError(f"{view.__name__} is @session_readonly and @session_exclusive; who only reads need not wait.")
    marked = wrapped(view)
    setattr(marked, MARK, Mode.OFF if Mode.OFF in marks else mode)
    return marked


class NoSession:
    """Stands for the session in a view that has none; ``session`` is the one to go on with afterwards."""

    accessed = modified = False

    def __init__(self, session: SessionBase, view: str) -> None:
        self.session = session
        self.view = view

    def __getattr__(self, name: str) -> NoReturn:
        raise SessionOffError(
            f"The view {self.view} is @session_off and used the session ({name}), perhaps by request.user. "
            "Take the decorator away, or the use."
        )

    def _refuse(self, *_args: object) -> NoReturn:
        self.__getattr__("its variables")

    __getitem__ = __setitem__ = __delitem__ = __contains__ = __iter__ = __len__ = __bool__ = _refuse


def mode_of(view: Callable[..., Any]) -> Mode | LockTimeouts | None:
    """Return the mark of a view."""
    mark: Mode | LockTimeouts | None = getattr(view, MARK, None)
    return mark


def enter_effects(request: HttpRequest, view: Callable[..., Any]) -> Effects[HttpResponse | None]:
    """Hold a marked view to its mark; a response says that it cannot be entered now. Raise StoreUnavailableError."""
    session: Any = getattr(request, "session", None)
    if session is None:
        return None
    session.optional |= hasattr(view, OPTIONAL)
    mode, name = mode_of(view), f"{view.__module__}.{getattr(view, '__qualname__', view)}"
    if mode is Mode.OFF:
        request.session = NoSession(session, name)  # type: ignore[assignment]  # refuses every use
    elif isinstance(mode, LockTimeouts):
        try:
            yield from locks.acquire_session_effects(session, mode)
        except locks.LockTimeoutError as error:
            logger.warning("The view %s was not entered: %s", name, error)
            return locked()
    elif mode is Mode.READONLY:
        if session.modified:  # by a middleware, which is free to
            yield from session.save_effects()
        session.read_only_for = name
        django_writes.free_auth(request, session)
    return None


def locked() -> HttpResponse:
    """Return the page of a session that another request of the same visitor holds: 503 with Retry-After."""
    text = gettext("Another of your requests is still under way. Please try again.") + "\n"
    return HttpResponse(text, status=503, content_type="text/plain", headers={"Retry-After": "1"})


def restore_session(request: HttpRequest) -> None:
    """Give the session back after a view without one, or with one to read only, for error pages and middleware."""
    session: Any = getattr(request, "session", None)
    if isinstance(session, NoSession):
        request.session = session.session
    else:
        django_writes.end_read_only(request)


def session_behind(request: HttpRequest) -> object:
    """Return the session of the request, also while its view has none."""
    session = getattr(request, "session", None)
    return session.session if isinstance(session, NoSession) else session


def is_off(session: object) -> bool:
    """Return whether this stands for the session in a view without one."""
    return isinstance(session, NoSession)

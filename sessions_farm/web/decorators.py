"""What a view may do with the session: read only, nothing at all (ASP.NET's EnableSessionState), or hold it alone.

The decorators mark, SessionMiddleware's ``process_view`` acts on the mark. What stands before the view (a middleware
that asks for ``request.user``) is no part of it and may still load the session.
"""

from __future__ import annotations

import enum
import functools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from django.conf import settings
from django.core import mail
from django.http import HttpResponse

from sessions_farm.conf import options
from sessions_farm.session import locks
from sessions_farm.session.locks import LockTimeouts
from sessions_farm.web.wrapping import wrapped

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase
    from django.http import HttpRequest

    from sessions_farm.stores.effects.effects import Effects

logger = logging.getLogger(__name__)

MARK = "session_mode"


class Mode(enum.Enum):
    READONLY = "readonly"
    OFF = "off"


class SessionOffError(RuntimeError):
    """A view that is to have no session used it."""


class ReadOnlySessionError(RuntimeError):
    """A view that is to read the session wanted to change it."""


def session_readonly[View: Callable[..., Any]](view: View) -> View:
    """Let a view read the session and never write it: no write is sent, and none can be lost to another request.

    A write raises ReadOnlySession under DEBUG and in tests (or as ``READONLY_RAISES`` says); elsewhere it is dropped
    and logged. Logging in or out, and a first id, always raise. Loading still begins the idle time anew.
    """
    return _marked(view, Mode.READONLY)


def session_off[View: Callable[..., Any]](view: View) -> View:
    """Let a view have no session: none is loaded, no cookie is sent, and any cache may share the answer.

    ``request.session``, ``request.user`` and ``request.mall.id`` raise SessionOff there.
    """
    return _marked(view, Mode.OFF)


def session_exclusive(*, wait: float = 10, lease: float = 30) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a view hold the session alone: others that ask for the same wait, up to ``wait`` seconds, then answer 503.

    Whoever holds it longer than ``lease`` seconds loses it, and can then save nothing (400).
    """
    return functools.partial(_marked, mode=LockTimeouts(wait, lease))


def _marked[View: Callable[..., Any]](view: View, mode: Mode | LockTimeouts) -> View:
    marks = {of(view), mode} - {None}
    if Mode.READONLY in marks and any(isinstance(mark, LockTimeouts) for mark in marks):
        raise TypeError(f"{view.__name__} is @session_readonly and @session_exclusive; who only reads need not wait.")
    marked = wrapped(view)
    setattr(marked, MARK, Mode.OFF if Mode.OFF in marks else mode)
    return marked


class NoSession:
    """Stands for the session in a view that has none; ``before`` is the one to go on with afterwards."""

    accessed = modified = False

    def __init__(self, before: SessionBase, view: str) -> None:
        self.before = before
        self.view = view

    def __getattr__(self, name: str) -> NoReturn:
        raise SessionOffError(
            f"The view {self.view} is @session_off and used the session ({name}), perhaps by request.user or "
            "request.mall. Take the decorator away, or the use."
        )

    def _refuse(self, *_args: object) -> NoReturn:
        self.__getattr__("its variables")

    __getitem__ = __setitem__ = __delitem__ = __contains__ = __iter__ = __len__ = __bool__ = _refuse


def of(view: Callable[..., Any]) -> Mode | LockTimeouts | None:
    mark: Mode | LockTimeouts | None = getattr(view, MARK, None)
    return mark


def entering(request: HttpRequest, view: Callable[..., Any], mode: Mode | LockTimeouts) -> Effects[HttpResponse | None]:
    """Hold the view to its mark; the response is that it cannot be entered now."""
    session: Any = getattr(request, "session", None)
    if session is None:
        return None
    name = f"{view.__module__}.{getattr(view, '__qualname__', view)}"
    if mode is Mode.OFF:
        put(request, NoSession(session, name))
    elif isinstance(mode, LockTimeouts):
        try:
            yield from locks.entering(session, mode)
        except locks.LockTimeoutError as error:
            logger.warning("The view %s was not entered: %s", name, error)
            return busy()
    else:
        if session.modified:  # by a middleware, which is free to
            yield from session.saving()
        session.read_only_for = name
    return None


def busy() -> HttpResponse:
    text = "Another of your requests is still under way. Please try again.\n"
    return HttpResponse(text, status=503, content_type="text/plain", headers={"Retry-After": "1"})


def leave(request: HttpRequest) -> bool:
    """Give the session back to what follows a view without one, as an error page; whether it was such a view."""
    session = getattr(request, "session", None)
    if not isinstance(session, NoSession):
        return False
    put(request, session.before)
    return True


def behind(request: HttpRequest) -> object:
    """The session of the request, also while its view has none."""
    session = getattr(request, "session", None)
    return session.before if isinstance(session, NoSession) else session


def is_off(session: object) -> bool:
    return isinstance(session, NoSession)


def put(request: HttpRequest, session: Any) -> None:
    request.session = session
    request.mall.session = session  # type: ignore[attr-defined]  # SessionMiddleware's


def refuse_write(view: str, what: str) -> None:
    """A write in a read-only view: raise where somebody develops, else log that it is dropped."""
    message = f"The view {view} is @session_readonly and changed the session ({what})."
    if is_strict():
        raise ReadOnlySessionError(f"{message} Take the decorator away, or the change.")
    logger.warning("%s The change is dropped.", message)


def is_strict() -> bool:
    raises = options().readonly_raises
    # Django's setup_test_environment makes the outbox; there is no other sign that tests run.
    return settings.DEBUG or hasattr(mail, "outbox") if raises is None else raises

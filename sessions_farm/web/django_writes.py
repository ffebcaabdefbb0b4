"""Writes of Django's own to the session of a view that may only read: auth, messages and CSRF.

Auth writes while the view runs, when it is first asked who is signed in (``django.contrib.auth.get_user``). It flushes
a session whose password has changed since: that takes effect, so the view sees an anonymous visitor. It takes a new id
where a fallback of SECRET_KEY verified the old one: that is left to the next page that may write, for the fallback
verifies until then. Messages and CSRF write in their middleware, when the view is over and binds nobody.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.utils.functional import LazyObject, SimpleLazyObject

from sessions_farm.session.read_only import refuse_write
from sessions_farm.session.session import SessionStore


class SessionOfAuth:
    """The session as Django's auth has it in a view that may only read."""

    def __init__(self, session: SessionStore) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def __getitem__(self, name: str) -> Any:
        return self._session[name]

    def __contains__(self, name: object) -> bool:
        return name in self._session

    def __setitem__(self, name: str, value: Any) -> None:
        """Leave the new hash to the next page that may write, as ``cycle_key`` leaves the new id."""

    async def aset(self, name: str, value: Any) -> None:
        self[name] = value

    def cycle_key(self) -> None:
        """Leave the new id to the next page that may write."""

    async def acycle_key(self) -> None:
        self.cycle_key()

    def flush(self) -> None:
        with self._writable():
            self._session.flush()

    async def aflush(self) -> None:
        with self._writable():
            await self._session.aflush()

    @contextmanager
    def _writable(self) -> Iterator[None]:
        view, self._session.read_only_for = self._session.read_only_for, ""
        try:
            yield
        finally:
            self._session.read_only_for = view


def free_auth(request: HttpRequest, session: SessionStore) -> None:
    """Let ``request.user`` and ``request.auser`` write what Django writes there."""
    user, auser = getattr(request, "user", None), getattr(request, "auser", None)
    if isinstance(user, LazyObject):

        def find() -> Any:
            with auth_session(request, session):
                user.__class__  # noqa: B018 -- any attribute makes Django look
            return user

        request.user = SimpleLazyObject(find)  # type: ignore[assignment]  # as Django's own
    if auser is not None:

        async def afind() -> Any:
            with auth_session(request, session):
                return await auser()

        request.auser = afind


@contextmanager
def auth_session(request: HttpRequest, session: SessionStore) -> Iterator[None]:
    """Give Django's auth its session while the view may only read; afterwards it has the whole one again."""
    if not session.read_only_for:
        yield
        return
    request.session = SessionOfAuth(session)  # type: ignore[assignment]  # all that get_user asks of it
    try:
        yield
    finally:
        request.session = session


def after_view[View: Callable[..., Any]](view: View) -> View:
    """Return the view, at the end of which the session may be written again: a template that is left is its part."""
    if iscoroutinefunction(view):

        @functools.wraps(view)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            return when_rendered(await view(*args, **kwargs), args)
    else:

        @functools.wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return when_rendered(view(*args, **kwargs), args)

    return wrapper  # type: ignore[return-value]  # of the same shape


def when_rendered(response: Any, args: tuple[Any, ...]) -> Any:
    """Return the response, with the end of the view once it is rendered."""
    for request in (given for given in args if isinstance(given, HttpRequest)):
        if getattr(response, "is_rendered", True):
            end_view(request)
        else:
            response.add_post_render_callback(lambda _response, request=request: end_view(request))
    return response


def end_view(request: HttpRequest) -> None:
    """Let the session be written again, and refuse what the view has changed inside a value."""
    view, mutated = end_read_only(request)
    if mutated:
        refuse_write(view, ", ".join(mutated))


def end_read_only(request: HttpRequest) -> tuple[str, list[str]]:
    """Let the session be written again, without the view's changes; return the view, and the values it changed."""
    session: object = getattr(request, "session", None)
    if not isinstance(session, SessionStore) or not session.read_only_for:
        return "", []
    view, session.read_only_for = session.read_only_for, ""
    session.modified, mutated = False, list[str]()
    if session.is_loaded:
        variables = session.run_sync(session.peek_effects())  # they are here: nothing is asked
        mutated += variables.mutated()
        variables.forget_changes()
    return view, mutated

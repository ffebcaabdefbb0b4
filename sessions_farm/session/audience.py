"""The port between the session engine and an app that serves several hosts: to whom a session belongs.

A site by itself is one audience: ``SITE``. An app such as ``sessions_farm.communities`` puts its own on the request
(``request.session_audience``) before SessionMiddleware runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from sessions_farm.session import ids

if TYPE_CHECKING:
    from django.http import HttpRequest


class Audience(Protocol):
    """The hosts that share a session's cookie name and ids, seen from one of them."""

    @property
    def host(self) -> str:
        """Return the host that the cookie is bound to (lower case, no port); '' for the host that the request names."""

    @property
    def cookie_name(self) -> str:
        """Return the cookie's name without a prefix; '' for the setting COOKIE_NAME."""

    @property
    def cookie_scope(self) -> tuple[str, ...]:
        """Return further texts that the cookie's signature covers."""

    @property
    def sees_guarded(self) -> bool:
        """Return whether guarded variables may be read and written on this host."""

    @property
    def issues_ids(self) -> bool:
        """Return whether a visitor who signs out here gets a new id at once, or later from another host."""

    def new_id(self) -> str:
        """Return a fresh session id with at least 128 random bits."""


class Site:
    """The audience of a project without communities: every host by itself."""

    host = ""
    cookie_name = ""
    cookie_scope: tuple[str, ...] = ()
    sees_guarded = True
    issues_ids = True

    def new_id(self) -> str:
        return ids.new_id()


SITE = Site()


def audience_of(request: HttpRequest) -> Audience:
    """Return the audience that an app has put on the request, else the site itself."""
    found: Audience = getattr(request, "session_audience", SITE)
    return found


# How an app finds the audience of a host without a request (for tests); registered when the app is ready.
_finders: list[Callable[[str], Audience | None]] = []


def register_finder(finder: Callable[[str], Audience | None]) -> None:
    """Let an app say which audience a host (lower case, no port) has; None leaves it to the others."""
    if finder not in _finders:
        _finders.append(finder)


def audience_of_host(host: str) -> Audience:
    """Return the audience that requests to a host have, else the site itself."""
    return next((found for finder in _finders if (found := finder(host))), SITE)

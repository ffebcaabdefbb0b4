"""The session of a socket, by Django's session cookie."""

from __future__ import annotations

from http.cookies import SimpleCookie
from importlib import import_module
from typing import Any

from django.conf import settings

from support_watch.origins import Application, only


class SessionScope:
    def __init__(self, inner: Application) -> None:
        self.inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        cookie = SimpleCookie(only(scope, b"cookie").decode("latin1")).get(settings.SESSION_COOKIE_NAME)
        session = import_module(settings.SESSION_ENGINE).SessionStore(cookie.value if cookie else None)
        await self.inner({**scope, "session": session}, receive, send)

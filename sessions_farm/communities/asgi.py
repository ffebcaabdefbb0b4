"""Sockets on the hosts of a community: the counterpart of HostMiddleware for an ASGI scope."""

from __future__ import annotations

from asgiref.sync import sync_to_async

from sessions_farm.communities.context import Mall
from sessions_farm.communities.registry import registry
from sessions_farm.web.asgi import Application, Receive, Scope, Send, SessionScope, host_in

NOT_SERVED = 4421  # close code: 4000 and the HTTP status of the same meaning


class HostScope:
    """Put ``mall``, ``cookies`` and ``session`` into the scope, as SessionScope; close a socket to an unserved host."""

    def __init__(self, inner: Application, *, loads: bool = True) -> None:
        self.inner = inner
        self.with_session = SessionScope(self.with_mall, loads=loads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = host_in(scope)
        member = await sync_to_async(registry.resolve)(host) if host else None
        if member is None:
            await send({"type": "websocket.close", "code": NOT_SERVED})
            return
        await self.with_session({**scope, "session_audience": member}, receive, send)

    async def with_mall(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Go on with the inner application, once the session is there."""
        mall = Mall(scope["session_audience"], scope["session"])
        await self.inner({**scope, "mall": mall}, receive, send)

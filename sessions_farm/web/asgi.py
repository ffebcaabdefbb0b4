"""Sessions for sockets: what SessionMiddleware is to a request, SessionScope is to an ASGI scope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from asgiref.sync import sync_to_async

from sessions_farm.communities.context import Mall
from sessions_farm.communities.middleware import HOST
from sessions_farm.communities.registry import Member, registry
from sessions_farm.session.session import SessionStore
from sessions_farm.web import cookies

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[dict[str, Any]]]
type Send = Callable[[dict[str, Any]], Awaitable[None]]
type Application = Callable[[Scope, Receive, Send], Awaitable[None]]

NOT_SERVED = 4421  # close code: 4000 and the HTTP status that says the same


class SessionScope:
    """Put ``cookies``, ``session`` (loaded) and ``mall`` into the scope; close a socket to a host that is not served.

    Channels' own cookie and session middleware strip Unicode spaces and take the bare id: a cookie smuggled in from a
    sibling domain, or copied from another host, would open the socket.
    """

    def __init__(self, inner: Application) -> None:
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = host_in(scope)
        member = await sync_to_async(registry.resolve)(host) if host else None
        if member is None:
            await send({"type": "websocket.close", "code": NOT_SERVED})
            return
        jar = cookies.parse_scope(scope["headers"])
        session = session_for(member, jar)
        await session.run_async(session.peeking())  # one trip; from here on reading it blocks nobody
        mall = Mall(member=member, session=session)
        await self.inner({**scope, "cookies": jar, "session": session, "mall": mall}, receive, send)


def session_for(member: Member, jar: dict[str, str]) -> SessionStore:
    value = jar.get(cookies.name_for(member), "")
    return SessionStore(proof=cookies.prove(member, member.host, value), member=member)


def host_in(scope: Scope) -> str:
    """The host that the scope's one Host header names; '' for none, several or no plain host name."""
    values = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]
    named = HOST.fullmatch(values[0]) if len(values) == 1 else None
    return named["host"] if named else ""

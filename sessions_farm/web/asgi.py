"""Sessions for sockets: the counterpart of SessionMiddleware for an ASGI scope."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from sessions_farm.session.audience import SITE
from sessions_farm.session.session import SessionStore
from sessions_farm.web import cookies

if TYPE_CHECKING:
    from sessions_farm.session.audience import Audience

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[dict[str, Any]]]
type Send = Callable[[dict[str, Any]], Awaitable[None]]
type Application = Callable[[Scope, Receive, Send], Awaitable[None]]

HOST = re.compile(r"(?P<host>[a-z0-9-]+(\.[a-z0-9-]+)*)(:[0-9]{1,5})?", re.ASCII)


class SessionScope:
    """Put ``cookies`` and ``session`` into the scope; loaded, which begins its idle time anew, unless told otherwise.

    Channels' own cookie and session middleware strip Unicode spaces and take the bare id: a cookie smuggled in from a
    sibling domain, or copied from another host, would open the socket.
    """

    def __init__(self, inner: Application, *, loads: bool = True) -> None:
        self.inner = inner
        self.loads = loads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        audience: Audience = scope.get("session_audience", SITE)
        jar = cookies.parse_scope(scope["headers"])
        proof = cookies.prove(audience, jar.get(cookies.name_for(audience), ""), host=host_in(scope))
        session = SessionStore(proof=proof, audience=audience)
        if self.loads:
            await session.run_async(session.peek_effects())  # one round trip; from here on a read blocks nothing
        await self.inner({**scope, "cookies": jar, "session": session}, receive, send)


def host_in(scope: Scope) -> str:
    """Return the host that the scope's one Host header names; '' for none, several or no plain host name."""
    values = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]
    named = HOST.fullmatch(values[0]) if len(values) == 1 else None
    return named["host"] if named else ""

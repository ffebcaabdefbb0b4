"""Who may open a socket: pages of the community's master, and nobody else's.

A browser sends cookies with any site's WebSocket (RFC 6455, 10.2), so the Origin is checked exactly, port and all.
Channels' own validator knows only ALLOWED_HOSTS, which is open here, and would let every site in.
"""

from __future__ import annotations

from channels.db import database_sync_to_async
from channels.security.websocket import WebsocketDenier

from sessions_farm.asgi import Application, Receive, Scope, Send, host_in
from sessions_farm.communities import Member, RegistryUnavailable, registry
from sessions_farm.links import origin


class MasterOriginOnly:
    """Refuses the handshake (403) unless host and Origin are the master's, one of each."""

    def __init__(self, inner: Application) -> None:
        self.inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        member = await database_sync_to_async(master_of)(host_in(scope))
        if member is None or origins_in(scope) != [origin(member.host)]:
            await WebsocketDenier()(scope, receive, send)
            return
        await self.inner(scope, receive, send)


def origins_in(scope: Scope) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]


def master_of(host: str) -> Member | None:
    """The member of that host where it is the master of its community."""
    try:
        member = registry.resolve(host)
    except RegistryUnavailable:
        return None
    return member if member is not None and member.is_master else None

"""Whose page may open a socket: one of the very host that is asked.

A browser sends cookies with any site's WebSocket (RFC 6455, 10.2), so the Origin is checked exactly, port and all.
Channels' own validator knows only ALLOWED_HOSTS, which is open where a registry decides, and would let every site in.
(Forms and scripts are held to the same by Django's CSRF middleware: it compares the Origin with the host that HostGate
has let in, as long as CSRF_TRUSTED_ORIGINS is empty.)
"""

from __future__ import annotations

from asgiref.sync import sync_to_async

from sessions_farm.communities.links import origin
from sessions_farm.communities.registry import Member, RegistryUnavailableError, registry
from sessions_farm.web.asgi import Application, Receive, Scope, Send, host_in


class OwnOriginOnly:
    """Refuse a handshake (403) unless Host names a served host and Origin is its own, one of each.

    ``master_only``: the host must be its community's master as well.
    """

    def __init__(self, inner: Application, *, master_only: bool = False) -> None:
        self.inner = inner
        self.master_only = master_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        member = await sync_to_async(member_of)(host_in(scope))
        if member is None or (self.master_only and not member.is_master) or origins_in(scope) != [origin(member.host)]:
            await receive()  # "connect"; a close before "accept" is a 403
            await send({"type": "websocket.close"})
            return
        await self.inner(scope, receive, send)


def origins_in(scope: Scope) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]


def member_of(host: str) -> Member | None:
    """The member that serves pages under that host: none for an alias, or while nobody knows the registry."""
    try:
        member = registry.resolve(host) if host else None
    except RegistryUnavailableError:
        return None
    return None if member is not None and member.canonical_host else member

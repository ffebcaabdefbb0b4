"""Origins of WebSockets: a page may open a socket on its own host only.

A browser sends cookies with any site's WebSocket (RFC 6455, 10.2), so the Origin is compared exactly, port and all.
Channels' own validator knows only ALLOWED_HOSTS, which is open where a registry decides, and would let every site in.
(Django's CSRF middleware holds forms and scripts to the same rule, as long as CSRF_TRUSTED_ORIGINS is empty: it
compares the Origin with the host that HostMiddleware has let in.)
"""

from __future__ import annotations

from asgiref.sync import sync_to_async

from sessions_farm.communities.errors import RegistryUnavailableError
from sessions_farm.communities.links import origin
from sessions_farm.communities.registry import Member, registry
from sessions_farm.web.asgi import Application, Receive, Scope, Send, host_in


class SameOriginValidator:
    """Refuses a handshake (403) unless Host names a served host and Origin is its own, one of each.

    ``master_only``: the host must be its community's master as well.
    """

    def __init__(self, inner: Application, *, master_only: bool = False) -> None:
        self.inner = inner
        self.master_only = master_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the inner application, or close the socket."""
        member = await sync_to_async(serving_member)(host_in(scope))
        if member is None or (self.master_only and not member.is_master) or origins_in(scope) != [origin(member.host)]:
            await receive()  # "connect"; a close before "accept" is a 403
            await send({"type": "websocket.close"})
            return
        await self.inner(scope, receive, send)


def origins_in(scope: Scope) -> list[str]:
    """Return the Origin headers of a handshake."""
    return [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]


def serving_member(host: str) -> Member | None:
    """Return the member that serves pages under a host; None for an alias, or while the registry is unavailable."""
    try:
        member = registry.resolve(host) if host else None
    except RegistryUnavailableError:
        return None
    return None if member is not None and member.canonical_host else member

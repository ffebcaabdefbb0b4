"""Who may open a socket: pages of the community's master, and nobody else's.

A browser sends cookies with any site's WebSocket (RFC 6455, 10.2), so the Origin is checked exactly, port and all.
Channels' own validator knows only ALLOWED_HOSTS, which is open here, and would let every site in.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from channels.db import database_sync_to_async
from channels.security.websocket import WebsocketDenier

from sessions_farm.communities import Member, RegistryUnavailable, registry
from sessions_farm.links import origin

type Application = Callable[..., Awaitable[None]]

HOST = re.compile(rb"([a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::[0-9]{1,5})?")


class MasterOriginOnly:
    """Refuses the handshake (403) unless host and Origin are the master's, one of each."""

    def __init__(self, inner: Application) -> None:
        self.inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        member = await database_sync_to_async(master_of)(only(scope, b"host"))
        if member is None or only(scope, b"origin") != origin(member.host).encode():
            await WebsocketDenier()(scope, receive, send)
            return
        await self.inner({**scope, "member": member}, receive, send)


def only(scope: dict[str, Any], name: bytes) -> bytes:
    """The one header of that name; empty where there is none or more than one."""
    values = [value for header, value in scope["headers"] if header == name]
    return values[0] if len(values) == 1 else b""


def master_of(host: bytes) -> Member | None:
    """The member behind a Host header where it is the master of its community."""
    named = HOST.fullmatch(host.lower())
    if named is None:
        return None
    try:
        member = registry.resolve(named[1].decode())
    except RegistryUnavailable:
        return None
    return member if member is not None and member.is_master else None

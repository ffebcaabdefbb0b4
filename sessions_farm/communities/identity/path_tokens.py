"""The token that stands in an address where a browser keeps no cookie: ``/(s:TOKEN)/page``.

It proves what the cookie proves, under a key of its own, and only for the browser that it was made for: its name
(User-Agent) and its network (IPv4 /24, IPv6 /48). An address is shared, logged and read over a shoulder; a cookie is
not.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from sessions_farm.conf import options
from sessions_farm.session import ids
from sessions_farm.web import cookies
from sessions_farm.web.clients import network_of
from sessions_farm.web.cookies import Proof

if TYPE_CHECKING:
    from django.http import HttpRequest

    from sessions_farm.communities.registry import Member

SHAPE = re.compile(r"/\(s:(?P<token>[^/]*)\)(?P<rest>/.*)?", re.DOTALL)
NETWORK_BITS = {
    "ipv4_bits": 24,
    "ipv6_bits": 48,
}  # bits that stay the same while a browser moves within its household, office or mast


def make(request: HttpRequest, member: Member, session_id: str, now: float | None = None) -> str:
    """A token of this id for the browser and the host of the request."""
    issued = f"{int(time.time() if now is None else now):x}"
    return f"v1.{session_id}.{issued}.{ids.sign(*_signed(request, member, session_id, issued))}"


def prove(request: HttpRequest, member: Member, token: str, now: float | None = None) -> Proof | None:
    """What a token proves for this browser on this host: nothing where it is misshapen, too old or not ours."""
    match = cookies.VALUE.fullmatch(token)
    if match is None:
        return None
    session_id, issued, mac = match.groups()
    use, *parts = _signed(request, member, session_id, issued)
    age = (time.time() if now is None else now) - int(issued, 16)
    if not -cookies.CLOCK_SKEW <= age <= options().cookieless_age or not ids.verify(use, mac, *parts):
        return None
    return Proof(session_id, int(issued, 16))


def is_due(proof: Proof, now: float | None = None) -> bool:
    """Whether a quarter of the token's life has gone, so that a page's links get a fresh one."""
    return (time.time() if now is None else now) - proof.issued_at > options().cookieless_age / 4


def redacted(text: str) -> str:
    """A line for a log, without tokens and cookies' values."""
    return cookies.VALUE.sub("REDACTED", text)


def _signed(request: HttpRequest, member: Member, session_id: str, issued: str) -> tuple[str, ...]:
    browser = request.headers.get("User-Agent", "").replace("\0", "")
    bound = (member.community, str(member.key_epoch), member.host, network_of(request, **NETWORK_BITS), browser)
    return f"mall|{member.community}|path", *bound, session_id, issued

"""The token that stands in an address where a browser keeps no cookie: ``/(s:TOKEN)/page``.

It proves the same id as the cookie, for another purpose, and only for the browser that it was made for: its User-Agent
and its network (IPv4 /24, IPv6 /48). An address is shared, logged and read over a shoulder; a cookie is not.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from sessions_farm.communities.conf import community_options
from sessions_farm.session.ids import ID, Proof
from sessions_farm.web import tokens
from sessions_farm.web.clients import network_of

if TYPE_CHECKING:
    from django.http import HttpRequest

    from sessions_farm.session.audience import Audience

PURPOSE = "path-token"
NETWORK_BITS = {"ipv4_bits": 24, "ipv6_bits": 48}  # of a network that a browser seldom leaves: house, office, mast
# Also where the colon is escaped. A token begins where no other character of one stands before it: tried at each
# character of a long address instead, a line of the log would take time by its length squared.
IN_LOGS = re.compile(rf"(%3A|(?<![\w.~-])){tokens.TOKEN.pattern}", re.ASCII | re.IGNORECASE)
SHAPE = re.compile(r"/\(s:(?P<token>[^/]*)\)(?P<rest>/.*)?", re.DOTALL)


def make(request: HttpRequest, member: Audience, session_id: str, now: float | None = None) -> str:
    """Return a token of an id for the browser and the host of the request."""
    return tokens.seal(PURPOSE, session_id, *_bound(request, member), now=now)


def prove(request: HttpRequest, member: Audience, token: str, now: float | None = None) -> Proof | None:
    """Return the id that a token proves for this browser on this host; None where it is malformed, old or forged."""
    sealed = tokens.unseal(
        PURPOSE, token, *_bound(request, member), max_age=community_options().cookieless_age, now=now
    )
    return Proof(sealed.payload, sealed.issued_at) if sealed and ID.fullmatch(sealed.payload) else None


def is_due(proof: Proof, now: float | None = None) -> bool:
    """Return whether a quarter of the token's life has gone, so that a page's links get a fresh one."""
    return (time.time() if now is None else now) - proof.issued_at > community_options().cookieless_age / 4


def redacted(text: str) -> str:
    """Return a line for a log without tokens and cookies' values."""
    return IN_LOGS.sub(r"\1REDACTED", text)


def _bound(request: HttpRequest, member: Audience) -> tuple[str, ...]:
    browser = request.headers.get("User-Agent", "").replace("\0", "")
    return (*member.cookie_scope, member.host, network_of(request, **NETWORK_BITS), browser)

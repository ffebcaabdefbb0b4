"""The verifier: the secret that binds a hand-off to the browser that began it (PKCE, RFC 7636, S256).

It stays on the client host in a cookie ``<verifier>.<starts>``, shared by tabs that start at the same time; only its
hash, the challenge, travels. So it serves as the nonce of the flow: a code that was injected from another browser does
not fit. ``starts`` counts the hand-offs begun in its life and bounds them.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

from django.core.signing import b64_encode
from django.http import HttpRequest, HttpResponseBase

from sessions_farm.communities.handoff import former_master
from sessions_farm.communities.registry import Member
from sessions_farm.web import cookies

LIFETIME = 120  # seconds
MAX_STARTS = 3  # in that time
GAVE_UP_LIFETIME = 300  # seconds
VALUE = re.compile(r"([A-Za-z0-9_-]{43})\.([1-9])", re.ASCII)
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Verifier:
    """A browser's secret, and the number of hand-offs that it began."""

    secret: str  # 256 bits, base64url
    starts: int

    @property
    def challenge(self) -> str:
        """The SHA-256 of the secret in base64url (S256)."""
        return b64_encode(hashlib.sha256(self.secret.encode()).digest()).decode()

    def is_exhausted(self, client: Member) -> bool:
        """Return whether this browser has begun enough."""
        return self.starts >= MAX_STARTS - former_master.starts_spared(client)

    def count(self, starts: int = 1) -> Verifier:
        """Return the verifier with more hand-offs begun."""
        return Verifier(self.secret, self.starts + starts)


def new_verifier() -> Verifier:
    """Return a fresh verifier of 256 random bits."""
    return Verifier(secrets.token_urlsafe(32), 0)


def verifier_in(request: HttpRequest, client: Member) -> Verifier | None:
    """Return the verifier in the request's cookie."""
    found = VALUE.fullmatch(request.COOKIES.get(verifier_cookie(client), ""))
    return Verifier(found[1], int(found[2])) if found else None


def set_verifier(response: HttpResponseBase, client: Member, verifier: Verifier) -> None:
    """Set the verifier's cookie, for LIFETIME."""
    value = f"{verifier.secret}.{min(verifier.starts, 9)}"
    cookies.set_cookie(response, verifier_cookie(client), value, LIFETIME)


def gave_up_before(request: HttpRequest, client: Member) -> bool:
    """Return whether a hand-off failed in this browser a while ago."""
    return gave_up_cookie(client) in request.COOKIES


def give_up(response: HttpResponseBase, client: Member) -> None:
    """Let this browser begin no hand-off for GAVE_UP_LIFETIME."""
    cookies.set_cookie(response, gave_up_cookie(client), "1", GAVE_UP_LIFETIME)


def verifier_cookie(client: Member) -> str:
    """Return the name of the verifier's cookie on a client host ("hand-off, secret")."""
    return f"{cookies.name_for(client)}-hs"


def gave_up_cookie(client: Member) -> str:
    """Return the name of the cookie of a browser that gave up ("no cookies")."""
    return f"{cookies.name_for(client)}-nc"

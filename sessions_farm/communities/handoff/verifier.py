"""The verifier: the secret that ties a hand-off to the browser that began it (PKCE, RFC 7636, S256).

It stays on the client host in a cookie ``<verifier>.<starts>``, shared by tabs that start at the same time; only its
hash, the challenge, travels. ``starts`` counts the hand-offs begun in its life and bounds them.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from sessions_farm.communities.registry import Member
from sessions_farm.web import cookies

LIFETIME = 120  # seconds
MAX_STARTS = 3  # in that time
GAVE_UP_LIFETIME = 300
VALUE = re.compile(r"([A-Za-z0-9_-]{43})\.([1-9])", re.ASCII)
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Verifier:
    secret: str  # 256 bits, base64url
    starts: int

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.secret.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def is_exhausted(self, client: Member) -> bool:
        """Whether this browser has begun enough; fewer are enough where a former master makes the way longer."""
        return self.starts >= (MAX_STARTS - 1 if client.former_master else MAX_STARTS)

    def more(self, starts: int = 1) -> Verifier:
        return Verifier(self.secret, self.starts + starts)


def fresh() -> Verifier:
    return Verifier(secrets.token_urlsafe(32), 0)


def read(request: HttpRequest, client: Member) -> Verifier | None:
    found = VALUE.fullmatch(request.COOKIES.get(name_of(client), ""))
    return Verifier(found[1], int(found[2])) if found else None


def keep(response: HttpResponseBase, client: Member, verifier: Verifier) -> None:
    set_cookie(response, name_of(client), f"{verifier.secret}.{min(verifier.starts, 9)}", LIFETIME)


def has_given_up(request: HttpRequest, client: Member) -> bool:
    return gave_up_name(client) in request.COOKIES


def give_up(response: HttpResponseBase, client: Member) -> None:
    """Start no hand-off from this browser for a while."""
    set_cookie(response, gave_up_name(client), "1", GAVE_UP_LIFETIME)


def name_of(client: Member) -> str:
    return f"{cookies.name_for(client)}-hs"


def gave_up_name(client: Member) -> str:
    return f"{cookies.name_for(client)}-nc"


def set_cookie(response: HttpResponseBase, name: str, value: str, max_age: int) -> None:
    """Lax, for a strict cookie does not come along when the chain returns from another domain."""
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        path="/",
        secure=bool(settings.SESSION_COOKIE_SECURE),
        httponly=True,
        samesite="Lax",
    )

"""What a hand-off must remember on its way: signed, in the URL, nowhere stored."""

from __future__ import annotations

import base64
import binascii
import json
import time
from dataclasses import dataclass
from typing import Self

from sessions_farm.communities.handoff import paths
from sessions_farm.communities.registry import Member
from sessions_farm.web import tokens

MAX_AGE = 120  # seconds
PREFIX_LENGTH = 16  # characters of the challenge, 96 bits


class BadState(Exception):
    """Not a state that this community sealed for this host."""


@dataclass(frozen=True, slots=True)
class State:
    """Where to return (path and query), which attempt this is, for which challenge, and who was asked."""

    path: str
    attempt: int
    challenge: str  # its first PREFIX_LENGTH characters
    authority: str
    stale: bool = False

    def seal(self, client: Member, now: float | None = None) -> str:
        """Text for the URL: content, time and MAC, bound to the community and the client host."""
        content = [self.path, self.attempt, self.challenge, self.authority]
        text = base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()
        issued = f"{int(time.time() if now is None else now):x}"
        return f"{text}.{issued}.{tokens.mac(use_of(client), client.host, text, issued)}"

    @classmethod
    def unseal(cls, sealed: str, client: Member, now: float | None = None) -> Self:
        """Raise BadState for all but an authentic state of this host; one older than MAX_AGE is marked stale."""
        text, _, rest = sealed.partition(".")
        issued, _, mac = rest.partition(".")
        if not sealed.isascii() or not tokens.is_mac(mac, use_of(client), client.host, text, issued):
            raise BadState("This state was not made here, or not for this host.")
        path, attempt, challenge, authority = content_of(text)
        if not paths.is_safe(path):
            raise BadState(f"The state's path {path!r} leaves this host.")
        age = (time.time() if now is None else now) - int(issued, 16)
        return cls(path, attempt, challenge, authority, stale=age > MAX_AGE)


def content_of(text: str) -> list:  # type: ignore[type-arg]  # JSON: two strings around a number, and a string
    try:
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))  # type: ignore[no-any-return]  # as above
    except (binascii.Error, ValueError) as error:
        raise BadState("This state is signed, but not as this version writes it.") from error


def use_of(client: Member) -> str:
    return f"mall|{client.community}|handoff-state"

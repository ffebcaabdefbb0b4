"""The state of a hand-off: it travels in the URL, sealed for the client host, and is stored nowhere."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Self

from django.core.signing import b64_decode, b64_encode

from sessions_farm.communities.handoff import paths
from sessions_farm.communities.handoff.errors import InvalidStateError
from sessions_farm.communities.registry import Member
from sessions_farm.web import tokens

MAX_AGE = 120  # seconds
CHALLENGE_PREFIX = 16  # characters of the challenge, 96 bits
PURPOSE = "handoff.state"


@dataclass(frozen=True, slots=True)
class HandoffState:
    """The page to return to (path and query), the attempt, the challenge's first characters, and the authority."""

    path: str
    attempt: int
    challenge: str  # its first CHALLENGE_PREFIX characters
    authority: str
    is_stale: bool = False

    def seal(self, client: Member, now: float | None = None) -> str:
        """Return a token of the state, bound to the community and the client host."""
        content = json.dumps([self.path, self.attempt, self.challenge, self.authority])
        payload = b64_encode(content.encode()).decode()
        return tokens.seal(PURPOSE, payload, client.community, client.host, now=now)

    @classmethod
    def unseal(cls, token: str, client: Member, now: float | None = None) -> Self:
        """Return the state in a token of this client host; one older than MAX_AGE is marked stale.

        Raise InvalidStateError for any other text, and for a return path that would leave the host.
        """
        sealed = tokens.unseal(PURPOSE, token, client.community, client.host, now=now)
        if sealed is None:
            raise InvalidStateError("This state was not made here, or not for this host.")
        path, attempt, challenge, authority = _content_of(sealed.payload)
        if not paths.is_safe_path(path):
            raise InvalidStateError(f"The state's path {path!r} leaves this host.")
        return cls(path, attempt, challenge, authority, is_stale=sealed.age(now) > MAX_AGE)


def _content_of(payload: str) -> list:  # type: ignore[type-arg]  # JSON: two strings around a number, and a string
    try:
        return json.loads(b64_decode(payload.encode()))  # type: ignore[no-any-return]  # as above
    except ValueError as error:  # binascii.Error is one
        raise InvalidStateError("This state is signed, but not as this version writes it.") from error

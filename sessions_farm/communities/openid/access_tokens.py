"""Access tokens of external members: sealed, not stored, and good as long as the visitor's id and their own are.

``sub`` names a visitor to one member and to no other (pairwise, OpenID Connect Core 1.0, 8.1). It is a MAC under the
visitor's own id, so it holds for as long as the id, whatever becomes of SECRET_KEY, and leads back to nobody.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from django.core.signing import b64_encode

from sessions_farm.session import ids, serializer
from sessions_farm.session.variables import SIGNED_IN
from sessions_farm.stores import current_store
from sessions_farm.stores.base import Reading, State
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.stores.store_time import now_effects
from sessions_farm.web import tokens

LIFETIME = 600  # seconds
PURPOSE = "openid.access"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The right of an external member to ask about a visitor.

    ``digests`` are the digests of the visitor's id under each of our keys, joined by dots: a new SECRET_KEY must not
    make a stranger of the visitor. ``id`` is the token's own name in the store, which ends with it.
    """

    digests: str
    client: str
    sub: str
    id: str

    @classmethod
    def of_visitor(cls, mall_id: str, community: str, client: str, token_id: str) -> Self:
        """Return a token for a client to ask about the visitor of an id."""
        return cls(".".join(ids.digests_of(mall_id)), client, subject_of(mall_id, community, client), token_id)

    def seal(self, community: str, now: float | None = None) -> str:
        """Return the token, bound to a community."""
        return tokens.seal(PURPOSE, f"{self.digests}~{self.client}~{self.sub}~{self.id}", community, now=now)

    @classmethod
    def unseal(cls, token: str, community: str) -> Self | None:
        """Return the content of an authentic token of the community, at most LIFETIME old."""
        sealed = tokens.unseal(PURPOSE, token, community, max_age=LIFETIME)
        return cls(*sealed.payload.split("~")) if sealed else None

    @property
    def has_ended(self) -> bool:
        """Whether the token was ended before its time: its code was used twice. Raise StoreUnavailableError."""
        return load_first([self.id]).state is State.ENDED

    def read_session(self) -> Reading | None:
        """Return the visitor's session; None where it has ended. Raise StoreUnavailableError."""
        reading = load_first(self.digests.split("."))
        return None if reading.state is State.ENDED else reading


def subject_of(mall_id: str, community: str, client: str) -> str:
    """Return the name of a visitor for one client; it changes with the id, at a login and at a logout."""
    named = "\0".join(("openid.subject", community, client))
    return b64_encode(hmac.digest(mall_id.encode(), named.encode(), hashlib.sha256)).decode()


def is_signed_in(reading: Reading) -> bool:
    """Return whether a person is signed in, in a session."""
    return bool(serializer.decode(reading.variables.get(SIGNED_IN, "false")))


def load_first(keys: Iterable[str]) -> Reading:
    """Return the session under the first key that has one. Raise StoreUnavailableError."""
    store = current_store()
    readings = (run_sync(store.load(key, run_sync(now_effects(store)))) for key in keys)
    return next((found for found in readings if found.state is not State.ABSENT), Reading(State.ABSENT))

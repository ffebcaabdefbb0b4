"""Authorization codes for external members, each sealed for its client, redirect_uri and PKCE challenge.

Whatever was not sealed for just these never reaches the store: a rival that presents the code of another client, or
with another verifier, spends nothing. A code is a row of the store for LIFETIME, taken once (RFC 6749, 4.1.2).
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import astuple, dataclass

from sessions_farm.communities.handoff.codes import digest_of_code, mask
from sessions_farm.communities.openid import access_tokens
from sessions_farm.stores.base import now_ms
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.stores.protocol import Store
from sessions_farm.web import tokens

LIFETIME = 60  # seconds
PURPOSE = "openid.code"


@dataclass(frozen=True, slots=True)
class Binding:
    """The only hands in which a code is worth something. ``redirect_uri`` is '' where the question named none."""

    community: str
    issuer: str
    client: str
    redirect_uri: str
    challenge: str

    @property
    def values(self) -> tuple[str, ...]:
        return astuple(self)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a code gives: the visitor, and what the client asked to have back or to be told."""

    mall_id: str
    nonce: str = ""
    scope: str = ""


def issue_code(store: Store, binding: Binding, grant: Grant) -> str:
    """Store a grant for LIFETIME and return its code, with 256 random bits. Raise StoreUnavailableError."""
    code = tokens.seal(PURPOSE, secrets.token_urlsafe(32), *binding.values)
    masked = base64.urlsafe_b64encode(mask(grant.mall_id.encode(), code)).decode()
    payload = json.dumps([masked, grant.nonce, grant.scope])
    run_sync(store.put_code(_key(code), payload, LIFETIME))
    return code


def redeem_code(store: Store, code: str, binding: Binding) -> Grant | None:
    """Take the grant of a code; None for any code that is not of this binding, used or too old.

    A used one ends the access token that it gave. Raise StoreUnavailableError.
    """
    if tokens.unseal(PURPOSE, code, *binding.values, max_age=LIFETIME + access_tokens.LIFETIME) is None:
        return None
    payload = run_sync(store.take_code(_key(code)))
    if payload is None:
        run_sync(store.delete(token_id(code), "replayed", now_ms()))
        return None
    masked, nonce, scope = json.loads(payload)
    return Grant(mask(base64.urlsafe_b64decode(masked), code).decode(), nonce, scope)


def token_id(code: str) -> str:
    """Return the name of the access token of a code: 43 characters, a key of the store that ends with the token."""
    digest = hashlib.sha256(f"openid.token:{code}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _key(code: str) -> str:
    return digest_of_code(f"{PURPOSE}:{code}")  # no hand-off between hosts of the farm takes it

"""One-time codes: an authorization grant goes from host to host through the browser, once.

The store holds a digest of the code and, of the mall id, only ciphertext that the code itself opens: neither a dump of
the store nor a log of URLs alone gives an id.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass

from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.stores.protocol import Codes

LIFETIME = 60  # seconds


@dataclass(frozen=True, slots=True)
class Grant:
    """``issuer`` gives ``mall_id`` to ``client``, for the browser that holds the verifier of ``challenge``."""

    community: str
    mall_id: str
    client: str
    challenge: str
    issuer: str


def issue_code(store: Codes, grant: Grant) -> str:
    """Store a grant for LIFETIME and return its code of 256 bits. Raise StoreUnavailableError."""
    code = secrets.token_urlsafe(32)
    masked = base64.urlsafe_b64encode(mask(grant.mall_id.encode(), code)).decode()
    payload = json.dumps([grant.community, masked, grant.client, grant.challenge, grant.issuer])
    run_sync(store.put_code(digest_of_code(code), payload, LIFETIME))
    return code


def redeem_code(store: Codes, code: str) -> Grant | None:
    """Take the grant of a code out of the store; None for an unknown, used or expired one.

    Raise StoreUnavailableError.
    """
    payload = run_sync(store.take_code(digest_of_code(code)))
    if payload is None:
        return None
    community, masked, client, challenge, issuer = json.loads(payload)
    mall_id = mask(base64.urlsafe_b64decode(masked), code).decode()
    return Grant(community, mall_id, client, challenge, issuer)


def digest_of_code(code: str) -> str:
    """Return the SHA-256 of a code in hex, its key in the store."""
    return hashlib.sha256(code.encode()).hexdigest()


def mask(content: bytes, code: str) -> bytes:
    """Return the content encrypted, or decrypted, by a one-time pad of the code's 256 bits: a code serves one grant."""
    pad = hashlib.shake_256(b"grant:" + code.encode()).digest(len(content))
    return bytes(a ^ b for a, b in zip(content, pad, strict=True))

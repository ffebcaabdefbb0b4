"""One-time codes: what one host tells another through the browser, once.

The store holds a digest of the code and, of the mall id, only what the code itself can open: neither a dump of the
store nor a log of URLs alone gives an id.
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
    """``issuer`` gives ``mall_id`` to ``client``, for the browser that knows the verifier of ``challenge``."""

    community: str
    mall_id: str
    client: str
    challenge: str
    issuer: str


def put(store: Codes, grant: Grant) -> str:
    code = secrets.token_urlsafe(32)
    sealed = base64.urlsafe_b64encode(mask(grant.mall_id.encode(), code)).decode()
    payload = json.dumps([grant.community, sealed, grant.client, grant.challenge, grant.issuer])
    run_sync(store.put_code(digest_of(code), payload, LIFETIME))
    return code


def take(store: Codes, code: str) -> Grant | None:
    payload = run_sync(store.take_code(digest_of(code)))
    if payload is None:
        return None
    community, sealed, client, challenge, issuer = json.loads(payload)
    mall_id = mask(base64.urlsafe_b64decode(sealed), code).decode()
    return Grant(community, mall_id, client, challenge, issuer)


def digest_of(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def mask(content: bytes, code: str) -> bytes:
    """A one-time pad of the code's own 256 bits: a code is made for one payload and forgotten."""
    pad = hashlib.shake_256(b"grant:" + code.encode()).digest(len(content))
    return bytes(a ^ b for a, b in zip(content, pad, strict=True))

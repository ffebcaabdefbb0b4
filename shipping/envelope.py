"""Signed documents, and the keys that sign them: envelopes of DSSE 1 (https://github.com/secure-systems-lab/dsse).

The signature covers a type and the exact bytes that are acted upon, which travel in base64: nothing is serialised anew,
and nothing of it is parsed before it is verified. The key, which is found by its id, says the algorithm; the document
does not. Several signatures, one good one of which is enough, let the other side change its key without a gap.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ORDER = "application/vnd.mall.dispatch.v1+json"
RECEIPT = "application/vnd.mall.receipt.v1+json"
JOB = "application/vnd.mall.job.v1+json"
SENDING = "application/vnd.mall.sending.v1+json"
SHARED = "application/vnd.mall.shared.v1+json"
SQLITE = "application/vnd.sqlite3"
CSV = "text/csv"

HMAC_SHA256 = "hmac-sha256"
ED25519 = "ed25519"
ED25519_PRIVATE = "ed25519-private"
"""The mall's own half of a key: it signs orders, and no line of a department's key file does."""
SECRET_BYTES = 32
LENGTHS = {HMAC_SHA256: SECRET_BYTES, ED25519_PRIVATE: 2 * SECRET_BYTES}

TOKEN_FOR = b"mall pickup token v1"

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 8
MAX_SIGNATURES = 8
BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


class ForgedDocumentError(ValueError):
    """No key that counts signed a document, or its form is wrong."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that a vendor's department and the mall share.

    One of Ed25519 has two parts of 32 bytes: the seed of the mall's private key, of which the department gets the
    public one, and the secret by which the department signs its receipts. So a thief of the department's key file
    forges no order.
    """

    vendor: str
    algorithm: str
    secret: bytes = field(repr=False)

    @classmethod
    def generate(cls, vendor: str, algorithm: str = HMAC_SHA256) -> SigningKey:
        """Return a new random key for a vendor's slug."""
        return cls(vendor, algorithm, secrets.token_bytes(LENGTHS[algorithm]))

    @classmethod
    def parse(cls, line: str) -> SigningKey:
        """Return the key of a stored line; raise ValueError for any other text."""
        try:
            vendor, algorithm, text = line.split()
            secret = base64.b64decode(text, validate=True)
        except ValueError as error:
            raise ValueError("A key is one line: the vendor, the algorithm, and the secret in base64.") from error
        if len(secret) < LENGTHS.get(algorithm, len(secret) + 1):
            raise ValueError(f"A key of {algorithm!r} with {len(secret)} bytes is not known; {HMAC_SHA256} has 32.")
        return cls(vendor, algorithm, secret)

    @property
    def stored_line(self) -> str:
        """Return the key as the mall keeps it, encrypted."""
        return f"{self.vendor} {self.algorithm} {base64.b64encode(self.secret).decode()}"

    @property
    def line(self) -> str:
        """Return the key as a line of the department's key file."""
        if self.algorithm == HMAC_SHA256:
            return self.stored_line
        public = _private_key(self.secret).public_key().public_bytes_raw()
        return f"{self.vendor} {ED25519} {base64.b64encode(public + self.shared).decode()}"

    @property
    def shared(self) -> bytes:
        """Return the part that both sides have: it signs receipts, and opens the pickup API."""
        return self.secret if self.algorithm == HMAC_SHA256 else self.secret[SECRET_BYTES:]

    @property
    def key_id(self) -> str:
        """Return the name by which a document says which key signed it; it follows from the department's line."""
        _, algorithm, text = self.line.split()
        return "mk_" + hashlib.sha256(f"{algorithm}:".encode() + base64.b64decode(text)).hexdigest()[:16]

    @property
    def token(self) -> str:
        """Return the bearer token by which the department signs in at the pickup API."""
        derived = hmac.digest(self.shared, TOKEN_FOR, "sha256")
        return f"{self.key_id}.{base64.urlsafe_b64encode(derived).decode().rstrip('=')}"

    def sign(self, message: bytes) -> bytes:
        """Return the mall's signature of a message."""
        if self.algorithm == HMAC_SHA256:
            return hmac.digest(self.secret, message, "sha256")
        return _private_key(self.secret).sign(message)

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Return True where the signature of a message is the department's."""
        return hmac.compare_digest(hmac.digest(self.shared, message, "sha256"), signature)


@lru_cache(1024)
def _private_key(secret: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(secret[:SECRET_BYTES])


def pae(kind: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding of DSSE: the bytes that are signed."""
    return b"DSSEv1 %d %s %d %s" % (len(kind.encode()), kind.encode(), len(payload), payload)


def seal(payload: bytes, kind: str, keys: Sequence[SigningKey], *, detached: bool = False) -> bytes:
    """Return the envelope of a payload; a detached one leaves the payload out, for it travels beside."""
    message = pae(kind, payload)
    document: dict[str, Any] = {
        "payloadType": kind,
        "signatures": [{"keyid": key.key_id, "sig": base64.b64encode(key.sign(message)).decode()} for key in keys],
    }
    if not detached:
        document = {"payload": base64.b64encode(payload).decode(), **document}
    return json.dumps(document, separators=(",", ":")).encode()


def verify(content: bytes, kind: str, keys: Sequence[SigningKey]) -> bytes:
    """Return the payload of an envelope that one of the keys signed as of this kind; raise ForgedDocumentError."""
    document = load_object(content)
    payload = _decoded(document.get("payload"))
    signatures = document.get("signatures")
    if document.get("payloadType") != kind or not isinstance(signatures, list) or len(signatures) > MAX_SIGNATURES:
        raise ForgedDocumentError(f"It is no signed document of the kind {kind}.")
    by_id = {key.key_id: key for key in keys}
    message = pae(kind, payload)
    for signature in signatures:
        key = by_id.get(str(signature.get("keyid"))) if isinstance(signature, dict) else None
        if key is not None and key.verifies(message, _decoded(signature.get("sig"))):
            return payload
    raise ForgedDocumentError("No key that counts signed it.")


def verify_own(content: bytes, kind: str, keys: Sequence[SigningKey]) -> dict[str, Any]:
    """Return the object in a department's document of this kind; raise ForgedDocumentError for any other."""
    return load_object(verify(content, kind, keys))


def unverified_payload(content: bytes) -> bytes:
    """Return the payload that an envelope claims, to compare it with one's own; empty for any other content."""
    try:
        return _decoded(load_object(content).get("payload"))
    except ForgedDocumentError:
        return b""


def load_object(content: bytes) -> dict[str, Any]:
    """Return foreign JSON, an object within the limits; raise ForgedDocumentError before any of it is parsed."""
    if len(content) > MAX_BYTES or depth_of(content) > MAX_DEPTH:
        raise ForgedDocumentError(f"It has more than {MAX_BYTES} bytes, or more than {MAX_DEPTH} levels.")
    try:
        document = json.loads(content)
    except ValueError as error:  # also bytes that are not UTF-8, and numbers that are too long
        raise ForgedDocumentError("It is no JSON.") from error
    if not isinstance(document, dict):
        raise ForgedDocumentError("It is no object of JSON.")
    return document


def depth_of(content: bytes) -> int:
    """Return how deep JSON is nested, without parsing it."""
    deepest = level = 0
    for token in BRACKETS.finditer(content):
        first = token[0][:1]
        if first in b"[{":
            level += 1
            deepest = max(deepest, level)
        elif first in b"]}":
            level -= 1
    return deepest


def _decoded(text: object) -> bytes:
    if not isinstance(text, str):
        raise ForgedDocumentError("A part of it is missing.")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ForgedDocumentError("A part of it is no base64.") from error

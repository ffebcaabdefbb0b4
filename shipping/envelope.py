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
from typing import Any

ORDER = "application/vnd.mall.dispatch.v1+json"
RECEIPT = "application/vnd.mall.receipt.v1+json"
CSV = "text/csv"

HMAC_SHA256 = "hmac-sha256"
SECRET_BYTES = 32

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 8
MAX_SIGNATURES = 8
BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


class ForgedDocumentError(ValueError):
    """No key that counts signed a document, or its form is wrong."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that a vendor's department and the mall share."""

    vendor: str
    algorithm: str
    secret: bytes = field(repr=False)

    @classmethod
    def generate(cls, vendor: str) -> SigningKey:
        """Return a new random key for a vendor's slug."""
        return cls(vendor, HMAC_SHA256, secrets.token_bytes(SECRET_BYTES))

    @classmethod
    def parse(cls, line: str) -> SigningKey:
        """Return the key of a line of a key file; raise ValueError for any other text."""
        try:
            vendor, algorithm, text = line.split()
            secret = base64.b64decode(text, validate=True)
        except ValueError as error:
            raise ValueError("A key is one line: the vendor, the algorithm, and the secret in base64.") from error
        if algorithm != HMAC_SHA256 or len(secret) < SECRET_BYTES:
            raise ValueError(f"A key of {algorithm!r} with {len(secret)} bytes is not known; {HMAC_SHA256} has 32.")
        return cls(vendor, algorithm, secret)

    @property
    def line(self) -> str:
        """Return the key as a line of the department's key file."""
        return f"{self.vendor} {self.algorithm} {base64.b64encode(self.secret).decode()}"

    @property
    def key_id(self) -> str:
        """Return the name by which a document says which key signed it; it follows from the key."""
        return "mk_" + hashlib.sha256(f"{self.algorithm}:".encode() + self.secret).hexdigest()[:16]

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message."""
        return hmac.digest(self.secret, message, "sha256")

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Return True where the signature is the message's."""
        return hmac.compare_digest(self.sign(message), signature)


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

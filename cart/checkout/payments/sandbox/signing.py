"""Signatures of the simulated payment company's webhooks and returns.

Webhooks follow Standard Webhooks (github.com/standard-webhooks/standard-webhooks, spec 1.0): ``v1,`` and the base64 of
HMAC-SHA256 over ``id.timestamp.body``. A browser's return carries an HMAC of the reference.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

from django.utils.crypto import constant_time_compare, salted_hmac

TOLERANCE_SECONDS = 300  # seconds
MAX_TIME_DIGITS = 12  # digits of Unix seconds


class SignatureError(Exception):
    """Report an invalid signature or timestamp."""


def secret() -> bytes:
    """Return the key of the webhook signatures."""
    return salted_hmac("sandbox_gateway.webhook", "", algorithm="sha256").digest()


def notice_headers(notice_id: str, body: bytes, now: datetime) -> dict[str, str]:
    """Return the signed headers of a notice."""
    timestamp = str(int(now.timestamp()))
    return {
        "content-type": "application/json",
        "webhook-id": notice_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": _signature(notice_id, timestamp, body),
    }


def check_notice(headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """Raise SignatureError unless the body carries our signature from within five minutes of now."""
    given = {name.lower(): value for name, value in headers.items()}
    notice_id, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    # Bounded: Python refuses to parse integers of unlimited length.
    is_time = len(timestamp) <= MAX_TIME_DIGITS and timestamp.isascii() and timestamp.isdecimal()
    if not is_time or abs(now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        raise SignatureError(f"The notice's time {timestamp[:20]!r} is not within {TOLERANCE_SECONDS} seconds of now.")
    expected = _signature(notice_id, timestamp, body)
    if not any(constant_time_compare(expected, signature) for signature in given.get("webhook-signature", "").split()):
        raise SignatureError("The notice's signature does not fit its body.")


def return_signature(reference: str) -> str:
    """Sign the reference that a browser carries back to the shop."""
    return salted_hmac("sandbox_gateway.return", reference, algorithm="sha256").hexdigest()


def check_return(reference: str, signature: str) -> None:
    """Raise SignatureError unless the reference carries our signature."""
    if not constant_time_compare(return_signature(reference), signature):
        raise SignatureError(f"The return of payment {reference!r} is not signed by the gateway.")


def _signature(notice_id: str, timestamp: str, body: bytes) -> str:
    signed = hmac.new(secret(), f"{notice_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"

"""Standard Webhooks 1.0.0, symmetric signatures (https://www.standardwebhooks.com)."""

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"


def key_bytes(secret: str) -> bytes:
    """Return the bytes of a ``whsec_…`` secret; raise ValueError where they are not 24 to 64."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("The secret is not base64; it looks like whsec_ and 32 or more letters and digits.") from error
    if not 24 <= len(key) <= 64:
        raise ValueError(f"The secret holds {len(key)} bytes; give 24 to 64.")
    return key


def sign(*, secret: str, key: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a body under one secret, as ``v1,<base64>``."""
    signed = f"{key}.{timestamp}.".encode() + body
    digest = hmac.new(key_bytes(secret), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def headers(*, secrets: list[str], key: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers of a signed request. Two secrets, old and new, let a receiver rotate its key without a gap."""
    return {
        "webhook-id": key,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(
            sign(secret=secret, key=key, timestamp=timestamp, body=body) for secret in secrets
        ),
    }

"""Standard Webhooks 1.0.0: signatures of requests, HMAC (v1) and Ed25519 (v1a) (https://www.standardwebhooks.com)."""

import base64
import binascii
import hashlib
import hmac
import secrets as random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PREFIX = "whsec_"
PRIVATE_PREFIX, PUBLIC_PREFIX = "whsk_", "whpk_"
SEED_BYTES = 32


def new_private_key() -> str:
    """Return a new private key for Ed25519, as ``whsk_<base64>``."""
    return PRIVATE_PREFIX + base64.b64encode(random.token_bytes(SEED_BYTES)).decode()


def public_key(private: str) -> str:
    """Return the public key of a private one, as ``whpk_<base64>``: it goes to the department."""
    return PUBLIC_PREFIX + base64.b64encode(_opened(private).public_key().public_bytes_raw()).decode()


def _opened(private: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(base64.b64decode(private.removeprefix(PRIVATE_PREFIX), validate=True))


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
    """Return the signature of a body under one secret: ``v1,<base64>``, or ``v1a,<base64>`` under a private key."""
    signed = f"{key}.{timestamp}.".encode() + body
    if secret.startswith(PRIVATE_PREFIX):
        return "v1a," + base64.b64encode(_opened(secret).sign(signed)).decode()
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

"""Secrets at rest: a route's passwords and keys, encrypted under keys derived from SECRET_KEY and its fallbacks."""

import base64
import json
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

__all__ = ["InvalidToken", "decrypt_secrets", "encrypt_secrets"]


def encrypt_secrets(secrets: dict[str, str]) -> str:
    """Return the secrets as one encrypted text; empty for none."""
    return _fernet().encrypt(json.dumps(secrets).encode()).decode() if secrets else ""


def decrypt_secrets(encrypted: str) -> dict[str, str]:
    """Return the decrypted secrets; raise ``cryptography.fernet.InvalidToken`` where no key of the settings fits."""
    if not encrypted:
        return {}
    secrets: dict[str, str] = json.loads(_fernet().decrypt(encrypted.encode()))
    return secrets


def _fernet() -> MultiFernet:
    return MultiFernet([_key(secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


@lru_cache(16)
def _key(secret: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"shipping.encryption").derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(derived))

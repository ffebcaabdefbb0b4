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
    return _fernet(*_secret_keys()).encrypt(json.dumps(secrets).encode()).decode() if secrets else ""


def decrypt_secrets(encrypted: str) -> dict[str, str]:
    """Return the decrypted secrets; raise ``cryptography.fernet.InvalidToken`` where no key of the settings fits."""
    return dict(_decrypted(encrypted, *_secret_keys())) if encrypted else {}


def _secret_keys() -> list[str]:
    return [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]


@lru_cache(4096)  # each dispatch asks for its route's
def _decrypted(encrypted: str, *secret_keys: str) -> dict[str, str]:
    secrets: dict[str, str] = json.loads(_fernet(*secret_keys).decrypt(encrypted.encode()))
    return secrets


def _fernet(*secret_keys: str) -> MultiFernet:
    return MultiFernet(list(map(_key, secret_keys)))


@lru_cache(16)
def _key(secret: str) -> Fernet:
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"shipping.encryption").derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(derived))

"""Session ids: how one is made, and the keyed digest that stands for it at rest.

An id is 192 random bits and goes to the browser only. Stores and logs hold its keyed digest, so neither a stolen dump
nor a log line opens a session. Every key is derived from SECRET_KEY for one purpose; SECRET_KEY_FALLBACKS are honoured
wherever something older is read.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from sessions_farm.conf import options

ID = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)
AT_REST = "farm|at-rest"


@dataclass(frozen=True, slots=True)
class Proof:
    """An id that our own signature proves, and the second (Unix time) in which the proof was issued."""

    id: str
    issued_at: int

    def is_due(self, now: float) -> bool:
        """Return whether a quarter of the cookie's life has gone, so that it is sent again."""
        return now - self.issued_at > options().cookie_age / 4


def new_id() -> str:
    """Return a fresh id of 192 random bits."""
    return secrets.token_urlsafe(24)


def digest(session_id: str) -> str:
    """Return the stored form of an id: HMAC-SHA-256 under the newest key, 43 characters."""
    return _at_rest(_secrets()[0], session_id)


def digests_of(session_id: str) -> list[str]:
    """Return every possible stored form of an id: under the newest key first, then under each fallback."""
    return [_at_rest(secret, session_id) for secret in _secrets()]


def ids_from(purpose: str, secret_text: str) -> list[str]:
    """Derive ids of 192 bits from a secret: under the newest key first, then under each fallback."""
    return [_mac(secret, purpose, (secret_text,), 24) for secret in _secrets()]


def keystreams(purpose: str, text: str, size: int) -> list[bytes]:
    """Derive keys from a text, to encrypt one other text: under the newest key first, then under each fallback."""
    macs = (_mac(secret, purpose, (text,), 32) for secret in _secrets())
    return [hashlib.shake_256(mac.encode()).digest(size) for mac in macs]


def _at_rest(secret: str, session_id: str) -> str:
    # A handle is typed too, and a command line takes "-…" for an option.
    mac = _mac(secret, AT_REST, (session_id,), 32)
    return f"_{mac[1:]}" if mac.startswith("-") else mac


@lru_cache(maxsize=1)
def _secrets() -> tuple[str, ...]:
    return settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS


@receiver(setting_changed)
def _forget_secrets(*, setting: str, **_kwargs: object) -> None:
    if setting in {"SECRET_KEY", "SECRET_KEY_FALLBACKS"}:
        _secrets.cache_clear()


@lru_cache(maxsize=256)
def _keyed(secret: str, purpose: str) -> hmac.HMAC:
    """Return a MAC under the key of this purpose, to be copied: a copy is cheaper than a new one."""
    return hmac.new(hmac.digest(secret.encode(), purpose.encode(), hashlib.sha256), digestmod=hashlib.sha256)


def _mac(secret: str, purpose: str, parts: tuple[str, ...], size: int) -> str:
    keyed = _keyed(secret, purpose).copy()
    keyed.update("\0".join(parts).encode(errors="surrogatepass"))
    return base64.urlsafe_b64encode(keyed.digest()[:size]).rstrip(b"=").decode()

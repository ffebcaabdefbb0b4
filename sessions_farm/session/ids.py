"""Ids and keys: how an id is made, what is stored in its place, and what proves that we said something.

An id is 192 random bits and goes to the browser only. What is stored is its keyed hash, so neither a stolen dump nor a
log holds anything that opens a session. Every key is derived from SECRET_KEY for one use; SECRET_KEY_FALLBACKS are
honoured wherever something old is read.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from sessions_farm.communities.identity import id_generators

if TYPE_CHECKING:
    from sessions_farm.communities.registry import Member

ID = re.compile(r"[A-Za-z0-9_-]{16,128}", re.ASCII)
AT_REST = "farm|at-rest"
LOCAL = "local-"


def new_id(member: Member | None = None) -> str:
    """A fresh id of 192 random bits.

    A community's own generator (``sessions_farm.communities.identity.id_generators``) gives its beginning; 128 random bits follow, so a
    guessable generator makes no guessable id.

    Only the master makes ids for the whole community. One made on another host (a POST without a session, say) tells so
    by its own beginning, for as long as any cookie carries it: the next hand-off replaces and merges it.
    """
    if member and not member.is_master:
        return LOCAL + secrets.token_urlsafe(24)
    beginning = id_generators.prefix_by(member.id_generator, member) if member else ""
    return f"{beginning}-{secrets.token_urlsafe(16)}" if beginning else secrets.token_urlsafe(24)


def is_local(session_id: str) -> bool:
    """Whether an id was made by a member for itself, unknown to the rest of its community."""
    return session_id.startswith(LOCAL)


def is_id(text: str) -> bool:
    return ID.fullmatch(text) is not None


def digest(session_id: str) -> str:
    """What stands for an id at rest: HMAC-SHA-256 under the newest key, 43 characters."""
    return _mac(_secrets()[0], AT_REST, (session_id,), 32)


def digests_of(session_id: str) -> list[str]:
    """Every hash that may stand for an id: under the newest key first, then under each fallback."""
    return [_mac(secret, AT_REST, (session_id,), 32) for secret in _secrets()]


def ids_from(use: str, secret_text: str) -> list[str]:
    """Ids of 192 bits made of a secret: under the newest key first, then under each fallback."""
    return [_mac(secret, use, (secret_text,), 24) for secret in _secrets()]


def sign(use: str, *parts: str) -> str:
    """A MAC of 144 bits (24 characters) over parts that hold no NUL, under the newest key of this use."""
    return _mac(_secrets()[0], use, parts, 18)


def verify(use: str, mac: str, *parts: str) -> bool:
    """Whether we signed these parts for this use, now or under a fallback key."""
    given = mac.encode()
    return any(hmac.compare_digest(_mac(secret, use, parts, 18).encode(), given) for secret in _secrets())


@lru_cache(maxsize=1)
def _secrets() -> tuple[str, ...]:
    """The newest first."""
    return settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS


@receiver(setting_changed)
def _forget(*, setting: str, **_kwargs: object) -> None:
    if setting in {"SECRET_KEY", "SECRET_KEY_FALLBACKS"}:
        _secrets.cache_clear()


@lru_cache(maxsize=256)
def _begun(secret: str, use: str) -> hmac.HMAC:
    """A MAC under the key derived for this use, to be copied: that is quicker than to begin one."""
    return hmac.new(hmac.digest(secret.encode(), use.encode(), hashlib.sha256), digestmod=hashlib.sha256)


def _mac(secret: str, use: str, parts: tuple[str, ...], size: int) -> str:
    mac = _begun(secret, use).copy()
    mac.update("\0".join(parts).encode(errors="surrogatepass"))
    return base64.urlsafe_b64encode(mac.digest()[:size]).rstrip(b"=").decode()

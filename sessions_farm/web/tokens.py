"""Sealed tokens: text that travels through a browser and comes back authentic, or not at all.

A token is ``<payload>.<issue time>.<MAC>``. The MAC is Django's (``django.core.signing``): HMAC-SHA-256 under a key
derived from SECRET_KEY for one purpose; tokens under SECRET_KEY_FALLBACKS stay valid. It covers the payload, the issue
time and any further values that a token is bound to but does not carry: a host, a community, a browser.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from django.core.signals import setting_changed
from django.core.signing import Signer, b62_decode, b62_encode, b64_encode
from django.dispatch import receiver
from django.utils.crypto import constant_time_compare, salted_hmac

from sessions_farm.clock import now_ms

if TYPE_CHECKING:
    from collections.abc import Iterable

CLOCK_SKEW = 300  # seconds by which another node's clock may run ahead
MAX_LENGTH = 8192  # characters of a token
PAYLOAD = re.compile(r"[A-Za-z0-9_.~-]+", re.ASCII)
TOKEN = re.compile(rf"({PAYLOAD.pattern})\.([0-9A-Za-z]{{1,8}})\.([A-Za-z0-9_-]{{43}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Sealed:
    """The content of an authentic token."""

    payload: str
    issued_at: int  # Unix seconds

    def age(self, now: float | None = None) -> float:
        """Return the seconds since the token was issued."""
        return (now_ms() / 1000 if now is None else now) - self.issued_at


def seal(purpose: str, payload: str, *bound: str, now: float | None = None) -> str:
    """Return a token of the payload for one purpose, bound to further values.

    Raise ValueError for a payload that is empty or holds a character that a URL or a cookie would have to escape.
    """
    if not PAYLOAD.fullmatch(payload):
        raise ValueError(f"The payload {payload!r} is empty, or not made of letters, digits and '-_.~' alone.")
    content = f"{payload}.{b62_encode(int(now_ms() / 1000 if now is None else now))}"
    return f"{content}.{mac(purpose, content, *bound)}"


def unseal(
    purpose: str,
    token: str,
    *bound: str,
    max_age: float | None = None,
    ahead: float = CLOCK_SKEW,
    now: float | None = None,
) -> Sealed | None:
    """Return the content of a token that was sealed for the same purpose and values; None for any other text.

    None also for a token older than ``max_age`` seconds (None: no limit) or from more than ``ahead`` seconds later.
    """
    shape = TOKEN.fullmatch(token) if len(token) <= MAX_LENGTH else None
    if shape is None:
        return None
    payload, issued, given = shape.groups()
    if not is_mac(given, purpose, f"{payload}.{issued}", *bound):
        return None
    sealed = Sealed(payload, b62_decode(issued))
    age = sealed.age(now)
    return sealed if age >= -ahead and (max_age is None or age <= max_age) else None


def mac(purpose: str, *parts: str) -> str:
    """Return the MAC of the parts under the newest key of the purpose: 43 characters of base64url."""
    return _signer(purpose).signature(_joined(parts))


def is_mac(given: str, purpose: str, *parts: str) -> bool:
    """Return whether the MAC is of these parts, under the newest key of the purpose or a fallback key."""
    signer, text = _signer(purpose), _joined(parts)
    return any(constant_time_compare(given, signer.signature(text, key)) for key in (signer.key, *signer.fallback_keys))


class _KeptKeySigner(Signer):
    """Django's signer, with each derived key kept: to copy a MAC is quicker than to derive its key again."""

    def __init__(self, *, salt: str) -> None:
        super().__init__(salt=salt, sep=".")
        self._macs: dict[str | bytes, hmac.HMAC] = {}

    def signature(self, value: str | bytes, key: str | bytes | None = None) -> str:
        key = self.key if key is None else key
        if key not in self._macs:
            self._macs[key] = salted_hmac(f"{self.salt!s}signer", "", key, algorithm="sha256")
        keyed = self._macs[key].copy()
        keyed.update(value.encode(errors="surrogatepass") if isinstance(value, str) else value)
        return b64_encode(keyed.digest()).decode()


@lru_cache(maxsize=64)
def _signer(purpose: str) -> Signer:
    return _KeptKeySigner(salt=f"sessions_farm.{purpose}")


@receiver(setting_changed)
def _forget_keys(*, setting: str, **_kwargs: object) -> None:
    if setting in {"SECRET_KEY", "SECRET_KEY_FALLBACKS"}:
        _signer.cache_clear()


def _joined(parts: Iterable[str]) -> str:
    """Return one text that no other parts give: each part follows its own length."""
    return "".join(f"{len(part)}:{part}" for part in parts)

"""Visit ids, their pseudonyms for staff, and the signed token of an open page."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from django.core import signing
from django.utils.crypto import salted_hmac

from support_watch import limits

SALT = "support_watch.visit"


def digest(kind: str, *parts: object) -> str:
    """Return a keyed hash of the parts: 26 letters and digits (128 bits)."""
    text = "|".join(str(part) for part in parts)
    mac = salted_hmac(f"{SALT}.{kind}", text, algorithm="sha256").digest()[:16]
    return base64.b32encode(mac).decode().rstrip("=").lower()


def aliases(vendor_id: int, subjects: Sequence[str]) -> list[str]:
    """Return the hashes by which a vendor's feed knows a shopper, different for each vendor."""
    return [digest("alias", vendor_id, subject) for subject in subjects]


def candidate(vendor_id: int, subject: str, now: datetime) -> str:
    """Return the visit id for a visit that starts now.

    It is idempotent for parallel first requests and for a retry while Redis is away: the start is rounded to the idle
    time, after which a shopper counts as a new visit.
    """
    return digest("visit", vendor_id, subject, int(now.timestamp() * 1000) // limits.IDLE_MS)


def pseudonym(visit: str, level: int) -> str:
    """Return the name under which staff see a visit; the same for all who allow no more than their presence."""
    return f"Visitor {visit[:4]}" if level else "A visitor"


@dataclass(frozen=True, slots=True)
class PageToken:
    """The token of one open page: visit, tab and begin (ms); ``counted`` once the visit was announced.

    ``page`` is one of WatchedPage, ``title`` the page's own; ``has_notice`` if the page says itself what is seen.
    """

    vendor_id: int
    visit: str
    tab: str
    at: int
    page: str
    path: str
    title: str
    counted: bool
    has_notice: bool

    def signed(self) -> str:
        """Return the token as signed text."""
        return signing.dumps(astuple(self), salt=f"{SALT}.page", compress=True)


def read_token(text: str) -> PageToken:
    """Return the token in a text; raise signing.BadSignature if it is forged or older than TOKEN_SECONDS."""
    fields: list[Any] = signing.loads(text, salt=f"{SALT}.page", max_age=limits.TOKEN_SECONDS)
    return PageToken(*fields)


def new_tab() -> str:
    """Return a random id for a tab."""
    return secrets.token_urlsafe(6)

"""Visit ids, what staff see of them, and the token with which an open page speaks for its visit."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core import signing
from django.utils.crypto import salted_hmac

from support_watch import limits

SALT = "support_watch.visit"


def digest(kind: str, *parts: object) -> str:
    """26 letters and digits (128 bits) under the site's key: one way, and different for each vendor."""
    text = "|".join(str(part) for part in parts)
    mac = salted_hmac(f"{SALT}.{kind}", text, algorithm="sha256").digest()[:16]
    return base64.b32encode(mac).decode().rstrip("=").lower()


def aliases(vendor_id: int, subjects: Sequence[str]) -> list[str]:
    """What the feed knows a shopper by: never a session id or a visitor's id itself."""
    return [digest("alias", vendor_id, subject) for subject in subjects]


def candidate(vendor_id: int, subject: str, now: datetime) -> str:
    """The visit id if one starts now.

    Parallel first requests get the same one, and so does a retry while Redis is away: the start counts in steps of the
    idle time, after which a shopper is a new visit anyhow.
    """
    return digest("visit", vendor_id, subject, int(now.timestamp() * 1000) // limits.IDLE_MS)


def pseudonym(visit: str) -> str:
    return f"Visitor {visit[:4]}"


@dataclass(frozen=True, slots=True)
class PageToken:
    """One open page: whose visit, which tab, since when (ms); not ``counted`` where it is not announced yet."""

    vendor_id: int
    visit: str
    tab: str
    at: int
    path: str
    title: str
    counted: bool

    def signed(self) -> str:
        fields = [self.vendor_id, self.visit, self.tab, self.at, self.path, self.title, self.counted]
        return signing.dumps(fields, salt=f"{SALT}.page", compress=True)


def read_token(text: str) -> PageToken:
    """Raise signing.BadSignature for a token that is not ours or older than TOKEN_SECONDS."""
    fields: list[Any] = signing.loads(text, salt=f"{SALT}.page", max_age=limits.TOKEN_SECONDS)
    return PageToken(*fields)


def new_tab() -> str:
    return secrets.token_urlsafe(6)

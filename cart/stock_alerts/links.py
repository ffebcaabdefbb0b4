"""Signed links to a stock alert's own page, on which its address confirms it and ends it."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.core import signing
from django.urls import reverse

_signer = signing.Signer(salt="cart.stock_alerts")


def alert_path(alert: UUID) -> str:
    """Return the path on the master; its holder reads the mail of the alert's address."""
    return reverse("stock_alerts:alert", urlconf=settings.ROOT_URLCONF, args=[_signer.sign(alert.hex)])


def read_token(token: str) -> UUID | None:
    """Return the alert of a token; None for an invalid signature."""
    try:
        return UUID(hex=_signer.unsign(token))
    except (signing.BadSignature, ValueError):
        return None

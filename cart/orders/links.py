"""Signed links to an order's status page."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.core import signing
from django.urls import reverse

_signer = signing.Signer(salt="cart.orders.status")


def status_path(order: UUID) -> str:
    """Return the path on the master; the link grants access, so only the buyer gets it."""
    return reverse(settings.ORDER_STATUS_VIEW, urlconf=settings.ROOT_URLCONF, args=[_signer.sign(order.hex)])


def read_token(token: str) -> UUID | None:
    """Return the uuid of a signed order; None for an invalid signature."""
    try:
        return UUID(hex=_signer.unsign(token))
    except (signing.BadSignature, ValueError):
        return None

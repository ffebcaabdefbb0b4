"""The signed link to an order's status page."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.core import signing
from django.urls import reverse

_signer = signing.Signer(salt="cart.orders.status")


def status_path(order: UUID) -> str:
    """The path on the mall's own host; it grants what it shows, so it is given to the buyer only."""
    return reverse(settings.ORDER_STATUS_VIEW, urlconf=settings.ROOT_URLCONF, args=[_signer.sign(order.hex)])


def read_token(token: str) -> UUID | None:
    """The order that a link was signed for; None for a link that this mall did not sign."""
    try:
        return UUID(hex=_signer.unsign(token))
    except (signing.BadSignature, ValueError):
        return None

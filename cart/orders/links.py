"""Signed links to an order's status page; each runs out, and the page then mails a new one to the buyer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.urls import reverse

_signer = signing.TimestampSigner(salt="cart.orders.status")


@dataclass(frozen=True, slots=True)
class OrderLink:
    """Hold the uuid of the order of a signed link, and whether the link has run out."""

    order: UUID
    is_over: bool


def status_path(order: UUID) -> str:
    """Return the path on the master; the link grants access, so only the buyer gets it."""
    return reverse(settings.ORDER_STATUS_VIEW, urlconf=settings.ROOT_URLCONF, args=[_signer.sign(order.hex)])


def read_token(token: str) -> OrderLink | None:
    """Return the link of a signed token; None for an invalid signature."""
    try:
        order = UUID(hex=_signer.unsign(token))
        _signer.unsign(token, max_age=timedelta(days=settings.ORDER_LINK_DAYS))
    except signing.SignatureExpired:
        return OrderLink(order, is_over=True)
    except (signing.BadSignature, ValueError):
        return None
    return OrderLink(order, is_over=False)

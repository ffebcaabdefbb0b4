"""Signed links to an order's status page; each runs out, and the page then mails a new one to the buyer.

A link names the version of the order's links that it was made for: who raises ``Order.link_version`` ends all before.
"""

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
    """Hold the uuid of the order of a signed link, the version that it was made for, and whether it has run out."""

    order: UUID
    version: int
    is_over: bool


def status_path(order: UUID, version: int) -> str:
    """Return the path on the master; the link grants access, so only the buyer gets it."""
    return reverse(
        settings.ORDER_STATUS_VIEW, urlconf=settings.ROOT_URLCONF, args=[_signer.sign(f"{order.hex}.{version}")]
    )


def read_token(token: str) -> OrderLink | None:
    """Return the link of a signed token; None for an invalid signature."""
    try:
        signed, is_over = _signer.unsign(token, max_age=timedelta(days=settings.ORDER_LINK_DAYS)), False
    except signing.SignatureExpired:
        signed, is_over = _signer.unsign(token), True
    except signing.BadSignature:
        return None
    name, _, version = signed.partition(".")
    return OrderLink(UUID(hex=name), int(version), is_over)

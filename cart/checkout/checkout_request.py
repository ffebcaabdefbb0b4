"""The request to check out: the reviewed cart, and the agreed total."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cart.pricing import DeliveryMethod, PricedLine

ADDRESS_FIELDS = ("name", "line1", "line2", "postcode", "town", "country")


@dataclass(frozen=True, slots=True)
class CheckoutRequest:
    """Hold the reviewed checkout.

    ``idempotency_key`` identifies the reviewed goods, delivery and address; ``agreed_total`` is the total, in minor
    units, that the pay button showed; ``token`` identifies the checkout session.
    """

    idempotency_key: str
    agreed_total: int
    token: str
    contact: Mapping[str, str]
    methods: Mapping[int, DeliveryMethod]


def make_idempotency_key(
    token: str, lines: Iterable[PricedLine], methods: Mapping[int, DeliveryMethod], contact: Mapping[str, str]
) -> str:
    """Return a digest of the checkout without its prices: repeated posts make one order."""
    content = {
        "token": token,
        "lines": sorted((line.variant_id, line.quantity) for line in lines),
        "methods": sorted((vendor_id, str(method)) for vendor_id, method in methods.items()),
        "contact": sorted(contact.items()),
    }
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()

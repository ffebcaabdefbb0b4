"""What a shopper asks for by pressing "Pay"."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cart.pricing import Item, Method

ADDRESS_FIELDS = ("name", "line1", "line2", "postcode", "town", "country")


@dataclass(frozen=True, slots=True)
class Ask:
    """``key`` says what was reviewed, ``agreed`` the total in minor units that was shown beside the button."""

    key: str
    agreed: int
    token: str
    contact: Mapping[str, str]
    methods: Mapping[int, Method]


def key_of(token: str, items: Iterable[Item], methods: Mapping[int, Method], contact: Mapping[str, str]) -> str:
    """The same for the same wish of the same visit, whatever it costs: one order, however often it is posted."""
    wish = {
        "token": token,
        "items": sorted((item.variant_id, item.quantity) for item in items),
        "methods": sorted((vendor_id, str(method)) for vendor_id, method in methods.items()),
        "contact": sorted(contact.items()),
    }
    return hashlib.sha256(json.dumps(wish).encode()).hexdigest()

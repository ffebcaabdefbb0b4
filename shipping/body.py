"""The body of a dispatch: JSON version 1, composed once from what was sold."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from vendors.money import Money

VERSION = 1


@dataclass(frozen=True, slots=True)
class Item:
    sku: str
    name: str
    quantity: int
    unit_price: Money


@dataclass(frozen=True, slots=True)
class Recipient:
    name: str
    line1: str
    line2: str
    postcode: str
    town: str
    country: str
    email: str
    phone: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one department must send, as it was agreed."""

    key: str
    revision: int
    vendor: str
    consignment: str
    order: str
    placed_at: datetime
    delivery_method: str
    delivery_charge: Money
    recipient: Recipient
    items: tuple[Item, ...]


def compose(parcel: Parcel) -> bytes:
    """Canonical JSON (sorted keys, UTF-8). Amounts are strings of the main unit, times RFC 3339 in UTC."""
    goods = sum((item.unit_price * item.quantity for item in parcel.items), Money(0, parcel.delivery_charge.currency))
    document = {
        "v": VERSION,
        "action": "ship",
        "key": parcel.key,
        "revision": parcel.revision,
        "vendor": parcel.vendor,
        "consignment": parcel.consignment,
        "order": parcel.order,
        "placed_at": parcel.placed_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "currency": parcel.delivery_charge.currency,
        "delivery": {"method": parcel.delivery_method, "charge": _amount(parcel.delivery_charge)},
        "goods_total": _amount(goods),
        "total": _amount(goods + parcel.delivery_charge),
        "address": {
            part: getattr(parcel.recipient, part) for part in ("name", "line1", "line2", "postcode", "town", "country")
        },
        "contact": {"email": parcel.recipient.email, "phone": parcel.recipient.phone},
        "lines": [
            {
                "sku": item.sku,
                "name": item.name,
                "quantity": item.quantity,
                "unit_price": _amount(item.unit_price),
                "total": _amount(item.unit_price * item.quantity),
            }
            for item in parcel.items
        ],
    }
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _amount(money: Money) -> str:
    return str(money.major)

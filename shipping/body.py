"""The body of a dispatch: JSON version 1, written once when the order is placed."""

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
class DispatchBody:
    """The content of one dispatch: the goods of a consignment that are to be sent, and where they go.

    ``action`` is "ship", "amend" (send this instead), or "cancel" (send nothing). Each revision is whole.
    """

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
    action: str = "ship"


def serialize(content: DispatchBody) -> bytes:
    """Return canonical JSON (sorted keys, UTF-8). Amounts are strings of the main unit, times RFC 3339 in UTC."""
    goods = sum((item.unit_price * item.quantity for item in content.items), Money(0, content.delivery_charge.currency))
    document = {
        "v": VERSION,
        "action": content.action,
        "key": content.key,
        "revision": content.revision,
        "vendor": content.vendor,
        "consignment": content.consignment,
        "order": content.order,
        "placed_at": content.placed_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "currency": content.delivery_charge.currency,
        "delivery": {"method": content.delivery_method, "charge": _amount(content.delivery_charge)},
        "goods_total": _amount(goods),
        "total": _amount(goods + content.delivery_charge),
        "address": {
            part: getattr(content.recipient, part) for part in ("name", "line1", "line2", "postcode", "town", "country")
        },
        "contact": {"email": content.recipient.email, "phone": content.recipient.phone},
        "lines": [
            {
                "sku": item.sku,
                "name": item.name,
                "quantity": item.quantity,
                "unit_price": _amount(item.unit_price),
                "total": _amount(item.unit_price * item.quantity),
            }
            for item in content.items
        ],
    }
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _amount(money: Money) -> str:
    return str(money.major)

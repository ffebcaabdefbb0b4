"""A made-up order, for letters to look at; it is in no database."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from cart.letters.context import context_of
from cart.orders.models import Consignment, Order, OrderLine, group_by_consignment
from vendors.models import Marketplace, Vendor

NUMBER: Final = "M-7K3Q-29"
LINK: Final = "https://mall.example/orders/status/sample/"
FIRST, SECOND = f"{NUMBER}-1", f"{NUMBER}-2"
GOODS: Final = [
    {"pieces": 1, "name": "Enamel kettle, 2 litres"},
    {"pieces": 2, "name": "Harris tweed cushion, heather"},
]
MONEY: Final = {"amount": 4850, "currency": "EUR"}
RETURNED: Final = {"goods": GOODS, "shop": "Fowlers of Sligo", "consignment": FIRST, **MONEY}

WANTED: Final = {"name": "Enamel kettle, 2 litres", "shop": "Fowlers of Sligo"}


def goods_context(**facts: Any) -> dict[str, Any]:
    """Return the context of a letter about goods."""
    return {"facts": dict(facts), "link": "https://mall.example/alerts/sample/"}


def order_context(**facts: Any) -> dict[str, Any]:
    """Return the context of a letter about the order, with what is written down of its reason."""
    order = _order()
    return context_of(order, group_by_consignment(_lines(order)), facts, LINK)


def _order() -> Order:
    account = "The mall Ltd\nIBAN IE29 AIBK 9311 5212 3456 78\nBIC AIBKIE2D"
    return Order(
        pk=1,
        number=NUMBER,
        marketplace=Marketplace(currency="EUR", bank_account=account),
        email="anna@example.org",
        name="Anna Byrne",
        line1="1 Quay Street",
        line2="Flat 3",
        town="Galway",
        postcode="H91 AB12",
        country="IE",
        currency="EUR",
        goods_total=10350,
        delivery_total=450,
        total=10800,
        pay_by=datetime(2026, 12, 6, 18, tzinfo=UTC),
        remark="Sold out while you were paying.",
    )


def _lines(order: Order) -> list[OrderLine]:
    fowlers = Vendor(pk=1, name="Fowlers of Sligo", accent="#7a3b1d", support_email="help@fowlers.example")
    thistle = Vendor(pk=2, name="Thistle & Rye", accent="#5b3f8c", support_email="help@thistle.example")
    first = Consignment(
        pk=1, order=order, vendor=fowlers, number=FIRST, delivery_charge=450, carrier="An Post", tracking_number="RR123"
    )
    second = Consignment(pk=2, order=order, vendor=thistle, number=SECOND, delivery_method="express")
    return [
        OrderLine(pk=1, consignment=first, name="Enamel kettle, 2 litres", quantity=1, unit_price=3900),
        OrderLine(pk=2, consignment=first, name="Harris tweed cushion, heather", quantity=2, unit_price=2475),
        OrderLine(pk=3, consignment=second, name="Rye sourdough starter", quantity=1, unit_price=1500),
    ]

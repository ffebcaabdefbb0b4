"""The demo's past purchases as plain data: the shoppers' own orders and a season's trade by guests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from cart.orders.numbering import LETTERS
from deploy.demo import catalogue, people
from deploy.demo.catalogue import LineEntry, OrderEntry, ProductEntry, VendorEntry

GUEST_ORDERS = 90
LONGEST_AGO = 60  # days
HOURS = (8, 22)  # shops sleep, shoppers nearly
FIRST_NAMES = (
    "Aoife",
    "Conor",
    "Deirdre",
    "Eoin",
    "Fiadh",
    "Hana",
    "Imran",
    "Jakub",
    "Marta",
    "Niamh",
    "Priya",
    "Tadhg",
)
LAST_NAMES = (
    "Adeyemi",
    "Byrne",
    "Carroll",
    "Egan",
    "Gallagher",
    "Ivanova",
    "Joyce",
    "Kowalski",
    "Lynch",
    "Quinn",
    "Silva",
)
STREETS = ("Main Street", "Church Lane", "Strand Road", "The Crescent", "Mill Park", "Harbour View", "Chapel Hill")
TOWNS = (
    ("Cork", "T12"),
    ("Sligo", "F91"),
    ("Waterford", "X91"),
    ("Dublin", "D08"),
    ("Ennis", "V95"),
    ("Athlone", "N37"),
    ("Tralee", "V92"),
)


@dataclass(frozen=True, slots=True)
class Purchase:
    """One placed order; ``ago`` is its age on the day of the first load, ``states`` its consignments' by vendor."""

    number: str
    email: str
    phone: str
    address: dict[str, str]
    ago: timedelta
    lines: tuple[LineEntry, ...]
    states: dict[str, str]


def purchases() -> list[Purchase]:
    """Return all purchases, oldest first, the same at every call."""
    draw = Random("lantern-arcade")  # noqa: S311 -- not a secret: the same trade at every load
    bought = [*_shoppers_purchases(draw), *(_guest_purchase(draw) for _ in range(GUEST_ORDERS))]
    return sorted(bought, key=lambda purchase: -purchase.ago)


def _shoppers_purchases(draw: Random) -> Iterator[Purchase]:
    for name, shopper in catalogue.shoppers().items():
        for order in shopper.orders:
            yield _purchase(draw, people.SHOPPERS[name].email, shopper.phone, shopper.address, order)


def _purchase(draw: Random, email: str, phone: str, address: dict[str, str], order: OrderEntry) -> Purchase:
    hour, minute = draw.randint(*HOURS), draw.randrange(60)
    return Purchase(
        number=f"M-{_some(draw, 4)}-{_some(draw, 2)}",
        email=email,
        phone=phone,
        address=address,
        ago=timedelta(days=order.days) - timedelta(hours=hour, minutes=minute),
        lines=order.lines,
        states=order.states,
    )


def _some(draw: Random, length: int) -> str:
    return "".join(draw.choices(LETTERS, k=length))


def _guest_purchase(draw: Random) -> Purchase:
    first, last = draw.choice(FIRST_NAMES), draw.choice(LAST_NAMES)
    town, area = draw.choice(TOWNS)
    address = {
        "name": f"{first} {last}",
        "line1": f"{draw.randint(1, 88)} {draw.choice(STREETS)}",
        "line2": "",
        "postcode": f"{area} {_some(draw, 4)}",
        "town": town,
        "country": "IE",
    }
    days = draw.randint(1, LONGEST_AGO)
    lines = tuple(_guest_lines(draw))
    states = {line.vendor: _state(draw, days) for line in lines}
    email = f"guest{draw.randrange(1000):03}@example.net"
    return _purchase(draw, email, "", address, OrderEntry(days, lines, states))


def _guest_lines(draw: Random) -> Iterator[LineEntry]:
    """Yield one to four different products; Fowlers, on the corner, sells twice as many as each other vendor."""
    shops = catalogue.vendors(catalogue.malls()[0])
    shops = (*shops, shops[0])
    chosen: dict[str, tuple[VendorEntry, ProductEntry]] = {}
    for _ in range(draw.randint(1, 4)):
        vendor = draw.choice(shops)
        product = draw.choice(vendor.products)
        chosen[f"{vendor.slug}/{product.slug}"] = vendor, product
    for vendor, product in chosen.values():
        variant = draw.choice(product.variants)
        quantity = draw.choice((1, 1, 1, 2)) if variant.price < 5000 else 1
        yield LineEntry(vendor.slug, product.slug, variant.code, quantity)


def _state(draw: Random, days: int) -> str:
    if days <= 1:
        return draw.choice(("open", "open", "packed"))
    if days <= 3:
        return draw.choice(("open", "packed", "sent"))
    if days <= 8:
        return draw.choice(("sent", "sent", "delivered"))
    return "cancelled" if draw.random() < 0.04 else "delivered"

"""A mall to buy in, with sold goods."""

from dataclasses import dataclass

import pytest
from django.utils import timezone

from cart.checkout.finalise import finalise
from cart.orders.models import Consignment, Order, OrderLine, Payment
from tests.integration.checkout.conftest import committed_shop, pay_with, shop  # noqa: F401 -- pytest finds them here
from tests.support.shop import add_goods, add_vendor, begin, visitor_with
from vendors.models import Variant


@dataclass
class Sale:
    """A placed order: 3 lamps at 10.00 and a shade at 5.01 of amber (delivery 4.50), 2 vases at 7 of basalt (3.00)."""

    order: Order
    payment: Payment
    variants: dict[str, Variant]

    def line(self, name) -> OrderLine:
        return OrderLine.objects.get(consignment__order=self.order, variant=self.variants[name])

    def consignment(self, vendor) -> Consignment:
        return self.order.consignments.get(vendor__slug=vendor)

    def pieces(self, **named) -> dict[int, int]:
        return {self.line(name).pk: number for name, number in named.items()}

    def on_hand(self, name) -> int:
        self.variants[name].stock.refresh_from_db()
        return self.variants[name].stock.on_hand

    def reload(self) -> Order:
        self.order.refresh_from_db()
        self.payment.refresh_from_db()
        return self.order


def make_sale(shop, pay_with) -> Sale:  # noqa: F811 -- arguments, no fixtures
    lamp = add_goods(shop, "amber", "Lamp", price=1000, on_hand=10)
    shade = add_goods(shop, "amber", "Shade", price=501, on_hand=10)
    vase = add_goods(shop, "basalt", "Vase", price=700, on_hand=10)
    payment = begin(visitor_with(shop, lamp=(lamp, 3), shade=(shade, 1), vase=(vase, 2)))
    pay_with(payment)
    order = finalise(payment=payment, now=timezone.now())
    assert order.total == 3000 + 501 + 450 + 1400 + 300
    return Sale(order, payment, {"lamp": lamp, "shade": shade, "vase": vase})


def make_other_sale(shop, pay_with) -> Sale:  # noqa: F811 -- arguments, no fixtures
    """Another shopper's order, of a mug of amber."""
    mug = add_goods(shop, "amber", "Mug", price=900)
    return sell(shop, pay_with, mug=(mug, 1))


def make_big_sale(shop, pay_with) -> Sale:  # noqa: F811 -- arguments, no fixtures
    """Three goods each of ten shops."""
    goods = {}
    for number in range(10):
        slug = f"shop-{number}"
        add_vendor(shop, slug, standard=300, support_email=f"help@{slug}.example")
        for name in ("Lamp", "Shade", "Vase"):
            goods[f"{name}{number}"] = (add_goods(shop, slug, f"{name} of {slug}"), 2)
    return sell(shop, pay_with, **goods)


def sell(shop, pay_with, **goods) -> Sale:  # noqa: F811 -- arguments, no fixtures
    payment = begin(visitor_with(shop, **goods))
    pay_with(payment)
    variants = {name: variant for name, (variant, _) in goods.items()}
    return Sale(finalise(payment=payment, now=timezone.now()), payment, variants)


@pytest.fixture
def sale(shop, pay_with):  # noqa: F811 -- the fixtures
    return make_sale(shop, pay_with)


@pytest.fixture
def other_sale(shop, pay_with):  # noqa: F811 -- the fixtures
    return make_other_sale(shop, pay_with)


@pytest.fixture
def big_sale(shop, pay_with):  # noqa: F811 -- the fixtures
    return make_big_sale(shop, pay_with)

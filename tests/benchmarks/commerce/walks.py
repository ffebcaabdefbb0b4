"""The same walks through both shops: a product, a list, a cart of three lines, and its checkout until it is paid."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from tests.benchmarks.commerce.goods import CATEGORY, GOODS, VENDOR, Goods
from tests.benchmarks.commerce.shopper import PageError, Shopper

LINES = 3
EMAIL, CARD = "anna@example.org", {"number": "4242424242424242", "expiry": "04 / 30", "code": "123"}


class Walk(Protocol):
    """The pages of one shop."""

    host: str

    def product(self, shopper: Shopper, goods: Goods) -> str:
        """Open a product's page."""

    def category(self, shopper: Shopper) -> str:
        """Open the first page of a list."""

    def add(self, shopper: Shopper, goods: Goods) -> None:
        """Put one piece into the cart."""

    def cart(self, shopper: Shopper) -> str:
        """Open the cart."""

    def to_payment(self, shopper: Shopper) -> None:
        """Go from the cart's page to the button that pays."""

    def pay(self, shopper: Shopper) -> None:
        """Press the button, and go on to the page that says thank you. Raise PageError where it is another."""

    def check_out(self, shopper: Shopper) -> None:
        """Go the whole way."""
        self.to_payment(shopper)
        self.pay(shopper)


class MallWalk(Walk):
    """Walk through the mall: address, delivery, review, the simulated payment company's card form, the order."""

    host = "mall.localhost"

    def product(self, shopper: Shopper, goods: Goods) -> str:
        """Open a product's page."""
        return expect(shopper.get(f"/stores/{VENDOR}/products/{goods.slug}/"), "Add to cart")

    def category(self, shopper: Shopper) -> str:
        """Open the first page of a list."""
        return expect(shopper.get(f"/stores/{VENDOR}/departments/{CATEGORY}/"), GOODS[23].name)

    def add(self, shopper: Shopper, goods: Goods) -> None:
        """Put one piece into the cart."""
        self.product(shopper, goods)
        shopper.submit("/cart/add/", {"quantity": 1}, form='action="/cart/add/"')

    def cart(self, shopper: Shopper) -> str:
        """Open the cart."""
        return expect(shopper.get("/cart/"), "Check out")

    def to_payment(self, shopper: Shopper) -> None:
        """Go from the cart's page to the button that pays."""
        self.cart(shopper)
        shopper.get("/checkout/")
        address = {"name": "Anna Byrne", "line1": "1 Quay Street", "town": "Galway", "country": "IE"}
        page = shopper.submit("/checkout/", {"email": EMAIL, **address}, form='method="post"')
        methods = dict.fromkeys(re.findall(r'name="(vendor-\d+)"', page), "standard")
        shopper.submit("/checkout/delivery/", methods, form='method="post"')

    def pay(self, shopper: Shopper) -> None:
        """Press the button, fill in the company's card form, and go on to the order's page."""
        shopper.submit("/checkout/pay/", {}, form='action="/checkout/pay/"')
        expect(shopper.submit(shopper.url, CARD, form='method="post"'), "Thank you")


class OscarWalk(Walk):
    """Walk through Oscar: guest, address, payment details, preview, the order."""

    host = "oscar.localhost"

    def product(self, shopper: Shopper, goods: Goods) -> str:
        """Open a product's page."""
        return expect(shopper.get(f"/catalogue/{goods.slug}_{GOODS.index(goods) + 1}/"), "Add to basket")

    def category(self, shopper: Shopper) -> str:
        """Open the first page of a list."""
        return expect(shopper.get(f"/catalogue/category/{CATEGORY}_1/"), "Add to basket")

    def add(self, shopper: Shopper, goods: Goods) -> None:
        """Put one piece into the cart."""
        number = GOODS.index(goods) + 1
        self.product(shopper, goods)
        shopper.submit(f"/basket/add/{number}/", {"quantity": 1}, form=f'action="/basket/add/{number}/"')

    def cart(self, shopper: Shopper) -> str:
        """Open the cart."""
        return expect(shopper.get("/basket/"), "Proceed to checkout")

    def to_payment(self, shopper: Shopper) -> None:
        """Go from the cart's page to the button that pays."""
        self.cart(shopper)
        shopper.get("/checkout/")
        shopper.submit(
            "/checkout/", {"username": EMAIL, "options": "anonymous"}, form='<form method="post" class="card'
        )
        address = {
            "first_name": "Anna", "last_name": "Byrne", "line1": "1 Quay Street", "line4": "Galway",
            "postcode": "H91 AB12", "country": "IE",
        }  # fmt: skip
        shopper.submit("/checkout/shipping-address/", address, form='id="new_shipping_address"')
        shopper.get("/checkout/preview/")

    def pay(self, shopper: Shopper) -> None:
        """Press the button, and go on to the page that says thank you."""
        expect(shopper.submit("/checkout/preview/", {}, form='id="place_order_form"'), "confirmation")


def fill_cart(walk: Walk, shopper: Shopper, lines: Sequence[Goods] = GOODS[:LINES]) -> None:
    """Put one piece of each into the cart."""
    for goods in lines:
        walk.add(shopper, goods)


def expect(page: str, words: str) -> str:
    """Return a page that has some words. Raise PageError for another."""
    if words not in page:
        raise PageError(f"No “{words}” in:\n{page[:3000]}")
    return page

"""The way from a cart to its order: by a browser without JavaScript, and by as few requests as it takes."""

import re

from django.test import Client

from tests.support.shop import ADDRESS, MASTER
from vendors.links import storefront_url
from vendors.storefronts import storefronts

MALL = f"http://{MASTER}:8000"
PAYS, DECLINED, SECURE, LOST = "4242424242424242", "4000000000000002", "4000000000003220", "4000000000000119"


def fill_cart(browser, *variants):
    for variant in variants:
        store = storefronts.by_vendor(variant.product.vendor_id)
        browser.get(storefront_url(store, "product", slug=variant.product.slug))
        browser.post("/cart/add/", {"variant": variant.pk, "quantity": 1, "next": "/cart/"})


def to_review(browser, *variants, **methods):
    fill_cart(browser, *variants)
    browser.get(f"{MALL}/checkout/")
    browser.post("/checkout/", ADDRESS)
    assert browser.url == f"{MALL}/checkout/delivery/"
    chosen = {
        f"vendor-{variant.product.vendor_id}": methods.get(variant.product.vendor.slug, "standard")
        for variant in variants
    }
    browser.post("/checkout/delivery/", chosen)
    assert browser.url == f"{MALL}/checkout/review/"
    return browser.response


def hidden(response) -> dict[str, str]:
    """The hidden fields of the form that pays."""
    page = response.content.decode()
    return dict(re.findall(r'name="(review_key|agreed)" value="([^"]*)"', page))


def pay(browser):
    return browser.post("/checkout/pay/", hidden(browser.response))


def card(browser, number):
    return browser.post(browser.url, {"number": number, "expiry": "04 / 30", "code": "123"})


class Shopper:
    """A client with cookies of its own, at an address, that goes from nothing to the payment in six requests."""

    def __init__(self, address) -> None:
        self.client = Client(headers={"host": f"{MASTER}:8000"}, REMOTE_ADDR=address)
        self.payment_page = ""

    def to_review(self, *variants):
        for variant in variants:
            self.client.post("/cart/add/", {"variant": variant.pk, "quantity": 1})
        self.client.post("/checkout/", ADDRESS)
        return self.client.get("/checkout/review/")

    def pay(self):
        answer = self.client.post("/checkout/pay/", hidden(self.client.get("/checkout/review/")))
        self.payment_page = answer.get("Location", "")
        return answer

    def to_payment(self, *variants):
        self.to_review(*variants)
        return self.pay()

    def card(self, number):
        """Type a card at the payment company, and come back."""
        return self._answer({"number": number, "expiry": "04 / 30", "code": "123"})

    def leave_payment(self):
        return self._answer({"cancel": "1"})

    def _answer(self, data):
        return self.client.get(self.client.post(self.payment_page, data)["Location"])

"""A shopper who buys over the wire, by HTTP alone, on running nodes."""

import random
import re
from collections import Counter

from sessions_farm.testing.browser import BrowserClient
from sessions_farm.testing.wire import Wire
from tests.support.shop import ADDRESS, MASTER

MOST_PRESSES = 12  # of a shopper whose prices go on rising
SOLD_OUT = 409  # or a price that rose
CARD = {"number": "4242424242424242", "expiry": "04 / 30", "code": "123"}


class Buyer:
    """One shopper with a browser of their own, at an address of their own."""

    def __init__(self, nodes, number):
        self.random = random.Random(number)
        self.nodes = nodes
        self.browser = BrowserClient(transport=Wire(nodes.port, forwarded_proto="https"))
        self.statuses = Counter()

    def goes(self, path):
        self.note(self.browser.get(self.nodes.url(MASTER, path)))

    def posts(self, path, **data):
        self.note(self.browser.post(path, data))
        return self.browser.response.status_code

    def note(self, _response):
        self.statuses.update(hop.status for hop in self.browser.hops)

    def comes_to_the_review(self, variants):
        """Fill the cart and walk to the button; return whether there is one."""
        self.goes("/stores/basalt/products/basalt-many/")
        for variant in variants:
            self.posts("/cart/add/", variant=variant.pk, quantity=1, next="/cart/")
            if b"none left to add" in self.browser.response.content:
                return False
        self.goes("/checkout/")
        if self.browser.url.endswith("/checkout/"):
            self.posts("/checkout/", **ADDRESS)
        if not self.browser.url.endswith("/checkout/delivery/"):
            return False
        self.posts("/checkout/delivery/", **{f"vendor-{each.product.vendor_id}": "standard" for each in variants})
        return self.browser.url.endswith("/checkout/review/")

    def presses_pay(self):
        page = self.browser.response.content.decode()
        return self.posts("/checkout/pay/", **dict(re.findall(r'name="(review_key|agreed)" value="([^"]*)"', page)))

    def checks_out(self, variants):
        """Return how it ended."""
        if not self.comes_to_the_review(variants):
            return "sold out before the review"
        for _ in range(MOST_PRESSES):
            status = self.presses_pay()
            if "/sandbox/" in self.browser.url:
                self.posts(self.browser.url, **CARD)
                return "paid" if "/orders/" in self.browser.url else f"led to {self.browser.url}"
            if b"Sold out" in self.browser.response.content or not self.browser.url.endswith("/pay/"):
                return "sold out at the button"
            assert status == SOLD_OUT, f"{status} at {self.browser.url}"
        return "gave up"

"""Somebody who walks through the mall: each step is what a person does and sees, with or without JavaScript."""

import re
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.e2e.farm import Farm

MASTER = "mall.localhost"
PASSWORD = "mall-demo"
ADDRESS = {"Full name": "Nora Lynch", "Address": "14 Abbey Street", "Town or city": "Ennis"}
CARD = {"Card number": "4242 4242 4242 4242", "Expiry date": "12/49", "Security code": "123"}


@dataclass(frozen=True)
class Shop:
    slug: str
    name: str
    host: str
    goods: str


FOWLERS = Shop("fowlers", "Fowlers", "fowlers.localhost", "Rose Inn stove kettle")
NOBLE_BARNEY = Shop("noblebarney", "Noble Barney", "noblebarney.localhost", "Claddagh fisherman's jumper")
THISTLE = Shop("thistle", "Thistle", "thistle.shops.localhost", "Kitchen chives")
SHOPS = (FOWLERS, NOBLE_BARNEY, THISTLE)


def sign_in(page: Page, farm: Farm, email: str, to: str):
    """Sign in as somebody of the demo, on the way to a page."""
    page.goto(farm.url(MASTER, f"/accounts/login/?next={to}"))
    page.locator("[name=login]").fill(email)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/accounts/login/" not in url)


class Shopper:
    def __init__(self, page: Page, farm: Farm, email: str):
        self.page, self.farm, self.email = page, farm, email
        self.main = page.get_by_role("main")

    def add_from(self, shop: Shop):
        """Find the goods by the search in the bar, put one into the cart, and see it counted there."""
        self.page.goto(self.farm.url(shop.host))
        search = self.page.get_by_role("searchbox").first
        search.fill(shop.goods)
        search.press("Enter")
        self.main.get_by_role("link", name=shop.goods, exact=True).first.click()
        expect(self.page.get_by_role("heading", name=shop.goods, level=1)).to_be_visible()
        pieces = int(self.page.locator("#cart-count").get_attribute("data-count") or 0)
        self.page.get_by_role("button", name="Add to cart").click()
        self.sees_count(pieces + 1)

    def sees_in_cart(self, shops: tuple[Shop, ...], host: str):
        """The same cart on whatever host; which node showed it is kept."""
        response = self.page.goto(self.farm.url(host, "/cart/"))
        self.last_node = response.headers["x-node"] if response else ""
        for shop in shops:
            expect(self.main.get_by_role("heading", name=shop.name, level=2)).to_be_visible()
            expect(self.main.get_by_role("heading", name=shop.goods, level=3)).to_be_visible()
        self.sees_count(len(shops))

    def sees_count(self, pieces: int):
        expect(self.page.locator("#cart-count")).to_have_attribute("data-count", str(pieces))

    def goes_to_checkout(self):
        self.page.locator(".cart-sum").get_by_text("Check out", exact=True).click()
        for label, words in ({"E-mail": self.email} | ADDRESS).items():
            self.page.get_by_label(label, exact=True).fill(words)
        self.page.get_by_role("button", name="Choose the delivery").click()
        self.page.get_by_role("button", name="Check the order").click()
        expect(self.page.get_by_role("heading", name="Check and pay")).to_be_visible()

    def pays(self) -> str:
        """Pay on the payment company's page; the amount, as the button there said it."""
        self.page.get_by_role("button", name=re.compile("^Pay €")).click()
        for label, words in CARD.items():
            self.page.get_by_label(label, exact=True).fill(words)
        button = self.page.get_by_role("button", name=re.compile("^Pay "))
        amount = button.inner_text().removeprefix("Pay ")
        button.click()
        expect(self.page.get_by_role("heading", name="Thank you, Nora Lynch")).to_be_visible()
        return amount

    def consignments(self) -> dict[str, str]:
        """The number of each shop's consignment, as the status page shows it."""
        cards = self.page.locator("[data-consignment]")
        return {
            card.get_by_role("heading").inner_text(): card.get_attribute("data-consignment") or ""
            for card in cards.all()
        }

    def dispatched(self) -> list[str | None]:
        """How far each consignment is on its way to its department."""
        self.page.reload()
        return [state.get_attribute("data-dispatch") for state in self.page.locator("[data-dispatch]").all()]

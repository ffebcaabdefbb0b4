"""From nothing to a parcel: the mall invites an owner, who sets a shop up, is approved, sells, packs and sends.

Nobody needs a shell: people, pages and letters only.
"""

import logging
import re
import time

from playwright.sync_api import expect

from tests.e2e.shopper import MASTER, Shop, Shopper
from tests.e2e.test_journey import messages_to
from tests.support.waiting import wait_for

logger = logging.getLogger(__name__)
OWNER = "oona@wool.example"
SHOP = Shop("oonas-wool", "Oona's Wool", MASTER, "Aran cardigan")
TRACKING_NUMBER = "RR123456789IE"


class Person:
    """Somebody at the mall's pages and letters; each press of a link or button is counted."""

    clicks = 0

    def __init__(self, page, farm):
        self.page, self.farm = page, farm
        self.content = page.locator("#content")

    def presses(self, name, role="button", within=None):
        Person.clicks += 1
        (within or self.page).get_by_role(role, name=name, exact=isinstance(name, str)).first.click()

    def follows(self, name, within=None):
        self.presses(name, role="link", within=within)

    def sees(self, text):
        expect(self.page.get_by_text(text).first).to_be_visible()

    def fills(self, **texts):
        for name, text in texts.items():
            field = self.page.locator(f"[name='{name.replace('__', '-')}']")
            field.select_option(label=text) if field.evaluate("field => field.tagName") == "SELECT" else field.fill(
                text
            )

    def opens_letter(self, pattern):
        """Open the address that a letter of theirs names."""

        def address():
            texts = [letter.get_body(("plain",)).get_content() for letter in messages_to(self.farm, OWNER)]
            return next((found[0] for text in texts if (found := re.search(pattern, text))), None)

        self.page.goto(wait_for(address, f"a letter with {pattern}"))


def test_owner_comes_from_nothing_to_a_parcel(mall_farm, new_page):
    began = time.monotonic()
    mall = Person(new_page(), mall_farm)
    owner = Person(new_page(), mall_farm)
    mall_invites_owner(mall)
    owner_joins(owner)
    owner_sets_up_shop(owner)
    mall_approves(mall)
    shopper = Shopper(new_page(), mall_farm, "nora@wool.example")
    owner_packs_and_sends(owner, shopper_buys(shopper))
    shopper.page.reload()
    expect(shopper.main.get_by_text(TRACKING_NUMBER)).to_be_visible()
    logger.info("From the invitation to the parcel: %d clicks, %.0f s.", Person.clicks, time.monotonic() - began)
    assert mall.page.faults == owner.page.faults == []


def mall_invites_owner(mall):
    mall.page.goto(mall.farm.url(MASTER, "/accounts/login/?next=/admin/"))
    mall.fills(login="admin@mall.localhost", password="mall-demo")
    mall.presses("Sign in", within=mall.page.get_by_role("main"))
    mall.follows("Vendors")
    mall.follows("Add vendor")
    mall.fills(marketplace="Lantern Arcade", name=SHOP.name, owner=OWNER)
    mall.presses("Save")
    mall.sees(f"Invited {OWNER} as owner.")


def owner_joins(owner):
    owner.opens_letter(r"http\S*/join/\S*")
    owner.follows("Make an account")
    owner.fills(email=OWNER, password1="a long walk on the strand")
    owner.presses("Make the account")
    owner.sees("Look into your mail")  # the letter may be there before
    owner.opens_letter(r"http\S*/confirm-email/\S*")
    owner.presses("Yes, confirm it")
    owner.presses("Accept")
    owner.sees("It is being set up, and shoppers do not see it yet.")


def owner_sets_up_shop(owner):
    owner.follows("Terms", within=owner.content)
    owner.presses("Accept the terms")
    owner.follows("Look", within=owner.content)
    owner.fills(
        tagline="Knitted on Inis Oírr",
        about="Three sisters and a flock.",
        returns_text="Within a month.",
    )
    owner.presses("Save")
    owner_says_where_it_delivers(owner)
    owner.follows("Products")
    owner.follows("Add product")
    owner.fills(name=SHOP.goods, category="Clothing", variants__0__sku="ARAN", variants__0__price="129")
    owner.presses("Save and continue editing")
    owner.follows("Options", within=owner.content)
    owner.fills(name_0="Size", values_0="S, M, L", price="129,00", pieces="2")
    owner.presses("Show what this makes")
    owner.presses("Make it so")
    owner.sees("2 new, 1 kept")
    owner.follows(f"Back to {SHOP.goods}")
    owner.presses("Save and publish")
    owner.follows("Today")
    owner.follows("Shipping route", within=owner.content)
    owner.fills(name="The shed")
    owner.presses("Save")
    owner.follows("Today")
    owner.follows("Shipping route", within=owner.content)
    owner.follows("E-mail", within=owner.content)
    owner.fills(department="The shed of Oona's Wool", to="shed@wool.example")
    owner.presses("Save")
    owner.follows("Today")
    owner.follows("Ask for approval")
    owner.presses("Ask for approval")
    owner.sees("It waits for the mall’s approval")


def owner_says_where_it_delivers(owner):
    owner.follows("Today")
    owner.follows("Delivery", within=owner.content)
    owner.fills(name="Ireland", standard_charge="4,50")
    owner.page.get_by_label("Ireland", exact=True).check()
    owner.presses("Save")


def mall_approves(mall):
    mall.follows("Today")
    mall.follows(re.compile("vendors? waits? for approval"))
    mall.follows(SHOP.name, within=mall.content)
    mall.follows("Approval", within=mall.content)
    mall.presses("Approve: open the shop")
    mall.sees("It is open.")


def shopper_buys(shopper):
    shopper.add_from(SHOP)
    shopper.sees_in_cart((SHOP,), MASTER)
    shopper.goes_to_checkout()
    shopper.pays()
    return shopper.consignments()[SHOP.name]


def owner_packs_and_sends(owner, number):
    owner.follows("Today")
    owner.follows(re.compile("orders? to pack"))
    owner.follows(number)
    owner.presses("Mark as packed")
    owner.follows("Today")
    owner.follows(re.compile("orders? packed, to send"))
    owner.follows(number)
    owner.fills(carrier="An Post", tracking_number=TRACKING_NUMBER)
    owner.presses("Mark as sent")
    owner.sees("Sent ")

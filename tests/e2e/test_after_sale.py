"""After the sale: a guest of three shops makes an account, claims the order, cancels, sends back, and buys again.

At ``make test`` it is done by keyboard alone, without JavaScript, in a window of 320 px; `make prove` adds a pointer.
"""

import re

from playwright.sync_api import expect

from tests.e2e.axe import LOOKS, faults_of
from tests.e2e.shopper import FOWLERS, MASTER, NOBLE_BARNEY, SHOPS, THISTLE, Shopper, sign_in
from tests.e2e.test_journey import messages_to
from tests.support.waiting import wait_for

STOPS = 200  # of the Tab key on a page, at most
NEW_PASSWORD = "a long walk on the strand"


class Pointer:
    """Acts as with a mouse."""

    def press(self, target):
        target.click()

    def fill(self, field, text):
        field.fill(text)


class Keyboard:
    """Acts by keys alone: what the Tab key does not reach cannot be used."""

    def press(self, target):
        self.reach(target)
        target.page.keyboard.press("Enter")

    def fill(self, field, text):
        self.reach(field)
        field.page.keyboard.press("ControlOrMeta+A")
        field.page.keyboard.type(text)

    def reach(self, target):
        target.wait_for()
        for _ in range(STOPS):
            if target.evaluate("element => element === document.activeElement"):
                return
            target.page.keyboard.press("Tab")
        raise AssertionError(f"The Tab key does not reach {target}.")


PHONE = {"java_script_enabled": False, "viewport": {"width": 320, "height": 900}}
WAYS = [("keys", Keyboard(), PHONE), ("pointer", Pointer(), {})]


def test_guest_comes_home_with_the_order(mall_farm, new_page, scale):
    for name, hands, options in WAYS[:scale]:
        guest_comes_home(mall_farm, new_page, hands, options, f"nora-{name}@home.example")


def guest_comes_home(mall_farm, new_page, hands, options, email):
    page = new_page(**options)
    shopper = Shopper(page, mall_farm, email)
    main = shopper.main
    for shop in SHOPS:
        shopper.add_from(shop)
    shopper.sees_in_cart(SHOPS, MASTER)
    shopper.goes_to_checkout()
    shopper.pays()
    numbers, old_link = shopper.consignments(), page.url

    makes_account(page, mall_farm, email, hands)
    hands.press(main.get_by_role("link", name=re.compile("^Look at it")))
    hands.press(main.get_by_role("button", name="Add the ticked orders to my account"))
    expect(page.get_by_text("1 order added.")).to_be_visible()
    stranger_finds_nothing(new_page(), mall_farm, old_link, numbers)

    hands.press(main.get_by_role("link", name=re.compile("^Order M-")).first)
    hands.press(main.get_by_role("link", name=f"Cancel goods of {FOWLERS.name}"))
    hands.press(main.get_by_role("button", name="Cancel all of them"))
    expect(page.get_by_text("Cancelled. A letter says what goes back to you.")).to_be_visible()

    owner_sends(new_page(), mall_farm, NOBLE_BARNEY, numbers[NOBLE_BARNEY.name])
    page.reload()
    hands.press(main.get_by_role("link", name=f"Send goods back to {NOBLE_BARNEY.name}"))
    hands.fill(main.get_by_label(NOBLE_BARNEY.goods), "1")
    hands.fill(main.get_by_label(re.compile("^Why")), "It is too wide.")
    hands.press(main.get_by_role("button", name=f"Ask {NOBLE_BARNEY.name} to take them back"))
    expect(page.get_by_text(f"{NOBLE_BARNEY.name} knows of it and answers by mail.")).to_be_visible()

    hands.press(main.get_by_role("button", name="Order the same again"))
    expect(page.get_by_text("In your cart again:")).to_be_visible()
    for shop in SHOPS:
        expect(main.get_by_role("heading", name=shop.goods, level=3)).to_be_visible()
    subjects = wait_for(lambda: letters_about(mall_farm, email, "cancelled", "back to"), "the letters")
    assert subjects
    assert page.faults == []


def test_pages_of_an_order_pass_axe_and_fit_the_window(mall_farm, new_page, scale):
    """One look; ``make prove`` has all eight."""
    shopper = Shopper(new_page(), mall_farm, "nora@axe.example")
    for shop in (FOWLERS, THISTLE):
        shopper.add_from(shop)
    shopper.page.goto(mall_farm.url(MASTER, "/cart/"))
    shopper.goes_to_checkout()
    shopper.pays()
    order, numbers = shopper.page.url, shopper.consignments()
    owner_sends(new_page(), mall_farm, THISTLE, numbers[THISTLE.name])
    pages = ["", "cancel/", f"ask/{numbers[FOWLERS.name]}/", f"return/{numbers[THISTLE.name]}/", "address/"]
    found = []
    for look in LOOKS[:scale]:
        page = new_page(**look.options)
        look.choose(page, mall_farm)
        for path in pages:
            assert page.goto(order + path).status == 200, path
            found += [(path, *look, fault) for fault in faults_of(page)]
    assert found == []


def makes_account(page, farm, email, hands):
    """Make an account from the bar of the page where the order was, and confirm its address."""
    main = page.get_by_role("main")
    hands.press(page.get_by_role("link", name="Sign in").first)
    hands.press(main.get_by_role("link", name=re.compile("account", re.IGNORECASE)).first)
    hands.fill(main.locator("[name=email]"), email)
    hands.fill(main.locator("[name=password1]"), NEW_PASSWORD)
    hands.press(main.get_by_role("button", name="Make the account"))
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()  # the letter may be there before

    def address():
        texts = [letter.get_body(("plain",)).get_content() for letter in messages_to(farm, email)]
        return next((found[0] for text in texts if (found := re.search(r"http\S*/confirm-email/\S*", text))), None)

    page.goto(wait_for(address, "a letter to confirm the address"))
    hands.press(main.get_by_role("button", name="Yes, confirm it"))
    page.wait_for_url(lambda url: "/confirm-email/" not in url)
    hands.press(page.get_by_role("link", name="Your account").first)


def stranger_finds_nothing(page, farm, old_link, numbers):
    """Somebody else with the link of before, and with the numbers, sees none of the order."""
    sign_in(page, farm, "anna@example.org", "/orders/")
    expect(page.get_by_role("heading", name=re.compile("orders", re.IGNORECASE)).first).to_be_visible()
    order = numbers[THISTLE.name].rpartition("-")[0]
    for path in ("/orders/", f"/orders/?after={order}", "/orders/claim/"):
        page.goto(farm.url(MASTER, path))
        assert order not in page.get_by_role("main").inner_html(), path  # the foot repeats the address
    assert page.goto(old_link).status == 410
    assert THISTLE.goods not in page.content()


def owner_sends(page, farm, shop, number):
    """Pack and send a parcel at the shop's desk."""
    sign_in(page, farm, f"{shop.slug}@mall.localhost", "/admin/")
    page.get_by_role("link", name=re.compile("orders? to pack")).first.click()
    page.get_by_role("link", name=number).first.click()
    page.get_by_role("button", name="Mark as packed").first.click()
    page.get_by_role("link", name="Today").first.click()
    page.get_by_role("link", name=re.compile("orders? packed, to send")).first.click()
    page.get_by_role("link", name=number).first.click()
    page.get_by_role("button", name="Mark as sent").first.click()
    expect(page.get_by_text("Sent ").first).to_be_visible()


def letters_about(farm, address, *words):
    """Return the subjects of the letters to an address where each word is in one of them; None before."""
    subjects = [str(letter["Subject"]).lower() for letter in messages_to(farm, address)]
    return subjects if all(any(word in subject for subject in subjects) for word in words) else None

"""A shop's owner sets routes up, sends tests over them, reads a failure in plain words, and sends an order again."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.shopper import FOWLERS, MASTER, Shopper, sign_in

OWNER = "fowlers@mall.localhost"
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8Ee8mPYK0lUqXxDs0ZVmk8qlWvY5zJ4h9OZ0Yt0i1a"
NOTHING_LISTENS = "Nothing takes connections"
ACKNOWLEDGED = re.compile(r"^\s*acknowledged\s*$")  # the state; a heading of each dispatch begins so too
ROUTES = {
    "http": (re.compile("HTTP"), {"url": "http://127.0.0.1:9/orders", "secret": "whsec_" + "A" * 32}, NOTHING_LISTENS),
    "email": (re.compile("mail"), {"to": "packing@fowlers.example"}, "Taken by the mall's mail server"),
    "sftp": (
        re.compile("SFTP"),
        {"host": "127.0.0.1", "port": "9", "user": "mall", "host_key": HOST_KEY, "password": "secret"},
        NOTHING_LISTENS,
    ),
}  # the kind's name, what is typed, what its test says


class Owner:
    def __init__(self, page, farm):
        self.page, self.farm = page, farm
        sign_in(page, farm, OWNER, "/admin/")

    def opens(self, *names):
        """Follow the menu."""
        for name in names:
            self.page.get_by_role("navigation").get_by_role("link", name=name, exact=True).first.click()

    def fills(self, texts):
        for name, text in texts.items():
            self.page.locator(f"[name={name}]").fill(text)

    def saves(self):
        self.page.get_by_role("button", name="Save and continue editing").click()
        expect(self.page.locator(".messagelist .success")).to_be_visible()

    def sends_a_test(self):
        self.page.get_by_role("button", name="Send a test").click()
        return self.page.locator(".messagelist")

    def reads_dispatch(self, number):
        self.opens("Delivery", "Dispatches")
        self.page.get_by_role("link", name=re.compile(number)).first.click()
        return self.page.locator("#content")


@pytest.mark.parametrize("kind", ROUTES)
def test_owner_sets_a_route_up_and_tests_it(mall_farm, new_page, kind):
    label, typed, said = ROUTES[kind]
    owner = Owner(new_page(), mall_farm)
    owner.opens("Delivery", "Routes")
    owner.page.get_by_role("link", name=re.compile("Add route", re.IGNORECASE)).first.click()
    owner.page.get_by_role("link", name=label).first.click()
    owner.page.locator("[name=department]").select_option(index=1)
    owner.fills({"rank": str(50 + list(ROUTES).index(kind))} | typed)
    owner.saves()
    expect(owner.sends_a_test()).to_contain_text(said)
    assert owner.page.faults == []


def test_owner_reads_a_failure_mends_the_route_and_sends_once_more(mall_farm, new_page):
    owner = Owner(new_page(), mall_farm)
    owner.opens("Delivery", "Routes")
    owner.page.locator("#result_list tbody tr").filter(has_text="signed HTTP").first.get_by_role("link").first.click()
    right = owner.page.locator("[name=url]").input_value()
    owner.fills({"url": "http://127.0.0.1:9/"})
    owner.saves()
    expect(owner.sends_a_test()).to_contain_text(NOTHING_LISTENS)
    route = owner.page.url

    shopper = Shopper(new_page(), mall_farm, "rhea@desk.example")
    shopper.add_from(FOWLERS)
    shopper.page.goto(mall_farm.url(MASTER, "/cart/"))
    shopper.goes_to_checkout()
    shopper.pays()
    number = shopper.consignments()[FOWLERS.name]

    until_shown(owner.page, owner.reads_dispatch(number), NOTHING_LISTENS)
    owner.page.goto(route)
    owner.fills({"url": right})
    owner.saves()
    until_shown(owner.page, owner.reads_dispatch(number), ACKNOWLEDGED)

    owner.opens("Delivery", "Dispatches")
    row = owner.page.locator("#result_list tr").filter(has_text=number).first
    row.locator("input[name=_selected_action]").check()
    owner.page.locator("[name=action]").first.select_option("replay")
    owner.page.get_by_role("button", name=re.compile("^(Go|Run)$")).first.click()
    until_shown(owner.page, owner.reads_dispatch(number), "It had it already; nothing changed there.")


def until_shown(page, content, text):
    """Reload the page until a part of it is this text or pattern; attempts are made in the background."""
    for _ in range(60):
        if content.get_by_text(text).count():
            return
        page.wait_for_timeout(500)
        page.reload()
    raise AssertionError(f"{page.url} never showed {text!r}:\n{content.inner_text()}")

"""A vendor's owner brings a domain: from "add a domain" to the open shop there, in a browser and without a shell."""

import logging
import time

import pytest
from playwright.sync_api import expect

from deploy.demo.stack import NODES
from tests.e2e.shopper import MASTER
from tests.support.waiting import wait_for

logger = logging.getLogger(__name__)
OWNER, PASSWORD = "quayside@mall.localhost", "mall-demo"
HOST = "quayside-candles.localhost"


class Owner:
    """A person at the admin: each click is counted."""

    def __init__(self, page, farm):
        self.page, self.farm, self.clicks = page, farm, 0
        self.main = page.locator("#content")

    def click(self, locator):
        self.clicks += 1
        locator.click()

    def signs_in(self):
        self.page.goto(self.farm.url(MASTER, "/accounts/login/?next=/admin/"))
        self.page.locator("[name=login]").fill(OWNER)
        self.page.locator("[name=password]").fill(PASSWORD)
        self.page.get_by_role("main").get_by_role("button", name="Sign in").click()

    def goes_to_domains(self):
        for name in ("Shop", "Domains"):
            self.click(self.page.get_by_role("navigation").get_by_role("link", name=name, exact=True).first)

    def card(self):
        return self.page.get_by_role("region", name=HOST)

    def record(self):
        """Return the name and the value of the TXT record as the page shows them."""
        name, text = self.card().locator("dl").first.locator(".registry-copy").all_inner_texts()
        return name, text

    def adds(self, text):
        self.page.get_by_label("Your domain").fill(text)
        self.click(self.page.get_by_role("button", name="Add it"))

    def presses(self, button, then):
        self.click(self.card().get_by_role("button", name=button))
        expect(self.card()).to_contain_text(then)

    def copies(self):
        """Copy the record's value by its button; return the clipboard."""
        self.page.evaluate("window.setTimeout = () => 0")  # the word stays until it was read
        self.click(self.card().get_by_role("button", name="Copy mall-verify="))
        expect(self.card().get_by_text("Copied")).to_be_visible()
        return self.page.evaluate("navigator.clipboard.readText()")


def wait_for_both_nodes(page, url, status):
    """Wait until each node has answered so: one hears of the other's change a moment later."""
    told = set()

    def both_have() -> bool:
        response = page.goto(url)
        if response.status == status:
            told.add(response.headers["x-node"])
        return told == set(NODES)

    wait_for(both_have, f"{status} at both nodes")


@pytest.fixture
def owner(mall_farm, new_page):
    page = new_page(viewport={"width": 1280, "height": 900})
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    owner = Owner(page, mall_farm)
    owner.signs_in()
    return owner


def test_owner_opens_the_shop_at_a_domain_of_its_own(owner, mall_farm, name_server, new_page):
    page, began = owner.page, time.monotonic()
    owner.goes_to_domains()
    owner.adds(f"*.{HOST}")
    expect(owner.main).to_contain_text("A shop has one: give that, without *.")
    owner.adds(f"http://{HOST}/")
    expect(owner.card()).to_contain_text("Not checked yet.")
    name, text = owner.record()
    assert owner.copies() == text

    owner.presses("Look now", then="The TXT record is not there.")
    name_server.zone[name] = {"TXT": [text]}
    owner.presses("Look now", then="It is yours")
    owner.presses("Open the shop here", then="the shop is here")
    wait_for_both_nodes(new_page(), mall_farm.url(HOST), 200)
    owner.click(owner.card().get_by_role("link", name=f"http://{HOST}"))
    expect(page.locator(".shop-head__name")).to_have_text("Quayside Larder")
    assert page.url == mall_farm.url(HOST)
    logger.info("From the dashboard to the open shop: %d clicks, %.1f s.", owner.clicks, time.monotonic() - began)
    assert owner.clicks == 9  # a wrong name, a copy and a look in vain among them: the straight way takes six
    assert page.faults == []

    shopper = new_page()
    shopper.goto(mall_farm.url(MASTER, "/stores/quayside/"))
    assert shopper.url == mall_farm.url(HOST)
    page.go_back()
    owner.click(owner.card().get_by_text(f"Remove {HOST}"))
    owner.click(owner.card().get_by_role("button", name="Remove it"))
    expect(owner.main).to_contain_text("/stores/quayside/")
    wait_for_both_nodes(shopper, mall_farm.url(HOST), 421)
    assert shopper.goto(mall_farm.url(MASTER, "/stores/quayside/")).status == 200


def test_page_fits_a_narrow_window_and_works_without_script(mall_farm, new_page):
    page = new_page(viewport={"width": 320, "height": 700}, java_script_enabled=False)
    owner = Owner(page, mall_farm)
    owner.signs_in()
    owner.goes_to_domains()
    page.get_by_label("Your domain").fill(HOST)
    page.get_by_role("button", name="Add it").click()
    expect(owner.card()).to_be_visible()
    page.wait_for_load_state()
    box = owner.card().get_by_role("button", name="Look now").bounding_box()

    assert box["x"] + box["width"] <= 320
    owner.card().get_by_text(f"Remove {HOST}").click()
    owner.card().get_by_role("button", name="Remove it").click()
    expect(owner.card()).to_have_count(0)

"""Each kind of page of mall and stores passes axe, wide and narrow, light and dark, in English and German."""

import pytest
from playwright.sync_api import expect

from tests.e2e.axe import LOOKS, faults_of
from tests.e2e.shopper import FOWLERS as IRONMONGER
from tests.e2e.shopper import Shopper
from tests.e2e.test_storefront_pages import BARNEY, FOWLERS, MASTER

JUG = "/stores/kilnrow/products/milk-jug/"
NOWHERE = "/departments/nowhere/"
PAGES = [
    (MASTER, "/departments/kitchen/"),
    (BARNEY, "/products/corrib-striped-jumper/"),  # two options, of which each is chosen by itself
    (MASTER, "/cart/"),
    (MASTER, "/"),
    (MASTER, "/search/?q=knife&stock=1&low=x"),
    (MASTER, "/search/?q=zeppelin"),
    (MASTER, "/?shop=zeppelin"),
    (MASTER, "/stores/tumblewick/"),
    (MASTER, "/about/"),
    (MASTER, "/privacy/"),
    (MASTER, NOWHERE),
    (MASTER, "/accounts/login/"),
    (MASTER, "/accounts/signup/"),
    (MASTER, "/accounts/password/reset/"),
    (MASTER, "/orders/find/"),
    (MASTER, "/checkout/"),
    (FOWLERS, "/"),
    (FOWLERS, "/products/rose-inn-stove-kettle/"),
    (BARNEY, "/products/claddagh-fishermans-jumper/"),  # a sold-out variant
    (FOWLERS, "/products/nore-skillet/reviews/"),
    (FOWLERS, "/search/"),
    (FOWLERS, "/cart/"),
    (FOWLERS, "/about/"),
    (FOWLERS, "/delivery/"),
    (FOWLERS, "/support/"),
    (FOWLERS, "/watching/"),
    (BARNEY, "/"),
    (MASTER, "/stores/kilnrow/products/cheese-platter/"),  # sold out
]
MOST_DIFFERENT = 3  # of them


def test_pages_pass_axe_and_fit_the_window(mall_farm, new_page, scale):
    """Three pages in one look; ``make prove`` has all in all eight."""
    found = []
    for look in LOOKS[:scale]:
        page = new_page(**look.options)
        page.goto(mall_farm.url(MASTER, JUG))
        page.locator("#buy button[type=submit]").first.press("Enter")
        expect(page.locator("#cart-count")).to_have_attribute("data-count", "1")
        look.choose(page, mall_farm)
        for host, path in PAGES[: MOST_DIFFERENT * scale]:
            assert page.goto(mall_farm.url(host, path)).status == (404 if path == NOWHERE else 200), path
            found += [(host, path, *look, fault) for fault in faults_of(page)]
    assert found == []


@pytest.mark.usefixtures("at_proof")
def test_steps_of_the_checkout_pass_axe_and_fit_the_window(mall_farm, new_page):
    found = []
    for look in LOOKS:
        page = new_page(**look.options)
        shopper = Shopper(page, mall_farm, "nora@axe.example")
        shopper.add_from(IRONMONGER)
        page.goto(mall_farm.url(MASTER, "/cart/"))
        shopper.goes_to_checkout()
        look.choose(page, mall_farm)
        for path in ("/checkout/", "/checkout/delivery/", "/checkout/review/"):
            assert page.goto(mall_farm.url(MASTER, path)).status == 200, path
            found += [(path, *look, fault) for fault in faults_of(page)]
    assert found == []

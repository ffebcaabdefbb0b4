"""A shopper walks over the real mall's hosts: one id and one cart, whatever host they begin on."""

import re

import pytest

from cart.context import current_cart
from sessions_farm.testing.browser import BrowserClient
from tests.support.shop import add_goods, add_vendor, make_shop

MALL, AMBER, CORAL = "http://mall.localhost:8000", "http://amber.localhost:8000", "http://coral.localhost:8000"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]


@pytest.fixture
def shop():
    shop = make_shop()
    add_vendor(shop, "coral", host="coral.localhost")
    return shop


@pytest.fixture
def browser():
    return BrowserClient()


def cart_lines(browser):
    cart = current_cart(browser.response.wsgi_request)
    return sorted(cart.lines.values_list("variant__product__slug", "quantity")) if cart else []


def test_walk_takes_three_redirects_once_for_each_domain(shop, browser):
    counts = []
    for address in (f"{AMBER}/", f"{AMBER}/about/", f"{CORAL}/", f"{MALL}/", f"{MALL}/cart/", f"{AMBER}/"):
        assert browser.get(address).status_code == 200
        counts.append(browser.redirects)

    assert counts == [3, 0, 3, 0, 0, 0]


def test_walk_keeps_one_cart_on_every_host(shop, browser):
    spade, rake = add_goods(shop, "amber", "Spade"), add_goods(shop, "coral", "Rake")
    browser.get(f"{AMBER}/products/spade/")
    browser.post("/cart/add/", {"variant": spade.pk, "quantity": 1, "next": "/"})
    browser.get(f"{CORAL}/products/rake/")
    browser.post("/cart/add/", {"variant": rake.pk, "quantity": 2, "next": "/"})

    for address in (f"{MALL}/cart/", f"{AMBER}/", f"{CORAL}/"):
        browser.get(address)
        assert cart_lines(browser) == [("rake", 2), ("spade", 1)]


def test_walk_without_a_session_loses_no_line(shop, browser):
    spade, rake = add_goods(shop, "amber", "Spade"), add_goods(shop, "coral", "Rake")
    browser.get(f"{AMBER}/products/spade/")
    browser.post("/cart/add/", {"variant": spade.pk, "quantity": 1, "next": "/"})
    browser.get(f"{CORAL}/products/rake/", **{"Sec-Fetch-Mode": None})  # an old browser: no hand-off from here
    browser.post("/cart/add/", {"variant": rake.pk, "quantity": 2, "next": "/"}, **{"Sec-Fetch-Mode": None})
    assert cart_lines(browser) == [("rake", 2)]
    browser.get(f"{CORAL}/")

    assert browser.redirects == 3
    assert cart_lines(browser) == [("rake", 2), ("spade", 1)]


def links_of(browser):
    """The addresses of a page's links to pages of the community."""
    found = re.findall(r'<a\s(?:[^>]*?\s)?href="([^"#]+)"', browser.response.content.decode())
    return [link for link in found if link.startswith(("/", "?", MALL, AMBER, CORAL)) and "/accounts/" not in link]


def test_walk_without_cookies_takes_three_redirects_and_none_for_any_link(shop):
    """Eight links of the first page, and from each the next ones of the page that it leads to, other hosts' too."""
    add_goods(shop, "amber", "Spade")
    first = BrowserClient(cookies=False)
    first.get(f"{AMBER}/")
    assert first.redirects == 3
    followed = 0
    for place in range(min(len(links_of(first)), 8)):
        browser = first.tab()
        for step in range(3):
            links = links_of(browser)
            browser.click(links[(place + step) % len(links)])
            assert not any("/.mall/" in hop.url for hop in browser.hops), browser.hops
            assert browser.response.status_code == 200
            followed += 1

    assert followed >= 15

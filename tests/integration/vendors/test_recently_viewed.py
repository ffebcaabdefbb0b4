"""What a visitor looked at last: over all shops, in their session alone, and gone by their word."""

import re

import pytest
from django.test import Client

from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.testing.browser import BrowserClient
from tests.support.html import flat
from tests.support.shop import add_goods, put_on_hand
from vendors import recently_viewed
from vendors.models import Product

MASTER, AMBER = "mall.localhost", "amber.localhost"
MALL, SHOP = f"http://{MASTER}:8000", f"http://{AMBER}:8000"


@pytest.fixture
def goods(shop):
    return {
        name: add_goods(shop, slug, name) for slug, name in (("amber", "Jug"), ("amber", "Lamp"), ("basalt", "Vase"))
    }


@pytest.fixture
def browser():
    return BrowserClient()


def recent(response):
    """The names below "You looked at"."""
    below = flat(response).partition('id="recent"')[2].partition("</section>")[0]
    return re.findall(r'goods__name"><a href="[^"]*">([^<]*)<', below)


def test_the_trail_follows_from_shop_to_shop(goods, browser):
    browser.get(f"{SHOP}/products/jug/")
    browser.get(f"{SHOP}/products/lamp/")
    assert recent(browser.get(f"{MALL}/stores/basalt/products/vase/")) == ["Lamp", "Jug"]
    assert recent(browser.get(f"{SHOP}/products/lamp/")) == ["Vase", "Jug"]
    assert recent(browser.get(f"{MALL}/cart/")) == ["Lamp", "Vase", "Jug"]
    assert recent(browser.get(f"{SHOP}/cart/")) == ["Lamp", "Vase", "Jug"]


def test_it_is_forgotten_everywhere_by_the_shoppers_word(goods, browser):
    browser.get(f"{SHOP}/products/jug/")
    browser.get(f"{SHOP}/products/lamp/")
    page = browser.post("/viewed/forget/", {"next": "/products/lamp/"})
    assert "Forgotten" in flat(page)
    assert recent(browser.get(f"{MALL}/cart/")) == ["Lamp"], "the page that one is on again"
    browser.post("/viewed/forget/", {"next": "/cart/"})
    assert recent(browser.get(f"{MALL}/cart/")) == []


def test_withdrawn_goods_are_left_out_and_sold_out_ones_say_so(goods, browser):
    for slug in ("jug", "lamp"):
        browser.get(f"{SHOP}/products/{slug}/")
    put_on_hand(goods["Lamp"], 0)
    Product.objects.filter(name="Jug").update(status=Product.Status.WITHDRAWN)
    page = browser.get(f"{MALL}/cart/")
    assert recent(page) == ["Lamp"]
    assert "Sold out" in flat(page).partition('id="recent"')[2]


@pytest.mark.parametrize("header", ["Sec-GPC", "DNT"])
def test_nothing_is_kept_of_a_browser_that_asks_not_to_be_followed(goods, browser, header):
    browser.get(f"{SHOP}/products/jug/")
    browser.get(f"{SHOP}/products/lamp/", **{header: "1"})
    assert recent(browser.get(f"{MALL}/cart/", **{header: "1"})) == []
    assert recent(browser.get(f"{MALL}/cart/")) == ["Jug"]


def test_looking_makes_nobody_a_session(goods, shopper):
    response = shopper.on(AMBER, "/products/jug/")
    assert response.cookies.keys() & {"mall", "arcade"} == set()
    assert recent(shopper.on(AMBER, "/products/lamp/")) == []


def test_a_page_asked_for_in_advance_was_not_looked_at(goods, browser):
    browser.get(f"{SHOP}/products/jug/")
    browser.get(f"{SHOP}/products/lamp/", **{"Sec-Purpose": "prefetch"})
    assert recent(browser.get(f"{MALL}/cart/")) == ["Jug"]


def test_the_list_is_short_and_in_order(shop, browser, monkeypatch):
    monkeypatch.setattr(recently_viewed, "MOST", 6)
    for number in range(8):
        add_goods(shop, "amber", f"Lamp {number:02}")
    for number in range(8):
        browser.get(f"{SHOP}/products/lamp-{number:02}/")
    kept = browser.response.wsgi_request.session[recently_viewed.VIEWED]
    assert len(kept) == 6
    assert recent(browser.get(f"{MALL}/cart/")) == [f"Lamp {number:02}" for number in (7, 6, 5, 4, 3)]


def test_a_session_that_cannot_be_written_costs_no_page(goods, browser, monkeypatch):
    browser.get(f"{SHOP}/products/jug/")
    store = type(browser.response.wsgi_request.session.store)

    def refuse(*_args, **_kwargs):
        raise StoreUnavailableError("read-only")
        yield

    monkeypatch.setattr(store, "apply", refuse)
    assert browser.get(f"{SHOP}/products/lamp/").status_code == 200


def test_a_way_out_of_the_host_is_not_taken(goods):
    client = Client(headers={"host": AMBER})
    for path in ("https://evil.example/", "//evil.example/", "/\\evil.example"):
        assert client.post("/viewed/forget/", {"next": path}).headers["Location"] == "/"
    assert client.get("/viewed/forget/").status_code == 405

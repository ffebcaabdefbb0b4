"""The privacy page says what is so, and its button makes somebody new."""

import pytest

from sessions_farm.testing.browser import BrowserClient
from tests.support.shop import add_goods, make_shop

MALL, AMBER = "http://mall.localhost:8000", "http://amber.localhost:8000"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]


@pytest.fixture
def shop():
    return make_shop()


def page(browser, **headers):
    return " ".join(browser.get(f"{MALL}/privacy/", **headers).content.decode().split())


def test_page_names_the_addresses_that_share_the_number(shop):
    assert "These addresses share it: amber.localhost, mall.localhost." in page(BrowserClient())
    assert "30 days after your last visit" in page(BrowserClient())


def test_page_tells_a_browser_that_asks_not_to_be_followed(shop):
    assert "we keep to it" not in page(BrowserClient())
    assert "we keep to it" in page(BrowserClient(), **{"Sec-GPC": "1"})


def test_forgotten_is_somebody_new_on_every_host(shop):
    spade = add_goods(shop, "amber", "Spade")
    browser = BrowserClient()
    browser.get(f"{AMBER}/products/spade/")
    browser.post("/cart/add/", {"variant": spade.pk, "quantity": 1, "next": "/cart/"})
    before = browser.response.wsgi_request.mall.id
    old = dict(browser.jar("amber.localhost"))
    page(browser)
    browser.post("/privacy/forget/", {})

    assert browser.url == f"{MALL}/privacy/"
    assert "You are somebody new here" in browser.response.content.decode()
    ids = set()
    for address in (f"{MALL}/cart/", f"{AMBER}/cart/"):
        assert "Nothing in it yet" in browser.get(address).content.decode()
        ids.add(browser.response.wsgi_request.mall.id)
    assert len(ids) == 1
    assert before not in ids
    thief = BrowserClient()
    thief.plant("amber.localhost", "mall", old["mall"])  # the cookie of before opens nothing any more
    thief.get(f"{AMBER}/cart/", **{"Sec-Fetch-Mode": None})
    assert thief.response.wsgi_request.mall.id is None


def test_forgetting_is_no_link(shop):
    assert BrowserClient().get(f"{MALL}/privacy/forget/").status_code == 405

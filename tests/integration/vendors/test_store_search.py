"""The search in a store's header stays in the store, and a link widens it to the mall."""

import re

import pytest

from tests.support.html import flat
from tests.support.shop import MASTER, add_goods

AMBER = "amber.localhost"


@pytest.fixture
def goods(shop):
    for slug in ("amber", "basalt"):
        add_goods(shop, slug, f"Lantern of {slug}")
    return shop


@pytest.mark.parametrize(
    ("host", "path", "search"),
    [
        (AMBER, "/", "/search/"),
        (AMBER, "/products/lantern-of-amber/", "/search/"),
        (AMBER, "/cart/", "/search/"),
        (MASTER, "/stores/basalt/", "/stores/basalt/search/"),
        (MASTER, "/", "/search/"),
        (MASTER, "/departments/things/", "/search/"),
    ],
)
def test_header_searches_where_the_shopper_is(goods, shopper, host, path, search):
    page = flat(shopper.on(host, path))
    assert f'<form class="bar__search" action="{search}"' in page
    assert ("Search all shops" in page) == (host == MASTER and "stores" not in path)


def test_search_in_a_store_finds_its_goods_and_leads_on_to_all_shops(goods, shopper):
    page = flat(shopper.on(AMBER, "/search/", q="lantern"))
    assert re.findall(r'goods__name"><a href="[^"]*">([^<]*)', page) == ["Lantern of amber"]
    assert f'id="widen" href="http://{MASTER}:8000/search/?q=lantern">Look for “lantern” in all shops</a>' in page
    assert 'name="q" value="lantern"' in page
    wide = flat(shopper.on(MASTER, "/search/", q="lantern"))
    assert len(re.findall(r'goods__name"><a', wide)) == 2


@pytest.mark.parametrize(("host", "slug"), [(AMBER, "amber"), (MASTER, "basalt")])
def test_suggestions_in_a_store_are_its_own_and_lead_on(goods, shopper, host, slug):
    page = flat(shopper.on(host, "/suggest/", q="lant", here=slug))
    assert re.findall("Lantern of (\\w+)", page) == [slug]
    assert "Look for “lant” in all shops" in page
    nothing = flat(shopper.on(host, "/suggest/", q="zzzz", here=slug))
    assert "Look for “zzzz” in all shops" in nothing


def test_suggestions_of_a_store_that_is_none_are_the_malls(goods, shopper):
    page = flat(shopper.on(MASTER, "/suggest/", q="lant", here="nowhere"))
    assert set(re.findall("Lantern of (\\w+)", page)) == {"amber", "basalt"}
    assert "Look for" not in page

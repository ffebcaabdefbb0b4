"""The pager of a product's page: it walks the very list that one came from, and leads back to the place."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.integration.vendors.test_listing import names
from tests.support.html import flat
from tests.support.shop import add_goods
from vendors import listing
from vendors.models import Product, Variant

MASTER, AMBER = "mall.localhost", "amber.localhost"


@pytest.fixture
def lamps(shop, monkeypatch):
    """Eight lamps of two shops, pages of three."""
    monkeypatch.setattr(listing, "PER_PAGE", 3)
    monkeypatch.setattr("vendors.pager.PER_PAGE", 3)
    for plan in (listing.beside, listing.ranked):
        plan._plans.clear()  # made for pages of another length
    for number in range(8):
        add_goods(shop, ("amber", "basalt")[number % 2], f"Lamp {number:02}", price=1000 + 100 * (number * 5 % 8))
    yield shop
    for plan in (listing.beside, listing.ranked):
        plan._plans.clear()


def links_of(response):
    """Where the pager leads: {"prev": …, "next": …, "back": …}."""
    text = flat(response)
    found = {rel: html.unescape(href) for href, rel in re.findall(r'along__link[^>]*href="([^"]*)" rel="(\w+)"', text)}
    back = re.search(r'<a class="back__link" href="([^"]*)"', text)
    return found | ({"back": html.unescape(back[1])} if back else {})


def first_link(response):
    return html.unescape(re.search(r'goods__name"> ?<a href="([^"]*)"', flat(response))[1])


def follow(shopper, here, url):
    """Open a link of a page of ``here``; return the host and the answer."""
    parts = urlsplit(url)
    host = parts.hostname or here
    return host, shopper.get(f"{parts.path}?{parts.query}", headers={"host": host})


def name_of(response):
    return re.search(r'item__name">([^<]*)<', flat(response))[1]


def walk(shopper, here, url, rel):
    """The names along the pager, from a product on."""
    found = []
    while url:
        here, page = follow(shopper, here, url)
        found.append(name_of(page))
        url = links_of(page).get(rel)
    return found, here, page


LISTS = [
    (MASTER, "/search/?q=lamp+zeppelin"),
    (MASTER, "/departments/things/?low=11&high=16&stock=1&sort=cheap"),
    (AMBER, "/search/?q=lamp&sort=new"),
]


def whole(shopper, host, path):
    """The names of a list over all its pages."""
    found, url = [], path
    while url:
        _, page = follow(shopper, host, url)
        found += names(page)
        match = re.search(r'<a href="([^"]*)" rel="next"', flat(page))
        url = html.unescape(match[1]) if match else ""
    return found


def walk_with_ways_back(shopper, here, url, rel):
    """The names along the pager; each way back leads to the page with the product's place and number."""
    found = []
    while url:
        at = int(parse_qs(urlsplit(url).query)["at"][0])
        here, page = follow(shopper, here, url)
        found.append(name_of(page))
        links = links_of(page)
        back, _, place = links["back"].partition("#")
        _, shown = follow(shopper, here, back)
        assert found[-1] in names(shown)
        assert f'id="{place}"' in flat(shown)
        first = int(re.search(r"<span>(\d+) to \d+ of", flat(shown))[1])
        assert first + names(shown).index(found[-1]) == at
        url = links.get(rel)
    return found, here, links


@pytest.mark.parametrize(("host", "path"), LISTS)
def test_pager_walks_the_list_and_leads_back_to_the_place(lamps, shopper, host, path):
    wanted = whole(shopper, host, path)
    assert len(wanted) >= 4
    start = first_link(follow(shopper, host, path)[1])
    there, here, links = walk_with_ways_back(shopper, host, start, "next")
    assert there == wanted
    before, _, links = walk_with_ways_back(shopper, here, links["prev"], "prev")
    assert before == wanted[-2::-1]
    assert "prev" not in links


def test_front_pages_are_lists(lamps, shopper):
    for host, path in ((AMBER, "/"), (MASTER, "/")):
        start = first_link(follow(shopper, host, path)[1])
        there, _, last = walk(shopper, host, start, "next")
        assert len(there) >= 3
        assert urlsplit(links_of(last)["back"]).path == "/"


def test_a_product_that_left_the_list_keeps_its_neighbours(lamps, shopper):
    start = first_link(follow(shopper, MASTER, "/departments/things/?low=10&high=20&sort=name")[1])
    Product.objects.get(name="Lamp 00").variants.update(price=9000)
    _, page = follow(shopper, MASTER, start)
    assert name_of(page) == "Lamp 00"
    assert "/lamp-02/" in links_of(page)["next"] or "/lamp-01/" in links_of(page)["next"]


@pytest.mark.parametrize(
    "query",
    [
        "list=none", "list=mall.kitchen", "list=home.things", "list=mall&at=x&sort=y", "list=mall&at=-1",
        "list=mall&after=%0A", "list=mall&low=a&high=b", "list=shop&with=Colour", "list=mall&q=%27%22&at=99999999999",
        "list=mall&sort=cheap&after=WzAsMSwxXQ&before=WzAsMSwxXQ", "list=new&at=4", "list=mall&at=%D9%A3",
    ],
)  # fmt: skip
def test_a_crafted_list_is_a_list_or_none(lamps, shopper, query):
    assert shopper.get(f"/products/lamp-00/?{query}", headers={"host": AMBER}).status_code == 200


def test_a_step_costs_the_same_anywhere(lamps, shopper):
    numbers = set()
    url = first_link(follow(shopper, AMBER, "/departments/things/?sort=cheap")[1])
    here = AMBER
    while url:
        follow(shopper, here, url)  # makes the plans
        with CaptureQueriesContext(connection) as queries:
            here, page = follow(shopper, here, url)
        numbers.add(len(queries))
        url = links_of(page).get("next")
    assert max(numbers) <= 12, numbers
    assert max(numbers) - min(numbers) <= 1


def test_a_known_visitor_costs_little_more(lamps, shopper):
    shopper.post("/cart/add/", {"variant": Variant.objects.first().pk, "quantity": 1}, headers={"host": AMBER})
    start = first_link(follow(shopper, AMBER, "/search/?q=lamp&sort=cheap")[1])
    for number in range(3):
        follow(shopper, AMBER, f"/products/lamp-0{2 * number}/")
    follow(shopper, AMBER, start)
    follow(shopper, AMBER, "/products/lamp-06/")
    with CaptureQueriesContext(connection) as queries:
        _, page = follow(shopper, AMBER, start)
    assert "You looked at" in flat(page)
    assert len(queries) <= 12, "\n".join(each["sql"][:90] + " ... " + each["sql"][-160:] for each in queries)


def test_without_a_script_one_comes_back_to_the_same_list(lamps, shopper):
    page = follow(shopper, AMBER, "/products/lamp-00/?list=shop&sort=cheap&at=1")[1]
    assert 'name="next" value="/products/lamp-00/?list=shop&amp;sort=cheap&amp;at=1"' in flat(page)

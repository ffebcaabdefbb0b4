"""Lists of products: words, facets with counts, sorting, pages, and a cost that does not grow with the rows."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.support.html import flat
from tests.support.shop import add_goods
from vendors.models import Product, ProductImage, StockHold, Variant

MASTER = "mall.localhost"


def names(response):
    """The products of the list; what a page without any offers instead is not of it."""
    return offered(flat(response).partition('id="instead"')[0])


def offered(text):
    return re.findall(r'goods__name"><a href="[^"]*">([^<]*)<', text)


def ticks(response):
    """The facets as shown: {label: count}."""
    return {
        label: int(count)
        for label, count in re.findall(r"<span>([^<]*)</span><span class=\"tick__count\">(\d+)", flat(response))
    }


@pytest.fixture
def goods(shop, tools):
    """Three knives in two shops and two departments, one of them gone."""
    bread = add_goods(shop, "amber", "Bread knife", price=4200)
    add_goods(shop, "amber", "Knife block", price=9000, on_hand=0)
    pocket = add_goods(shop, "basalt", "Pocket knife", price=1650)
    Product.objects.filter(pk=pocket.product_id).update(category=tools)
    lamp = add_goods(shop, "basalt", "Reading lamp", price=3000)
    Product.objects.filter(pk=lamp.product_id).update(description="Bright enough to find a knife by.")
    return {"bread": bread, "pocket": pocket, "lamp": lamp}


def test_search_ranks_names_above_descriptions(goods, shopper):
    found = names(shopper.on(MASTER, "/search/", q="knife"))

    assert found[-1] == "Reading lamp"
    assert sorted(found[:-1]) == ["Bread knife", "Knife block", "Pocket knife"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("pock", ["Pocket knife"]),
        ("knife poc", ["Pocket knife"]),
        ("poc knife", ["Pocket knife"]),
        ("bread & | ! :* '", ["Bread knife"]),
        ("zeppelin", []),
        ("'", []),
    ],
)
def test_search_words(goods, shopper, words, found):
    assert names(shopper.on(MASTER, "/search/", q=words)) == found


def test_search_in_a_store_stays_there(goods, shopper):
    assert names(shopper.on("amber.localhost", "/search/", q="knife")) == ["Bread knife", "Knife block"]


def test_search_of_nothing_says_so(goods, shopper):
    response = shopper.on(MASTER, "/search/", q="zeppelin")

    assert response.status_code == 200
    assert "Nothing for “zeppelin”" in flat(response)
    assert sorted(offered(flat(response))) == ["Bread knife", "Knife block", "Pocket knife", "Reading lamp"]


def test_search_escapes_what_was_asked(goods, shopper):
    text = flat(shopper.on(MASTER, "/search/", q="<script>alert(1)</script>"))

    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_facets_count_what_their_boxes_would_show(goods, shopper):
    response = shopper.on(MASTER, "/search/", q="knife", shop="amber")

    assert names(response) == ["Bread knife", "Knife block"]
    assert ticks(response) == {"In stock": 1, "Amber": 2, "Basalt": 2}


def test_facets_together(goods, shopper):
    asked = {
        "q": "knife",
        "shop": ["amber", "basalt"],
        "department": "tools",
        "stock": "1",
        "low": "10",
        "high": "20,00",
    }
    response = shopper.on(MASTER, "/search/", **asked)

    assert names(response) == ["Pocket knife"]
    chips = re.findall(r'class="chip" href="([^"]*)"><span class="hidden">Remove</span>([^<]*)', flat(response))
    assert [label for _, label in chips] == ["Tools", "Basalt", "Amber", "from €10.00", "up to €20.00", "in stock"]
    assert (
        chips[2][0] == "/search/?q=knife&amp;shop=basalt&amp;department=tools&amp;stock=1&amp;low=10&amp;high=20%2C00"
    )


def test_in_stock_counts_goods_that_a_checkout_holds(goods, shopper):
    until = timezone.now() + timedelta(minutes=5)
    hold = StockHold.objects.create(variant=goods["bread"], quantity=10, until=until)
    assert names(shopper.on(MASTER, "/search/", q="bread", stock="1")) == []

    StockHold.objects.filter(pk=hold.pk).update(until=timezone.now())

    assert names(shopper.on(MASTER, "/search/", q="bread", stock="1")) == ["Bread knife"]


def test_price_is_that_of_today(goods, shopper):
    now = timezone.now()
    Variant.objects.filter(pk=goods["bread"].pk).update(sale_price=900, sale_until=now + timedelta(hours=1))
    assert names(shopper.on(MASTER, "/search/", high="10")) == ["Bread knife"]
    assert names(shopper.on(MASTER, "/search/", sort="cheap"))[0] == "Bread knife"

    Variant.objects.filter(pk=goods["bread"].pk).update(sale_until=now)

    assert names(shopper.on(MASTER, "/search/", high="10")) == []
    assert names(shopper.on(MASTER, "/search/", sort="cheap"))[0] == "Pocket knife"


def test_sorting(goods, shopper):
    assert names(shopper.on(MASTER, "/search/", sort="dear")) == [
        "Knife block",
        "Bread knife",
        "Reading lamp",
        "Pocket knife",
    ]
    assert names(shopper.on(MASTER, "/search/", sort="new")) == [
        "Reading lamp",
        "Pocket knife",
        "Knife block",
        "Bread knife",
    ]


def test_department_over_all_stores(goods, shopper):
    assert names(shopper.on(MASTER, "/departments/things/")) == ["Bread knife", "Knife block", "Reading lamp"]
    assert names(shopper.on("amber.localhost", "/departments/things/")) == ["Bread knife", "Knife block"]
    assert shopper.on("amber.localhost", "/departments/tools/").status_code == 404


def test_paging_keeps_the_rest_of_the_address(shop, shopper):
    for number in range(30):
        add_goods(shop, "amber", f"Cup {number:02}")
    for sort in ("best", "name", "new", "cheap", "dear"):
        pages, address = [], f"/search/?q=cup&stock=1&sort={sort}"
        while address:
            pages.append(shopper.get(address, headers={"host": "amber.localhost"}))
            address = next_page(pages[-1])
            assert not address or "q=cup&stock=1" in address
        found = [name for page in pages for name in names(page)]

        assert [len(names(page)) for page in pages] == [24, 6]
        assert len(set(found)) == 30
        assert sort not in {"best", "name"} or found == sorted(found)
        back = shopper.get(previous_page(pages[1]), headers={"host": "amber.localhost"})
        assert names(back) == names(pages[0])
    assert "25 to 30 of 30" in flat(pages[1])


@pytest.mark.parametrize("place", ["99", "W10", "eyJhIjoxfQ", "bnVsbA", "WzAsMSwyLDNd", "x" * 2000])
def test_an_address_without_a_place_in_the_list_leads_to_its_beginning(goods, shopper, place):
    for sort in ("best", "name", "new", "cheap"):
        for name in ("after", "before"):
            address = f"/search/?q=knife&sort={sort}&{name}={place}"
            assert "Bread knife" in names(shopper.get(address, headers={"host": MASTER}))


def next_page(response):
    found = re.search(r'<a href="([^"]*)" rel="next"', flat(response))
    return found and found[1].replace("&amp;", "&")


def previous_page(response):
    return re.search(r'<a href="([^"]*)" rel="prev"', flat(response))[1].replace("&amp;", "&")


@pytest.mark.parametrize(
    ("host", "path"),
    [
        (MASTER, "/"),
        (MASTER, "/search/?q=cup"),
        (MASTER, "/departments/things/"),
        (MASTER, "/stores/basalt/"),
        ("amber.localhost", "/"),
        ("amber.localhost", "/search/"),
        ("amber.localhost", "/departments/things/"),
        ("amber.localhost", "/products/cup-0/"),
    ],
)
def test_queries_do_not_grow_with_the_rows(shop, shopper, host, path):
    stocked(shop, 2)  # one product has no neighbours, so nothing to ask about them
    shopper.on(host, path)
    with CaptureQueriesContext(connection) as few:
        assert shopper.on(host, path).status_code == 200

    stocked(shop, 30)
    shopper.on(host, path)  # makes the new cards
    with CaptureQueriesContext(connection) as many:
        shopper.on(host, path)

    assert len(many) == len(few) <= 12


def stocked(shop, until):
    for number in range(Product.objects.filter(vendor__slug="amber").count(), until):
        for slug in ("amber", "basalt"):
            product = add_goods(shop, slug, f"Cup {number}").product
            ProductImage.objects.create(
                product=product, file=f"products/{slug}-{number}.webp", alt="A cup", width=1200, height=1200
            )

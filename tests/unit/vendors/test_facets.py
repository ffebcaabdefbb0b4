"""The filter that a list's query string states, and the query strings that undo it."""

import pytest
from django.http import QueryDict

from vendors.facets import ProductFilter, facet_options, parse_price, query_with, query_without


@pytest.mark.parametrize(
    ("typed", "currency", "expected"),
    [
        ("12", "EUR", 1200),
        ("12.5", "EUR", 1250),
        ("12,50", "EUR", 1250),
        (" 7 ", "EUR", 700),
        ("€20", "EUR", 2000),
        ("20 €", "EUR", 2000),
        ("1.000,00", "EUR", 100_000),
        ("1,000.00", "EUR", 100_000),
        ("500", "JPY", 500),
        ("", "EUR", None),
    ],
)
def test_parse_price(typed, currency, expected):
    assert parse_price(typed, currency) == (expected, "")


@pytest.mark.parametrize("typed", ["-3", "1e9", "12.345,6789", "1,234", "99999999999", "NaN", "cheap"])
def test_a_price_that_is_none_is_refused_with_words(typed):
    amount, fault = parse_price(typed, "EUR")
    assert amount is None
    assert fault.startswith("“")


def test_product_filter_reads_an_address():
    product_filter = ProductFilter.parse(
        QueryDict(
            "q=oak++table&department=home&department=tools&shop=fowlers&low=5&stock=1&sort=dear&with=Colour:Blue&with=x"
        ),
        "EUR",
    )

    assert product_filter == ProductFilter(
        text="oak table",
        categories=("home", "tools"),
        vendors=("fowlers",),
        attributes=("Colour:Blue",),
        min_price=500,
        in_stock=True,
        sort="dear",
    )


@pytest.mark.parametrize(
    ("query", "sort"), [("", "name"), ("q=tea", "best"), ("sort=best", "name"), ("sort=x", "name")]
)
def test_product_filter_sorts_sensibly(query, sort):
    assert ProductFilter.parse(QueryDict(query), "EUR").sort == sort


def test_product_filter_passes_over_nul():
    assert ProductFilter.parse(QueryDict("q=te%00a"), "EUR").text == "tea"


def test_query_without_takes_one_value_away_and_goes_to_the_first_page():
    query = QueryDict("q=tea&shop=fowlers&shop=thistle&after=W10&low=")

    assert query_without(query, "shop", "fowlers") == "?q=tea&shop=thistle"
    assert query_without(query, "q") == "?shop=fowlers&shop=thistle"


def test_query_with_of_a_page_keeps_the_rest():
    assert query_with(QueryDict("q=tea&before=x"), "after", "y") == "?q=tea&after=y"


def test_facet_options_keep_a_selected_value_that_finds_nothing():
    found = facet_options([("home", "Home", 3)], ["tools"])

    assert [(option.value, option.count, option.selected) for option in found] == [
        ("home", 3, False),
        ("tools", 0, True),
    ]

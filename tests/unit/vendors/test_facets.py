"""The filter that a list's query string states, and the query strings that undo it."""

import pytest
from django.http import QueryDict

from vendors.facets import ProductFilter, facet_options, parse_minor_units, query_with, query_without


@pytest.mark.parametrize(
    ("typed", "digits", "expected"),
    [
        ("12", 2, 1200),
        ("12.5", 2, 1250),
        ("12,50", 2, 1250),
        (" 7 ", 2, 700),
        ("500", 0, 500),
        ("", 2, None),
        ("-3", 2, None),
        ("1e9", 2, None),
        ("12.345", 2, None),
        ("99999999", 2, None),
        ("NaN", 2, None),
    ],
)
def test_parse_minor_units(typed, digits, expected):
    assert parse_minor_units(typed, digits) == expected


def test_product_filter_reads_an_address():
    product_filter = ProductFilter.parse(
        QueryDict("q=oak++table&department=home&department=tools&shop=fowlers&low=5&stock=1&sort=dear")
    )

    assert product_filter == ProductFilter(
        text="oak table",
        categories=("home", "tools"),
        vendors=("fowlers",),
        min_price=500,
        in_stock=True,
        sort="dear",
    )


@pytest.mark.parametrize(
    ("query", "sort"), [("", "name"), ("q=tea", "best"), ("sort=best", "name"), ("sort=x", "name")]
)
def test_product_filter_sorts_sensibly(query, sort):
    assert ProductFilter.parse(QueryDict(query)).sort == sort


def test_product_filter_passes_over_nul():
    assert ProductFilter.parse(QueryDict("q=te%00a")).text == "tea"


def test_query_without_takes_one_value_away_and_goes_to_the_first_page():
    query = QueryDict("q=tea&shop=fowlers&shop=thistle&page=3&low=")

    assert query_without(query, "shop", "fowlers") == "?q=tea&shop=thistle"
    assert query_without(query, "q") == "?shop=fowlers&shop=thistle"


def test_query_with_of_a_page_keeps_the_rest():
    assert query_with(QueryDict("q=tea&page=3"), "page", "2") == "?q=tea&page=2"


def test_facet_options_keep_a_selected_value_that_finds_nothing():
    found = facet_options([("home", "Home", 3)], ["tools"])

    assert [(option.value, option.count, option.selected) for option in found] == [
        ("home", 3, False),
        ("tools", 0, True),
    ]

"""What a list's address says, and the addresses that undo it."""

import pytest
from django.http import QueryDict

from vendors.facets import Choice, minor, options, with_value, without


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
def test_minor(typed, digits, expected):
    assert minor(typed, digits) == expected


def test_choice_reads_an_address():
    choice = Choice.of(QueryDict("q=oak++table&department=home&department=tools&shop=fowlers&low=5&stock=1&sort=dear"))

    assert choice == Choice(
        text="oak table",
        departments=("home", "tools"),
        shops=("fowlers",),
        low=500,
        in_stock=True,
        sort="dear",
    )


@pytest.mark.parametrize(
    ("query", "sort"), [("", "name"), ("q=tea", "best"), ("sort=best", "name"), ("sort=x", "name")]
)
def test_choice_sorts_sensibly(query, sort):
    assert Choice.of(QueryDict(query)).sort == sort


def test_choice_passes_over_nul():
    assert Choice.of(QueryDict("q=te%00a")).text == "tea"


def test_without_takes_one_value_away_and_goes_to_the_first_page():
    query = QueryDict("q=tea&shop=fowlers&shop=thistle&page=3&low=")

    assert without(query, "shop", "fowlers") == "?q=tea&shop=thistle"
    assert without(query, "q") == "?shop=fowlers&shop=thistle"


def test_with_value_of_a_page_keeps_the_rest():
    assert with_value(QueryDict("q=tea&page=3"), "page", "2") == "?q=tea&page=2"


def test_options_keep_a_choice_that_finds_nothing():
    found = options([("home", "Home", 3)], ["tools"])

    assert [(option.value, option.count, option.chosen) for option in found] == [
        ("home", 3, False),
        ("tools", 0, True),
    ]

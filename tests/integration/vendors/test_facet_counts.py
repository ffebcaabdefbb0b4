"""A large selection is counted once in a while; until then its list reads none of the rows that are counted."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.support.html import flat
from tests.support.shop import MASTER, add_goods
from vendors import facet_counts

LIST = "/departments/things/"


@pytest.fixture
def goods(shop, monkeypatch):
    cache.clear()
    monkeypatch.setattr(facet_counts, "EXACT", 3)
    for name in ("Jug", "Cup", "Dish", "Bowl"):
        add_goods(shop, "amber", name)
    return shop


def look(shopper):
    with CaptureQueriesContext(connection) as queries:
        text = flat(shopper.on(MASTER, LIST))
    counting = [each for each in queries.captured_queries if "COUNT(" in each["sql"] or '"attributes"' in each["sql"]]
    return text, len(counting)


def test_counts_of_a_large_selection_are_kept(goods, shopper):
    look(shopper)  # makes the cards
    cache.clear()
    text, counted = look(shopper)
    assert "4 things" in text
    assert counted > 1
    again, counted = look(shopper)
    assert "4 things" in again
    assert counted == 0


def test_counts_of_a_small_selection_are_of_now(goods, shopper, monkeypatch):
    monkeypatch.setattr(facet_counts, "EXACT", 1000)
    assert "4 things" in look(shopper)[0]
    add_goods(goods, "amber", "Plate")
    assert "5 things" in look(shopper)[0]

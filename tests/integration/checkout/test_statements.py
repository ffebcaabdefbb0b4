"""The statements and commits of a checkout of three lines of three vendors, as bounds that hold them down.

All that Django sends to the database is counted: the session's writes, and the simulated payment company's own, which
is served by the same process. BEGIN and COMMIT are not, nor a look that a process takes once in a while.
"""

from contextlib import contextmanager

import pytest
from django.db import connection

from cart.orders.models import Order
from sessions_farm.testing.browser import BrowserClient
from tests.support.checkout_walk import MALL, PAYS, card, fill_cart, pay
from tests.support.html import words_of
from tests.support.shop import ADDRESS, add_goods, add_vendor

TO_THE_BUTTON, FROM_THE_BUTTON = 16, 41
BY_THE_CLOCK = "sessions_farm_tier"  # the table of what the store knows of Redis, read and mended
COMMITS = 4  # the draft; the company's charge and its capture; the placed order


@pytest.fixture
def goods(committed_shop):
    add_vendor(committed_shop, "cedar", standard=300)
    return [add_goods(committed_shop, slug, f"Thing {slug}") for slug in ("amber", "basalt", "cedar")]


@contextmanager
def counted(monkeypatch):
    """Count while the block lasts; statements as text, so that a failure shows them."""
    statements, commits, commit = [], [], connection._commit

    def execute(run, sql, params, many, context):
        if BY_THE_CLOCK not in sql:
            statements.append(sql[:90])
        return run(sql, params, many, context)

    with monkeypatch.context() as patch, connection.execute_wrapper(execute):
        patch.setattr(connection, "_commit", lambda: (commits.append(1), commit()))
        yield statements, commits


def check_out(goods, monkeypatch, address):
    """Buy the goods; the statements until the pay button, those from its press to the thanks, and their commits."""
    browser = BrowserClient()
    browser.address = address
    fill_cart(browser, *goods)
    with counted(monkeypatch) as (before, _):
        browser.get(f"{MALL}/cart/")
        browser.get(f"{MALL}/checkout/")
        browser.post("/checkout/", ADDRESS)
        browser.post("/checkout/delivery/", {f"vendor-{each.product.vendor_id}": "standard" for each in goods})
    with counted(monkeypatch) as (after, commits):
        pay(browser)
        card(browser, PAYS)
    assert "Thank you" in words_of(browser.response)
    return before, after, commits


@pytest.mark.parametrize("address", ["127.0.0.1", "198.51.100.7"], ids=["loopback", "of a network"])
def test_checkout_takes_few_statements_and_commits(goods, monkeypatch, address):
    check_out(goods, monkeypatch, address)  # what a process reads once
    before, after, commits = check_out(goods, monkeypatch, address)
    assert bool(Order.objects.latest("pk").network) == (address != "127.0.0.1")
    assert len(before) <= TO_THE_BUTTON, "\n".join(before)
    assert len(after) <= FROM_THE_BUTTON, "\n".join(after)
    assert len(commits) <= COMMITS

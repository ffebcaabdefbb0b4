"""Floods of hand-offs that begin and never come back: honest shoppers beside them are known, in any network."""

import tracemalloc

import pytest

from sessions_farm.communities.handoff import rate_limit
from sessions_farm.communities.tests.support import lost_handoffs
from sessions_farm.communities.tests.support.walking import MALL, A, B, asked, go, lines_of, mall_of
from sessions_farm.models import OneUseCode
from sessions_farm.testing.browser import BrowserClient

pytestmark = pytest.mark.usefixtures("walking_mall")

BURST = 30  # more than the control's breaker takes
SHOPPERS = 6


@pytest.fixture
def old_breaker(walking_mall, settings):
    before = settings.MIDDLEWARE.index("sessions_farm.communities.handoff.middleware.HandoffMiddleware")
    control = "sessions_farm.communities.tests.support.lost_handoffs.LostHandoffsMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:before], control, *settings.MIDDLEWARE[before:]]
    lost_handoffs.breaker.record_success()


def attacked(networks, number):
    """Begin hand-offs from so many networks, each with a User-Agent of its own, and let none come back."""
    for start in range(BURST):
        attacker = BrowserClient(headers={"User-Agent": f"Mozilla/5.0 attacker/{number}-{start}"})
        attacker.address = f"192.0.2.{start % networks + 1}"
        go(attacker, f"{A}/p/x")


def ids_beside_a_flood(networks):
    """The ids of honest shoppers: half of them in the attacker's own network, all with one browser."""
    found = []
    for number in range(SHOPPERS):
        attacked(networks, number)
        shopper = BrowserClient()
        if number % 2:
            shopper.address = "192.0.2.1"
        shopper.get(f"{(A, B)[number % 2]}/p/x")
        found.append(mall_of(shopper).id)
    return found


@pytest.mark.parametrize("networks", [1, 50])
def test_honest_shoppers_beside_a_flood_of_starts_are_all_known(networks):
    found = ids_beside_a_flood(networks)
    assert None not in found
    assert len(set(found)) == SHOPPERS


@pytest.mark.usefixtures("old_breaker")
@pytest.mark.parametrize("networks", [1, 50])
def test_control_a_breaker_that_counts_lost_handoffs_lets_a_flood_deny_everybody(networks):
    assert ids_beside_a_flood(networks) == [None] * SHOPPERS


def browser_at(address, name="Mozilla/5.0 Chrome/156"):
    browser = BrowserClient(headers={"User-Agent": name})
    browser.address = address
    return browser


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("2001:db8:1:2::3", "2001:db8:1:2:ffff::4", True),
        ("2001:db8:1:2::3", "2001:db8:1:3::3", False),
    ],
)
def test_limit_is_of_a_network_whatever_its_browsers_say(limited, one, other, shared):
    limited(1)
    assert go(browser_at(one), f"{A}/p/x").status_code == 302
    second = go(browser_at(other, "Mozilla/5.0 Firefox/150"), f"{A}/p/x")
    assert second.status_code == (200 if shared else 302)


def test_limit_is_counted_without_the_cache(settings, limited):
    limited(3)
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    statuses = [go(browser_at("192.0.2.1"), f"{A}/p/x").status_code for _ in range(5)]
    assert statuses == [302] * 3 + [200] * 2


def test_limit_of_zero_is_none(limited):
    limited(0)
    assert {go(browser_at("192.0.2.1"), f"{A}/p/x").status_code for _ in range(5)} == {302}


def test_limit_is_none_on_the_way_to_the_till(limited):
    """A shopper whose master's cookie was purged comes from a store, in a network that is far above the limit."""
    browser = browser_at("192.0.2.1")
    browser.get(f"{A}/p/x")
    browser.post("/add", {"line": "spade"})
    browser.cookies.clear("mall.test")
    limited(1)
    assert go(browser_at("192.0.2.1"), f"{B}/p/x").status_code == 200
    browser.click(f"{MALL}/cart")

    assert [hop.host for hop in browser.hops] == ["mall.test", "a.test", "mall.test", "mall.test"]
    assert lines_of(browser) == ["spade"]


def test_limit_bounds_the_codes_that_a_network_makes_the_store_keep(limited):
    limited(3)
    browser = browser_at("192.0.2.1")
    question = asked(browser)
    answers = [go(browser, question)["Location"] for _ in range(5)]

    assert ["code=" in answer for answer in answers] == [True] * 3 + [False] * 2
    assert answers[-1] == f"{A}/p/x?_mall=nc"
    assert OneUseCode.objects.count() == 3


def test_limits_window_is_a_minute():
    limit = rate_limit.RateLimit()
    assert [limit.allow("192.0.2.1/32", 2, now=120.0 + second) for second in (0, 30, 59)] == [True, True, False]
    assert limit.allow("192.0.2.1/32", 2, now=180.0)


def test_limits_memory_is_bounded_and_those_beyond_it_are_let_through():
    limit = rate_limit.RateLimit()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(rate_limit.MAX_NETWORKS):
        limit.allow(f"2001:db8:{number:x}::/64", 1, now=120.0)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert all(limit.allow("192.0.2.1/32", 1, now=130.0) for _ in range(3))  # not counted
    assert not limit.allow("2001:db8:1::/64", 1, now=130.0)  # counted, and refused as ever
    assert len(limit) == rate_limit.MAX_NETWORKS
    assert grown < 5_000_000
    limit.allow("192.0.2.1/32", 1, now=180.0)
    assert len(limit) == 1

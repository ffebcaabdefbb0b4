"""How many redirects each situation costs, by a client with one cookie jar a host: the table of DOMAINS.md."""

import pytest

from sessions_farm.communities.handoff import codes, fingerprint
from sessions_farm.communities.handoff.circuit_breakers import FAILED_PROBES, breaker_of
from sessions_farm.communities.tests.support.walking import (
    COOKIE,
    MALL,
    SHOP,
    A,
    B,
    answered,
    gone,
    lines_of,
    mall_of,
    typed,
)
from sessions_farm.stores import current_store
from sessions_farm.testing.browser import BrowserClient, Step

pytestmark = pytest.mark.usefixtures("walking_mall")


def visitor_of(*addresses):
    browser = BrowserClient()
    for address in addresses:
        browser.get(address)
    return browser


def first_page(browser, url=f"{A}/p/x", **headers):
    browser.get(url, **headers)
    return browser


def first_page_of_a_store():
    return first_page(BrowserClient())


def first_page_below_a_wildcard():
    return first_page(BrowserClient(), f"{SHOP}/p/x")


def first_page_by_a_link_from_a_store():
    browser = visitor_of(f"{A}/")
    browser.click(f"{B}/p/x")
    return browser


def first_page_by_a_link_from_a_store_without_session():
    browser = BrowserClient()
    browser.get(f"{A}/", **{"Sec-Fetch-Mode": None})
    browser.click(f"{B}/p/x")
    return browser


def later_page():
    return first_page(visitor_of(f"{A}/"), f"{A}/p/y")


def page_of_the_master():
    return first_page(BrowserClient(), f"{MALL}/")


def to_the_checkout():
    browser = visitor_of(f"{A}/")
    browser.click(fingerprint.with_fingerprint(f"{MALL}/cart", mall_of(browser)))
    return browser


def to_the_checkout_after_a_purge():
    browser = visitor_of(f"{A}/")
    browser.cookies.clear("mall.test")
    browser.click(fingerprint.with_fingerprint(f"{MALL}/cart", mall_of(browser)))
    return browser


def to_the_checkout_with_another_id_there():
    browser = visitor_of(f"{A}/")
    browser.cookies.clear("mall.test")
    browser.get(f"{MALL}/")
    browser.get(f"{A}/p/x")
    browser.click(fingerprint.with_fingerprint(f"{MALL}/cart", mall_of(browser)))
    return browser


def form():
    browser = visitor_of(f"{A}/p/x")
    browser.post("/add", {"line": "spade"})
    assert lines_of(browser) == ["spade"]
    return browser


def form_with_a_lost_session():
    browser = visitor_of(f"{A}/p/x")
    browser.cookies.put("a.test", gone(COOKIE))
    browser.post("/add", {"line": "spade"})
    assert lines_of(browser) == ["spade"]
    return browser


def cookies_off():
    browser = first_page(BrowserClient(cookies=False))
    assert browser.url.endswith("_mall=nc")
    return browser


def cookies_off_later():
    browser = cookies_off()
    browser.get(browser.url)
    return browser


def robot():
    return first_page(BrowserClient(headers={"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}))


def tool():
    return first_page(BrowserClient(headers={"Sec-Fetch-Mode": None, "Sec-Fetch-Dest": None, "User-Agent": "curl/8.5"}))


def frame():
    return first_page(BrowserClient(), **{"Sec-Fetch-Dest": "iframe"})


def script():
    return first_page(BrowserClient(), **{"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"})


def htmx():
    browser = first_page(BrowserClient(), **{"HX-Request": "true", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"})
    assert browser.response["HX-Refresh"] == "true"
    return browser


def in_advance():
    browser = first_page(BrowserClient(), **{"Sec-Purpose": "prefetch;prerender"})
    assert browser.response.status_code == 409
    return browser


def head():
    browser = BrowserClient()
    browser._navigate(Step("HEAD", f"{A}/p/x", "", "none"), {})
    return browser


def node_that_took_the_code_died():
    browser = BrowserClient()
    url = answered(browser)
    codes.redeem_code(current_store(), url.partition("code=")[2].partition("&")[0])
    browser.get(url)
    assert COOKIE in browser.jar("a.test")
    browser.hops = [None, None, *browser.hops]  # the two before
    return browser


def master_silent():
    breaker_of("mall.test").record_probe(answered=True)
    for _ in range(FAILED_PROBES):
        breaker_of("mall.test").record_probe(answered=False)
    return first_page(BrowserClient())


def six_tabs_at_once():
    """The one that took the most; all have one id or, where they began too late, none."""
    first = BrowserClient()
    tabs = [first, *(first.twin() for _ in range(5))]
    for tab in tabs:
        tab.cookies = first.cookies
    starts = [tab.request(typed(f"{A}/p/x")) for tab in tabs]
    for tab, start in zip(tabs, starts, strict=True):
        tab.get(start["Location"] if start.status_code == 302 else f"{A}/p/x")
        tab.count = tab.redirects + (start.status_code == 302)
    assert len({mall_of(tab).id for tab in tabs if mall_of(tab).id}) == 1
    return max(tabs, key=lambda tab: tab.count)


SITUATIONS = [
    (first_page_of_a_store, 3),
    (first_page_below_a_wildcard, 3),
    (first_page_by_a_link_from_a_store, 3),
    (first_page_by_a_link_from_a_store_without_session, 4),
    (later_page, 0),
    (page_of_the_master, 0),
    (to_the_checkout, 0),
    (to_the_checkout_after_a_purge, 3),
    (to_the_checkout_with_another_id_there, 3),
    (form, 1),
    (form_with_a_lost_session, 1 + 3),
    (cookies_off, 3),
    (cookies_off_later, 0),
    (robot, 0),
    (tool, 0),
    (frame, 0),
    (script, 0),
    (htmx, 0),
    (in_advance, 0),
    (head, 0),
    (node_that_took_the_code_died, 5),
    (master_silent, 0),
    (six_tabs_at_once, 3),
]


@pytest.mark.parametrize(("situation", "redirects"), SITUATIONS, ids=lambda value: getattr(value, "__name__", ""))
def test_situation_costs_so_many_redirects(situation, redirects):
    browser = situation()
    walked = len(browser.hops) - 1 if None in browser.hops else getattr(browser, "count", browser.redirects)

    assert walked == redirects
    assert browser.response.status_code in {200, 409}

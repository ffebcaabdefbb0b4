"""Browsers without cookies walk over a site: one hand-off that finds them out, then none for any link they follow."""

import re

import pytest

from sessions_farm.communities.handoff import cookies_off
from sessions_farm.communities.tests.support.walking import COOKIE, MALL, A, B, has_session, mall_of
from sessions_farm.testing.browser import BrowserClient

pytestmark = pytest.mark.usefixtures("walking_mall")

LINK = re.compile(r"""<a\s[^>]*?href=["']([^"']+)""")


def links_of(browser):
    return LINK.findall(browser.response.content.decode())


def walk(browser, *links):
    """How many redirects each link of the page before costs, by its place there."""
    counts = []
    for place in links:
        browser.click(links_of(browser)[place])
        counts.append(browser.redirects)
    return counts


def test_links_that_are_followed_cost_no_redirect_after_the_first_page():
    browser = BrowserClient(cookies=False)
    browser.get(f"{A}/p/x?y=1")
    assert [hop.status for hop in browser.hops] == [302, 302, 303, 200]
    assert walk(browser, 0, 1, 2, 0, 0, 1) == [0] * 6
    assert walk(browser, 3, 0, 1) == [0] * 3  # to another store
    assert browser.url == f"{B}/p/next?page=2&_mall=nc"


def test_control_links_without_the_mark_cost_a_hand_off_each(monkeypatch):
    monkeypatch.setattr(cookies_off, "LINK", re.compile(rb"(no)(link)"))
    browser = BrowserClient(cookies=False)
    browser.get(f"{A}/p/x")
    assert walk(browser, 0, 0, 0)[1] >= 3


def test_form_that_searches_loses_the_mark_and_its_page_has_it_again():
    browser = BrowserClient(cookies=False)
    browser.get(f"{A}/p/x")
    browser.click("/p/x?q=spade")  # a form's own query takes the place of its action's
    assert (browser.redirects, browser.url) == (0, f"{A}/p/x?q=spade")
    assert walk(browser, 0, 2, 0) == [0, 0, 0]


def test_page_with_marked_links_stays_with_its_browser_and_is_whole():
    browser = BrowserClient(cookies=False)
    browser.get(f"{A}/p/x")
    response = browser.response

    assert response["Cache-Control"] == "private, no-store"
    assert int(response["Content-Length"]) == len(response.content)
    assert links_of(browser) == [
        "/p/next?_mall=nc", "?page=2&amp;_mall=nc", "/p/z?y=1&amp;z=2&amp;_mall=nc#end",
        "https://b.test/?_mall=nc", "https://c.test/", "//c.test/", "#top",
    ]  # fmt: skip


def test_marked_address_that_was_sent_to_somebody_heals_at_the_third_page():
    browser = BrowserClient()
    browser.get(f"{A}/p/x?_mall=nc")
    assert (browser.redirects, has_session(browser)) == (0, False)
    assert walk(browser, 0) == [0]
    assert "nc" not in "".join(links_of(browser))
    assert walk(browser, 0) == [3]
    assert mall_of(browser).id
    browser.get(f"{A}/p/x?_mall=nc&y=1")
    assert (browser.redirects, browser.url) == (1, f"{A}/p/x?y=1")


@pytest.mark.parametrize("refused", [(f"{COOKIE}-hs",), (COOKIE, f"{COOKIE}-hs"), (COOKIE,)], ids=str)
def test_browser_that_refuses_some_cookies_comes_to_rest(refused):
    browser = BrowserClient()
    browser.cookies.refuses = refused
    browser.get(f"{A}/p/x")
    assert browser.redirects <= 9
    assert sum(walk(browser, 0, 0, 0, 0, 0)) <= 6


@pytest.mark.parametrize(
    ("referer", "redirects"),
    [
        (f"{A}/p/y?_mall=nc", 0),
        (f"{A}/p/y?x=1&_mall=nc", 0),
        (f"{A}/p/y?_mall=ncc", 3),
        (f"{B}/p/y?_mall=nc", 4),
        ("https://a.test.evil.test/?_mall=nc", 3),
        ("http://a.test/?_mall=nc", 3),
        ("https://[a.test/?_mall=nc", 3),
    ],
)
def test_mark_in_a_referer_counts_from_this_very_host(referer, redirects):
    browser = BrowserClient(cookies=False)
    browser.get(f"{A}/p/x", Referer=referer)
    assert len([hop for hop in browser.hops if hop.status == 302]) == max(redirects - 1, 0)


@pytest.mark.parametrize("cookies", [True, False])
@pytest.mark.parametrize("path", ["/p/x", "/basket"])
@pytest.mark.parametrize("host", [MALL, A])
def test_marked_address_is_a_page_that_is_served(host, path, cookies):
    browser = BrowserClient(cookies=cookies)
    for _ in range(3):
        assert browser.get(f"{host}{path}?_mall=nc").status_code == 200
        assert browser.redirects <= 1


def test_master_has_the_mark_for_one_that_waited_in_vain():
    BrowserClient().get(f"{A}/")
    browser = BrowserClient(cookies=False)
    neighbour = BrowserClient()
    neighbour.address = browser.address
    neighbour.get(f"{A}/")
    browser.get(f"{MALL}/p/x")
    assert (browser.redirects, browser.url) == (1, f"{MALL}/p/x?_mall=nc")
    assert walk(browser, 0, 0) == [0, 0]

"""Who may start a hand-off, who must not, and how each that fails ends: in a page."""

import pytest

from sessions_farm.communities.handoff import codes
from sessions_farm.communities.models import Community
from sessions_farm.communities.tests.support.walking import COOKIE, MALL, A, B, lines_of
from sessions_farm.stores import current_store
from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.testing.browser import BrowserClient

pytestmark = pytest.mark.usefixtures("walking_mall")


def test_cookies_off_ends_in_a_page_after_three():
    browser = BrowserClient(cookies=False)
    response = browser.get(f"{A}/p/x?y=1")

    assert [hop.status for hop in browser.hops] == [302, 302, 303, 200]
    assert browser.url == f"{A}/p/x?y=1&_mall=nc"
    assert response["X-Robots-Tag"] == "noindex"


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
        {"Sec-Fetch-Mode": None, "Sec-Fetch-Dest": None},
        {"Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
    ],
    ids=["bot", "curl", "frame", "fetch"],
)
def test_what_is_no_navigation_is_served_as_it_is(headers):
    browser = BrowserClient(headers=headers)
    browser.get(f"{A}/p/x")

    assert [hop.status for hop in browser.hops] == [200]
    assert COOKIE not in browser.jar("a.test")


def test_prefetch_is_refused_where_a_handoff_is_needed_only():
    browser = BrowserClient()
    assert browser.get(f"{A}/p/x", **{"Sec-Purpose": "prefetch"}).status_code == 409
    assert browser.response["Cache-Control"] == "no-store"
    browser.get(f"{A}/p/x")
    assert browser.redirects == 3
    assert browser.get(f"{A}/p/y", **{"Sec-Purpose": "prefetch"}).status_code == 200


HTMX = {"HX-Request": "true", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}


def test_htmx_without_id_reloads_the_page():
    browser = BrowserClient()
    response = browser.get(f"{A}/p/x", **HTMX)
    assert (response.status_code, response["HX-Refresh"]) == (200, "true")

    browser.get(f"{A}/p/x")
    assert "HX-Refresh" not in browser.get(f"{A}/p/x", **HTMX)


def test_htmx_form_of_a_browser_that_is_taken_for_a_robot_shows_its_outcome():
    browser = BrowserClient(headers={"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"})
    browser.get(f"{A}/p/x")
    browser.post("/add", {"line": "spade"}, **HTMX)
    assert "HX-Refresh" not in browser.hops[0].response


def test_htmx_form_without_id_reloads_the_page_and_brings_what_it_did():
    browser = BrowserClient()
    browser.get(f"{A}/p/x", **{"Sec-Fetch-Mode": None})
    browser.post("/add", {"line": "spade"}, **HTMX)
    assert browser.hops[0].response["HX-Refresh"] == "true"
    browser.get(f"{A}/p/x")
    browser.get(f"{MALL}/cart")
    assert lines_of(browser) == ["spade"]

    browser.get(f"{A}/p/x")
    browser.post("/add", {"line": "rake"}, **HTMX)
    assert "HX-Refresh" not in browser.hops[0].response


def test_htmx_on_a_page_without_cookies_is_served():
    browser = BrowserClient(cookies=False)
    browser.get(f"{A}/p/x")
    response = browser.get(f"{A}/p/y", **HTMX, **{"HX-Current-URL": browser.url})

    assert "HX-Refresh" not in response


def test_policy_off_never_asks():
    Community.objects.filter(slug="mall").update(handoff_policy="off")
    browser = BrowserClient()
    browser.get(f"{A}/")

    assert browser.redirects == 0


def test_policy_lazy_asks_for_one_who_has_something_or_comes_from_a_member():
    Community.objects.filter(slug="mall").update(handoff_policy="lazy")
    browser = BrowserClient()
    browser.get(f"{A}/")
    assert browser.redirects == 0
    browser.click(f"{B}/")
    assert browser.redirects == 4
    browser.get(f"{A}/")
    browser.post("/add", {"line": "spade"})
    assert [hop.status for hop in browser.hops] == [303, 302, 302, 303, 200]


REFUSALS = {
    "session": (COOKIE,),
    "verifier": (f"{COOKIE}-hs",),
    "gave up": (f"{COOKIE}-nc",),
    "session and gave up": (COOKIE, f"{COOKIE}-nc"),
    "all": (COOKIE, f"{COOKIE}-hs", f"{COOKIE}-nc"),
}


@pytest.mark.parametrize("names", REFUSALS.values(), ids=REFUSALS)
def test_refused_cookies_end_in_a_page_within_nine_redirects(names):
    browser = BrowserClient()
    browser.cookies.refuses = names
    for path in ("/p/x", "/p/y", "/p/z"):
        assert browser.get(f"{A}{path}").status_code == 200
        assert browser.redirects <= 9


def test_masters_cookies_refused_end_in_a_page(monkeypatch):
    browser = BrowserClient()
    take = browser.cookies.take
    monkeypatch.setattr(
        browser.cookies, "take", lambda host, *args, **kwargs: host == "mall.test" or take(host, *args, **kwargs)
    )
    browser.get(f"{A}/p/x")

    assert (browser.redirects, browser.response.status_code) == (3, 200)


def test_lost_codes_end_in_a_page(monkeypatch):
    monkeypatch.setattr(codes, "redeem_code", lambda store, code: None)
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    assert (browser.redirects, browser.response.status_code) == (5, 200)
    browser.get(f"{A}/p/y")
    assert browser.redirects == 0  # it does not try again at once


@pytest.mark.parametrize("command", ["put_code", "take_code"])
def test_store_that_keeps_no_codes_ends_in_a_page(monkeypatch, command):
    def away(*args):
        raise StoreUnavailableError("away")

    monkeypatch.setattr(current_store(), command, away)
    browser = BrowserClient()
    browser.get(f"{A}/p/x")

    assert browser.response.status_code == 200
    assert browser.redirects <= 5

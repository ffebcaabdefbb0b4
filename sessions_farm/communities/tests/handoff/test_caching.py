"""What caches are told: an answer that gives an id is one browser's, and a page without one differs by its headers."""

import pytest
from django.urls import get_resolver

from sessions_farm.communities.handoff.responses import NEGOTIATED
from sessions_farm.communities.tests.support.walking import COOKIE, MALL, A
from sessions_farm.testing.browser import BrowserClient
from sessions_farm.tests.support.addresses import addresses
from sessions_farm.tests.support.new_ids import FOR_A_NAVIGATION, cacheable

pytestmark = pytest.mark.usefixtures("walking_mall")

SITE = "sessions_farm.communities.tests.support.handoff_site"
CLAIM = "sessions_farm.tests.support.new_ids.ClaimMiddleware"


def paths():
    return list(addresses(get_resolver(SITE), {"<slug:name>": "x"}))


@pytest.mark.parametrize("host", ["mall.test", "a.test"])
def test_id_that_any_view_gives_is_kept_by_no_cache(settings, host):
    after = settings.MIDDLEWARE.index("sessions_farm.web.middleware.SessionMiddleware") + 1
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:after], CLAIM, *settings.MIDDLEWARE[after:]]
    assert cacheable(paths(), COOKIE, ["get", "post"], host=host) == []


def test_each_page_of_the_master_gives_a_new_visitor_an_id_that_no_cache_keeps():
    pages = [path for path in paths() if not path.startswith("/.mall/")]
    assert cacheable(pages, COOKIE, host="mall.test", **FOR_A_NAVIGATION) == []


def test_every_cookie_of_a_hand_off_is_kept_by_no_cache():
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    setting = [hop.response for hop in browser.hops if hop.response.cookies and hop.status != 200]
    assert len(setting) == 3
    assert {response["Cache-Control"] for response in setting} == {"private, no-store"}


def test_redirects_without_a_cookie_are_kept_by_no_cache_either():
    browser = BrowserClient()
    browser.get(f"{MALL}/")
    browser.get(f"{A}/p/x")
    code = browser.hops[1].response
    assert (dict(code.cookies), code["Cache-Control"]) == ({}, "no-store")


def test_page_without_an_id_differs_by_what_a_hand_off_depends_on():
    """A shared cache that kept the page of a tool would give it to a browser, which then never gets an id."""
    tool = BrowserClient(headers={"Sec-Fetch-Mode": None, "Sec-Fetch-Dest": None})
    vary = {name.strip() for name in tool.get(f"{A}/p/x")["Vary"].split(",")}
    assert vary >= set(NEGOTIATED) >= {"Cookie", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Purpose", "HX-Request"}


@pytest.mark.parametrize("hop", [0, 1, 2])
def test_redirects_differ_by_what_they_depend_on(hop):
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    vary = {name.strip() for name in browser.hops[hop].response["Vary"].split(",")}
    assert vary >= {"Host", "Cookie", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Purpose", "Sec-GPC", "HX-Request"}


def test_page_with_an_id_differs_by_the_cookie_alone():
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    assert "Sec-Fetch" not in browser.response["Vary"]
    browser.get(f"{MALL}/p/x")
    assert "Sec-Fetch" not in browser.response["Vary"]

"""A shopper walks over the domains of a community: one id, three redirects at the first page, none after."""

import random

import pytest

from sessions_farm.communities.identity.mall_ids import is_local
from sessions_farm.communities.models import MergeMarker, Visitor
from sessions_farm.communities.tests.support.walking import (
    COOKIE,
    MALL,
    SHOP,
    A,
    B,
    gone,
    lines_of,
    mall_of,
    sign_in,
    typed,
)
from sessions_farm.models import OneUseCode, Session
from sessions_farm.testing.browser import BrowserClient

pytestmark = pytest.mark.usefixtures("walking_mall")


@pytest.mark.parametrize("shop", [A, SHOP])
def test_first_page_takes_three_redirects_and_ends_clean(shop):
    browser = BrowserClient()
    response = browser.get(f"{shop}/p/x?y=1&z=2")

    assert [hop.status for hop in browser.hops] == [302, 302, 303, 200]
    assert browser.url == f"{shop}/p/x?y=1&z=2"
    assert response.status_code == 200
    assert mall_of(browser).id


def test_first_page_waits_for_a_question_on_the_master_only():
    browser = BrowserClient()
    browser.get(f"{A}/p/x")

    assert [hop.host for hop in browser.hops] == ["a.test", "mall.test", "a.test", "a.test"]


def test_later_pages_take_none():
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    browser.click("/p/y")
    assert browser.redirects == 0
    browser.get(f"{A}/")
    assert browser.redirects == 0


def test_same_id_on_every_domain_and_the_masters_first():
    browser = BrowserClient()
    ids = set()
    for address in (f"{A}/", f"{B}/", f"{SHOP}/", f"{MALL}/", f"{A}/p/z"):
        browser.get(address)
        ids.add(mall_of(browser).id)

    assert len(ids) == 1
    assert not is_local(ids.pop())


def test_vendor_to_master_takes_none():
    browser = BrowserClient()
    browser.get(f"{A}/")
    browser.click(f"{MALL}/cart")

    assert browser.redirects == 0


def test_masters_first_visit_takes_none_and_gives_the_id():
    browser = BrowserClient()
    browser.get(f"{MALL}/")
    assert browser.redirects == 0
    first = mall_of(browser).id
    browser.click(f"{A}/")

    assert (browser.redirects, mall_of(browser).id) == (3, first)


def test_nothing_is_stored_for_one_who_writes_nothing():
    browser = BrowserClient()
    browser.get(f"{A}/")
    browser.get(f"{B}/")

    assert (Session.objects.count(), Visitor.objects.count(), OneUseCode.objects.count()) == (0, 0, 0)


def test_cookie_of_each_host_differs_and_carries_one_id():
    browser = BrowserClient()
    browser.get(f"{A}/")
    browser.get(f"{B}/")
    values = {browser.jar(host)[COOKIE] for host in ("a.test", "b.test", "mall.test")}

    assert len(values) == 3
    assert len({value.split(".")[0] for value in values}) == 1


def test_redirects_are_kept_and_told_by_nobody():
    browser = BrowserClient()
    browser.get(f"{A}/")

    for hop in browser.hops[:3]:
        assert "no-store" in hop.response["Cache-Control"]
        assert hop.response["Referrer-Policy"] == "no-referrer"
        assert hop.response["X-Robots-Tag"] == "noindex"
        assert "Cookie" in hop.response["Vary"]
    assert browser.hops[1].response["X-Frame-Options"] == "DENY"


def test_post_stays_on_its_host():
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    browser.post("/add", {"line": "spade"})

    assert [(hop.method, hop.status) for hop in browser.hops] == [("POST", 303), ("GET", 200)]
    assert lines_of(browser) == ["spade"]
    browser.click(f"{B}/")
    assert lines_of(browser) == ["spade"]


def test_post_with_lost_session_is_kept_and_merged_at_the_next_page():
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    browser.post("/add", {"line": "spade"})
    browser.get(f"{B}/p/y")
    browser.cookies.put("b.test", gone(COOKIE))
    browser.post("/add", {"line": "rake"})

    assert [hop.status for hop in browser.hops] == [303, 302, 302, 303, 200]
    assert sorted(lines_of(browser)) == ["rake", "spade"]
    assert browser.response.wsgi_request.session["last"] == "spade"  # what the shopper had there stays
    assert MergeMarker.objects.count() == 1


def test_local_visitor_becomes_the_communitys_where_that_knew_none():
    browser = BrowserClient()
    browser.get(f"{A}/p/x", **{"Sec-Fetch-Mode": None})  # no hand-off: the form is there, the id is not
    browser.post("/add", {"line": "spade"})
    assert lines_of(browser) == ["spade"]
    assert not is_local(mall_of(browser).id)
    assert browser.response.wsgi_request.session["last"] == "spade"
    browser.get(f"{MALL}/cart")
    assert lines_of(browser) == ["spade"]


def test_local_id_is_ended_by_the_merge():
    browser = BrowserClient()
    browser.get(f"{A}/p/x", **{"Sec-Fetch-Mode": None})
    browser.post("/add", {"line": "spade"})
    local = browser.hops[0].response.cookies[COOKIE].value
    assert is_local(local.split(".")[0])
    thief = BrowserClient()
    thief.plant("a.test", COOKIE, local)
    thief.get(f"{A}/", **{"Sec-Fetch-Mode": None})

    assert mall_of(thief).id is None


def test_six_tabs_at_once_end_with_one_id_on_every_page():
    first = BrowserClient()
    tabs = [first, *(first.twin() for _ in range(5))]
    for tab in tabs:
        tab.cookies = first.cookies  # one browser
    starts = [tab.request(typed(f"{A}/p/x")) for tab in tabs]
    for tab, start in zip(tabs, starts, strict=True):
        tab.get(start["Location"]) if start.status_code == 302 else tab.get(f"{A}/p/x")

    assert {tab.response.status_code for tab in tabs} == {200}
    assert len({mall_of(tab).id for tab in tabs if mall_of(tab).id}) == 1


def test_rotated_id_is_replaced_by_a_handoff():
    browser = BrowserClient()
    browser.get(f"{MALL}/")
    browser.post("/add", {"line": "spade"})
    browser.get(f"{A}/")
    before = mall_of(browser).id
    sign_in(browser)
    browser.get(f"{A}/p/x")

    assert browser.redirects == 3
    assert mall_of(browser).id != before
    assert lines_of(browser) == ["spade"]
    assert mall_of(browser).signed_in


def random_journey(seed):
    """Typed addresses, links and forms over 20 hosts; what was put into the cart, and all ids that were seen."""
    chance = random.Random(seed)
    browser, added, ids = BrowserClient(), [], set()
    for step in range(8):
        host = chance.choice([MALL, A, B, *(f"https://s{number}.shops.test" for number in range(17))])
        old_browser = {"Sec-Fetch-Mode": None} if chance.random() < 0.15 else {}
        (browser.get if chance.random() < 0.5 else browser.click)(f"{host}/p/{step}", **old_browser)
        if chance.random() < 0.4:
            added.append(f"{seed}-{step}")
            browser.post("/add", {"line": added[-1]})
        if not old_browser:
            ids.add(mall_of(browser).id)
    browser.get(f"{MALL}/cart")
    return added, ids, lines_of(browser)


def test_random_journeys_keep_one_id_and_every_line(scale):
    for seed in range(10 * scale):
        added, ids, found = random_journey(seed)
        assert (sorted(found), len(ids)) == (sorted(added), 1), f"journey {seed}"


def test_two_communities_do_not_mix():
    browser = BrowserClient()
    browser.get(f"{A}/")
    browser.get("https://c.test/")
    assert [hop.host for hop in browser.hops][1] == "fair.test"
    fair = mall_of(browser)
    browser.get(f"{A}/")

    assert fair.id != mall_of(browser).id
    assert set(browser.jar("c.test")) >= {"__Host-Http-fair"}
    assert COOKIE not in browser.jar("c.test")

"""A shopper walks over the domains of a community: one id, three redirects at the first page, none after."""

import os
import random

import pytest
from django.contrib.auth import login

from sessions_farm import keys
from sessions_farm.handoff.breaker import BOUND
from sessions_farm.models import Community, MergeMarker, OneUseCode, Session, Visitor
from sessions_farm.testing.browser import BrowserClient, Step
from sessions_farm.testing.jar import Cookie
from sessions_farm.tests.handoff_site import LINES, ON_PAGE
from sessions_farm.tests.people import make_user

A, B, SHOP, MALL = "https://a.test", "https://b.test", "https://x.shops.test", "https://mall.test"
COOKIE = "__Host-Http-mall"

pytestmark = pytest.mark.usefixtures("walking_mall")


def mall_of(browser):
    return browser.response.wsgi_request.mall


def lines_of(browser):
    visitor = mall_of(browser).visitor
    return LINES[visitor.pk] if visitor else []


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
    assert not keys.is_local(ids.pop())


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
    assert len({value.split(".")[1] for value in values}) == 1


def test_redirects_are_kept_and_told_by_nobody():
    browser = BrowserClient()
    browser.get(f"{A}/")

    for hop in browser.hops[:3]:
        assert hop.response["Cache-Control"] == "no-store"
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
    browser.cookies.put("b.test", expired(COOKIE))
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
    assert not keys.is_local(mall_of(browser).id)
    assert browser.response.wsgi_request.session["last"] == "spade"
    browser.get(f"{MALL}/cart")
    assert lines_of(browser) == ["spade"]


def test_local_id_is_ended_by_the_merge():
    browser = BrowserClient()
    browser.get(f"{A}/p/x", **{"Sec-Fetch-Mode": None})
    browser.post("/add", {"line": "spade"})
    local = browser.hops[0].response.cookies[COOKIE].value
    assert keys.is_local(local.split(".")[1])
    thief = BrowserClient()
    thief.plant("a.test", COOKIE, local)
    thief.get(f"{A}/", **{"Sec-Fetch-Mode": None})

    assert mall_of(thief).id is None


def expired(name):
    return Cookie(name, "", expires=0)


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


def test_htmx_on_a_page_without_cookies_is_served():
    browser = BrowserClient(cookies=False)
    browser.get(f"{A}/p/x")
    response = browser.get(f"{A}/p/y", **HTMX, **{"HX-Current-URL": browser.url})

    assert "HX-Refresh" not in response


def test_peer_knows_the_visitor_whom_the_master_forgot():
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    known = mall_of(browser).id
    browser.cookies.clear("mall.test")  # what bounce tracking mitigation does
    browser.click(f"{B}/p/y")

    assert [hop.host for hop in browser.hops] == ["b.test", "a.test", "b.test", "b.test"]
    assert mall_of(browser).id == known


def test_master_whose_cookie_was_purged_takes_over_what_the_peer_knows():
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    browser.post("/add", {"line": "spade"})
    before = mall_of(browser).id
    browser.cookies.clear("mall.test")
    browser.click(f"{MALL}/cart")

    assert [hop.host for hop in browser.hops] == ["mall.test", "a.test", "mall.test", "mall.test"]
    assert lines_of(browser) == ["spade"]
    assert browser.response.wsgi_request.session["last"] == "spade"
    after = mall_of(browser).id
    assert after != before  # the peer's id could have been planted there
    browser.click(f"{A}/p/x")
    assert (browser.redirects, mall_of(browser).id, lines_of(browser)) == (3, after, ["spade"])


def test_master_asks_no_peer_about_somebody_signed_in():
    browser = BrowserClient()
    browser.get(f"{MALL}/")
    sign_in(browser)
    browser.get(f"{A}/p/x")
    assert mall_of(browser).signed_in
    browser.cookies.clear("mall.test")
    browser.click(f"{MALL}/cart")

    assert not mall_of(browser).signed_in
    browser.get(f"{A}/p/x")
    assert mall_of(browser).signed_in


def test_master_behind_a_peer_that_knows_nobody_makes_an_id():
    browser = BrowserClient()
    browser.get(f"{A}/p/x", **{"Sec-Fetch-Mode": None})
    browser.click(f"{MALL}/cart")

    assert [hop.host for hop in browser.hops] == ["mall.test", "a.test", "mall.test", "mall.test"]
    known = mall_of(browser).id
    assert known
    browser.click(f"{A}/p/x")
    assert mall_of(browser).id == known


def test_master_whose_cookies_are_refused_serves_a_page():
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    browser.cookies.clear("mall.test")
    browser.cookies.refuses = (COOKIE,)
    browser.click(f"{MALL}/cart")

    assert browser.response.status_code == 200
    assert browser.redirects <= 3


def test_peer_without_the_visitor_passes_the_question_to_the_master():
    browser = BrowserClient()
    browser.get(f"{A}/p/x", **{"Sec-Fetch-Mode": None})
    browser.click(f"{B}/p/y")

    assert [hop.host for hop in browser.hops] == ["b.test", "a.test", "mall.test", "b.test", "b.test"]
    assert mall_of(browser).id


def test_peer_does_not_tell_an_id_it_made_itself():
    browser = BrowserClient()
    browser.get(f"{A}/p/x", **{"Sec-Fetch-Mode": None})
    step = browser._from_page("POST", "/add")
    step.data = browser._csrf() | {"line": "spade"}
    browser.request(step, {"Origin": A})
    browser.click(f"{B}/p/y")

    assert "mall.test" in [hop.host for hop in browser.hops]
    assert not keys.is_local(mall_of(browser).id)


@pytest.mark.parametrize(
    "referer", ["https://evil.test/", "http://a.test/", "https://a.test:444/", "https://c.test/", "x", "https://[::1"]
)
def test_stranger_is_never_asked(referer):
    browser = BrowserClient()
    browser.get(f"{B}/p/y", Referer=referer)

    assert browser.hops[1].host == "mall.test"


def test_community_without_peer_authority_asks_the_master():
    Community.objects.filter(slug="mall").update(peer_authority=False)
    browser = BrowserClient()
    browser.get(f"{A}/")
    browser.click(f"{B}/")

    assert browser.hops[1].host == "mall.test"


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


def test_six_tabs_at_once_end_with_one_id_on_every_page():
    first = BrowserClient()
    tabs = [first, *(first.twin() for _ in range(5))]
    for tab in tabs:
        tab.cookies = first.cookies  # one browser
    starts = [tab.request(starting_step(f"{A}/p/x")) for tab in tabs]
    for tab, start in zip(tabs, starts, strict=True):
        tab.get(start["Location"]) if start.status_code == 302 else tab.get(f"{A}/p/x")

    assert {tab.response.status_code for tab in tabs} == {200}
    assert len({mall_of(tab).id for tab in tabs if mall_of(tab).id}) == 1


def starting_step(url):
    return Step("GET", url, "", "none")


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


def sign_in(browser):
    """What the master's login view does, in a request of this browser."""
    user = make_user()
    ON_PAGE.append(lambda request: login(request, user, "django.contrib.auth.backends.ModelBackend"))
    browser.get(f"{MALL}/")
    assert mall_of(browser).signed_in


def test_master_down_serves_pages_after_a_bound():
    statuses = []
    for _ in range(BOUND + 1):
        browser = BrowserClient()
        statuses.append(browser.request(starting_step(f"{A}/p/x")).status_code)  # and it never comes back

    assert statuses == [302] * BOUND + [200]


def test_client_that_starts_too_often_is_served_without(settings):
    settings.SESSIONS_FARM = {**settings.SESSIONS_FARM, "HANDOFF_STARTS_PER_MINUTE": 3}
    browser = BrowserClient(cookies=False)
    redirects = []
    for _ in range(5):
        browser.get(f"{A}/p/x")
        redirects.append(browser.redirects)

    assert redirects == [3, 3, 3, 0, 0]


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


@pytest.mark.scale
def test_random_journeys_keep_one_id_and_every_line():
    for seed in range(10 * int(os.environ.get("SCALE", "1"))):
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

"""A member of the community as the authority: it knows the visitor whom the master forgot."""

import pytest

from sessions_farm.communities.identity.mall_ids import is_local
from sessions_farm.communities.models import Community
from sessions_farm.communities.tests.support.walking import COOKIE, MALL, A, B, lines_of, mall_of, sign_in
from sessions_farm.testing.browser import BrowserClient

pytestmark = pytest.mark.usefixtures("walking_mall")


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

    assert [hop.host for hop in browser.hops] == ["b.test", "a.test", "mall.test", "b.test", "b.test"]
    assert not is_local(mall_of(browser).id)


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

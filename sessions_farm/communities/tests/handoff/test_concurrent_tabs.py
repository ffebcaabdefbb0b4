"""A new shopper opens several stores at the same instant: one id, though no tab's request knew of another's."""

import itertools

import pytest
from django.core.cache import cache

from sessions_farm.communities.handoff import concurrent_tabs
from sessions_farm.communities.models import Community
from sessions_farm.communities.tests.support.walking import COOKIE, MALL, SHOP, A, B, go, has_session, id_in, mall_of
from sessions_farm.testing.browser import BrowserClient
from sessions_farm.tests.support.scale import counted

pytestmark = pytest.mark.usefixtures("walking_mall")

HOSTS = (A, B, SHOP)


def host_of(url):
    return url.removeprefix("https://")


def open_at_once(browser, hosts=HOSTS, order=1):
    """Each tab's question reaches the master before any answer reaches the browser; then the answers come, in order."""
    questions = [go(browser, f"{host}/p/x")["Location"] for host in hosts]
    answers = []
    for question in questions:
        without = browser.twin()  # as the browser was when it sent them all
        answers.append((go(without, question), without))
    for answer, twin in answers[::order]:
        for cookie in twin.cookies._for("mall.test"):
            browser.cookies.put("mall.test", cookie)
        assert answer.status_code == 302
    return [answer["Location"] for answer, _ in answers]


@pytest.mark.parametrize("order", [1, -1], ids=["first answer first", "last answer first"])
def test_tabs_opened_at_once_on_several_stores_have_one_id(order):
    browser = BrowserClient()
    for location in open_at_once(browser, order=order):
        browser.get(location)
        assert browser.response.status_code == 200
        assert browser.redirects <= 3

    assert len({id_in(browser, host_of(url)) for url in (*HOSTS, MALL)}) == 1


def test_tabs_opened_at_once_would_have_many_ids_otherwise(monkeypatch):
    monkeypatch.setattr(concurrent_tabs, "is_first", lambda request, member, by: True)
    browser = BrowserClient()
    for location in open_at_once(browser):
        browser.get(location)

    assert len({id_in(browser, host_of(url)) for url in (*HOSTS, MALL)}) == len(HOSTS)


def test_master_opened_at_once_with_a_store_makes_no_second_id():
    browser = BrowserClient()
    question = go(browser, f"{A}/p/x")["Location"]
    before = browser.twin()
    answer = go(browser, question)
    page = go(before, f"{MALL}/?x=1")
    assert COOKIE not in before.jar("mall.test")  # it comes again, by then with the other tab's cookie
    for cookie in before.cookies._for("mall.test"):
        browser.cookies.put("mall.test", cookie)
    browser.tab().get(page["Location"])
    browser.get(answer["Location"])
    browser.get(f"{MALL}/")

    assert id_in(browser, "a.test") == mall_of(browser).id


def test_master_opened_beside_a_neighbours_store_waits_once_and_makes_an_id():
    neighbour = BrowserClient()
    neighbour.get(f"{A}/")
    browser = neighbour_of(neighbour)
    browser.get(f"{MALL}/p/x?y=1")

    assert [hop.status for hop in browser.hops] == [302, 303, 200]
    assert browser.url == f"{MALL}/p/x?y=1"
    assert has_session(browser, "mall.test")
    assert mall_of(browser).id != mall_of(neighbour).id


@pytest.mark.parametrize("refused", [(COOKIE,), (f"{COOKIE}-hs",), (COOKIE, f"{COOKIE}-hs"), None], ids=str)
def test_master_waits_once_for_a_browser_that_refuses_cookies(refused):
    neighbour = BrowserClient()
    browser = neighbour_of(neighbour)
    browser.cookies.accepts, browser.cookies.refuses = refused is not None, refused or ()
    for number in range(3):
        neighbour_of(neighbour).get(f"{A}/")
        assert browser.get(f"{MALL}/p/{number}").status_code == 200
        assert browser.redirects <= 2


def test_crowd_of_newcomers_on_the_master_alone_waits_for_nobody():
    first = BrowserClient()
    crowd = [neighbour_of(first) for _ in range(20)]
    for browser in crowd:
        browser.get(f"{MALL}/")
        assert browser.redirects == 0

    assert len({mall_of(browser).id for browser in crowd}) == 20


def test_crowd_behind_one_address_with_one_browser_is_known(scale):
    """500 a minute: some on a store first, some on the master, and each comes to another host afterwards."""
    first = BrowserClient()
    crowd = [neighbour_of(first) for _ in range(max(counted(500, scale), 12))]
    for number, browser in enumerate(crowd):
        browser.get(f"{(A, MALL, SHOP, B)[number % 4]}/p/x")
        assert mall_of(browser).id
        browser.get(f"{(MALL, A, MALL, A)[number % 4]}/p/x")
        assert browser.redirects <= 5

    ids = {mall_of(browser).id for browser in crowd}
    assert len(ids) == len(crowd)
    assert None not in ids


def neighbour_of(browser):
    other = BrowserClient()
    other.address = browser.address
    return other


def test_neighbours_with_the_same_browser_are_two_people():
    one = BrowserClient()
    other = neighbour_of(one)
    one.get(f"{A}/")
    other.get(f"{A}/")

    assert (one.redirects, other.redirects) == (3, 5)
    assert mall_of(one).id != mall_of(other).id
    cache.clear()  # a moment later
    third = neighbour_of(one)
    third.get(f"{A}/")
    assert third.redirects == 3


def test_communities_do_not_wait_for_each_other():
    browser = BrowserClient()
    browser.get(f"{A}/")
    browser.get("https://c.test/")
    assert browser.redirects == 3


@pytest.mark.parametrize(
    "refused",
    [(COOKIE,), (f"{COOKIE}-hs",), (COOKIE, f"{COOKIE}-nc"), (COOKIE, f"{COOKIE}-hs", f"{COOKIE}-nc")],
    ids=str,
)
def test_browser_that_refuses_cookies_among_neighbours_ends_within_nine_redirects(refused):
    first = BrowserClient()
    browser = neighbour_of(first)
    browser.cookies.refuses = refused
    for number, host in enumerate(itertools.islice(itertools.cycle(HOSTS), 6)):
        neighbour_of(first).get(f"{B}/")  # a household that is never at rest
        assert browser.get(f"{host}/p/{number}").status_code == 200
        assert browser.redirects <= 9


def test_cache_that_is_away_keeps_nobody_waiting(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    one = BrowserClient()
    other = neighbour_of(one)
    one.get(f"{A}/")
    other.get(f"{A}/")
    assert (one.redirects, other.redirects) == (3, 3)


def test_lazy_community_waits_in_the_same_way():
    Community.objects.filter(slug="mall").update(handoff_policy="lazy")
    browser = BrowserClient()
    questions = [go(browser, f"{host}/basket")["Location"] for host in (A, B)]
    twin = browser.twin()
    answers = [go(browser, questions[0])["Location"], go(twin, questions[1])["Location"]]
    for answer in answers:
        browser.get(answer)
    assert id_in(browser, "a.test") == id_in(browser, "b.test")

"""The hand-off in Firefox over TLS, where one is installed: what other code than Chromium's makes of its redirects."""

import time
from urllib.parse import urlsplit

import pytest

from sessions_farm.communities.handoff import concurrent_tabs
from tests.e2e import firefox, tls
from tests.e2e.tls import FAIR, LAMP, MALL, MISNAMED, name_of
from tests.support.waiting import wait_for

pytestmark = firefox.needed
AMBER, CORAL, DUNE, ELM = MALL.stores
A_MOMENT = concurrent_tabs.MOMENT * 1.1
BLOCK_ALL = 2  # network.cookie.cookieBehavior


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with firefox.running_firefox(tmp_path_factory.mktemp("firefox")) as browser:
        yield browser


@pytest.fixture
def tab(browser):
    """A new tab of somebody new, who comes when the one before is no newcomer any more."""
    browser.forget_cookies()
    time.sleep(A_MOMENT)
    tab = browser.new_tab()
    yield tab
    tab.close()


def hosts_of(visit) -> list[str]:
    """The hosts that were asked on the way to a page, its own last."""
    return [urlsplit(url).hostname for url in visit.hops]


def sees(tab, host: str) -> None:
    assert tab.evaluate("document.querySelector('h1').innerText") == f"About {name_of(host)}"
    assert urlsplit(tab.url).hostname == host


def test_first_page_of_each_domain_takes_three_redirects_and_no_later_one_any(communities, browser, tab):
    for community in (MALL, FAIR):
        for host in community.stores:
            url = communities.url(host, "/search/?q=a")
            first = tab.type_address(url)
            assert hosts_of(first) == [host, community.master, host, host]
            assert (first.url, first.status) == (url, 200)
            assert hosts_of(tab.type_address(url)) == [host]
        assert hosts_of(tab.type_address(communities.url(community.master))) == [community.master]
    assert tab.faults == []


def test_browser_has_one_id_in_each_community_and_the_two_do_not_mix(communities, browser, tab):
    for host in (AMBER, FAIR.master, CORAL, FAIR.stores[0], ELM, MALL.master, FAIR.stores[1], DUNE):
        tab.type_address(communities.url(host))
    mall, fair = tls.ids(browser.cookies(), MALL), tls.ids(browser.cookies(), FAIR)
    assert (mall.keys(), fair.keys()) == ({MALL.master, *MALL.stores}, {FAIR.master, *FAIR.stores})
    assert (len(set(mall.values())), len(set(fair.values()))) == (1, 1)
    assert set(mall.values()).isdisjoint(fair.values())


def test_link_between_stores_asks_the_store_that_it_stands_on(communities, browser, tab):
    tab.type_address(communities.url(AMBER, "/about/"))
    assert hosts_of(tab.follow(name_of(CORAL))) == [CORAL, AMBER, CORAL, CORAL]
    assert hosts_of(tab.follow(name_of(ELM))) == [ELM, CORAL, ELM, ELM]
    assert hosts_of(tab.follow(name_of(AMBER))) == [AMBER]
    assert len(set(tls.ids(browser.cookies(), MALL).values())) == 1
    assert tab.faults == []


def test_back_and_forward_lead_to_pages_and_no_handoff(communities, browser, tab):
    tab.type_address(communities.url(AMBER, "/about/"))
    tab.follow(name_of(CORAL))
    tab.type_address(communities.url(ELM, "/about/"))
    for steps, host in ((-1, CORAL), (-1, AMBER), (1, CORAL), (1, ELM)):
        tab.go(steps)
        sees(tab, host)
    assert tab.faults == []


def test_browser_without_cookies_sees_each_page_after_three_redirects(communities, tmp_path):
    own = {"network_cookie_cookieBehavior": BLOCK_ALL, "general_useragent_override": "Mozilla/5.0 Cookieless"}
    with firefox.running_firefox(tmp_path, **own) as browser:
        tab = browser.new_tab()
        for host in (AMBER, CORAL):
            time.sleep(A_MOMENT)  # within one, the master would look for another tab's cookie
            visit = tab.type_address(communities.url(host, "/about/"))
            assert hosts_of(visit) == [host, MALL.master, host, host]
            assert visit.url == communities.url(host, "/about/?_mall=nc")
            sees(tab, host)
        time.sleep(A_MOMENT)
        assert hosts_of(tab.type_address(communities.url(MALL.master))) == [MALL.master]
        assert browser.cookies() == []
        assert tab.faults == []


def test_misnamed_browser_finds_both_lines_at_the_till(communities, tmp_path):
    with firefox.running_firefox(tmp_path, general_useragent_override=MISNAMED) as browser:
        tab = browser.new_tab()
        for store in (AMBER, CORAL):
            tab.type_address(communities.url(store, LAMP))
            tab.evaluate("document.querySelector('form[action=\"/cart/add/\"] button[type=submit]').click()")
            wait_for(lambda: tab.holds("document.querySelector('#cart-count').dataset.count === '1'"), "the lamp", 30)
            tab.type_address(communities.url(store, "/cart/"))
            till = tab.follow("Check out", role="button")
        assert urlsplit(till.url).path == "/cart/offered/"
        tab.follow("Add to the cart", role="button")
        tab.type_address(communities.url(MALL.master, "/cart/"))
        assert tab.evaluate(
            "[...document.querySelectorAll('main h2')].map((found) => found.innerText).join()"
        ).startswith(f"{name_of(AMBER)},{name_of(CORAL)}")
        assert set(tls.ids(browser.cookies(), MALL)) == {MALL.master, AMBER, CORAL}
        assert len(set(tls.ids(browser.cookies(), MALL).values())) == 3  # copied, and nobody joined

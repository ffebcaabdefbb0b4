"""The hand-off in Chromium over TLS: two communities on unrelated hosts, and the ways to come to a page there."""

import itertools
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from sessions_farm.communities.handoff import concurrent_tabs
from tests.e2e import chromium, tls
from tests.e2e.tls import FAIR, GOODS, LAMP, MALL, name_of

AMBER, CORAL, DUNE, ELM = MALL.stores
A_MOMENT = concurrent_tabs.MOMENT * 1_100  # milliseconds
SOON = "(url) => { setTimeout(() => { location.href = url; }, 0); }"  # comes back before the page does


@pytest.fixture(scope="module")
def browser(playwright, chromium_program):
    """A Chromium that finds the hosts, and keeps pages to go back to as people's do."""
    browser = playwright.chromium.launch(
        executable_path=chromium_program,
        args=[*chromium.flags(), *tls.CHROMIUM_FLAGS],
        ignore_default_args=["--disable-back-forward-cache"],
    )
    yield browser
    browser.close()


@pytest.fixture
def open_page(new_page, request):
    """A page of somebody new; to the mall each is another client, which waits for nobody's tabs but its own."""
    people = itertools.count(1)

    def make(**options):
        agent = f"Mozilla/5.0 Chrome/156 {request.node.name} {next(people)}"
        return new_page(ignore_https_errors=True, user_agent=agent, **options)

    return make


@pytest.fixture
def page(open_page):
    return open_page()


def hops(response) -> list[str]:
    """The hosts that were asked on the way to a page, its own last."""
    found, request = [], response.request
    while request:
        found.insert(0, urlsplit(request.url).hostname)
        request = request.redirected_from
    return found


def ids(page, community) -> dict[str, str]:
    return tls.ids(page.context.cookies(), community)


def follow(page, host: str) -> list[str]:
    """Press the link to a neighbour."""
    with page.expect_navigation() as navigation:
        page.get_by_role("main").get_by_role("link", name=name_of(host), exact=True).click()
    return hops(navigation.value)


def followed_below(page, host: str) -> list[list[str]]:
    """Follow three links of a store, each from the page that the one before led to."""
    found = []
    for number in range(3):
        link = page.locator(f"a[href^='/']:visible >> nth={number}")
        with page.expect_navigation() as navigation:
            link.click()
        found.append(hops(navigation.value))
    return found


def open_at_once(page, urls: list[str]) -> list:
    """New tabs of the same browser; none waits for another."""
    tabs = [page.context.new_page() for _ in urls]
    for tab, url in zip(tabs, urls, strict=True):
        tab.evaluate(SOON, url)
    for tab, url in zip(tabs, urls, strict=True):
        tab.wait_for_url(f"{url}**")
    return tabs


def add(page) -> None:
    """Put goods into a cart that seemed empty; the first time the answer leads to the master."""
    page.get_by_role("button", name="Add to cart").click()
    expect(page.locator("#cart-count")).not_to_have_attribute("data-count", "0")


def sees(page, host: str) -> None:
    expect(page.get_by_role("heading", name=f"About {name_of(host)}", level=1)).to_be_visible()
    assert urlsplit(page.url).hostname == host


def test_first_page_of_each_domain_takes_three_redirects_and_no_later_one_any(communities, page):
    for community in (MALL, FAIR):
        for host in community.stores:
            url = communities.url(host, "/search/?q=a")
            assert hops(page.goto(url)) == [host, community.master, host, host]
            assert page.url == url
            assert hops(page.goto(url)) == [host]
        assert hops(page.goto(communities.url(community.master))) == [community.master]
    for host in (*MALL.stores, *FAIR.stores):
        assert hops(page.goto(communities.url(host))) == [host]
    assert page.faults == []


def test_browser_has_one_id_in_each_community_and_the_two_do_not_mix(communities, page):
    for host in (AMBER, FAIR.master, CORAL, FAIR.stores[0], ELM, MALL.master, FAIR.stores[1], DUNE):
        page.goto(communities.url(host))
    mall, fair = ids(page, MALL), ids(page, FAIR)
    assert (mall.keys(), fair.keys()) == ({MALL.master, *MALL.stores}, {FAIR.master, *FAIR.stores})
    assert (len(set(mall.values())), len(set(fair.values()))) == (1, 1)
    assert set(mall.values()).isdisjoint(fair.values())
    farm = [cookie for cookie in page.context.cookies() if cookie["name"] in {MALL.cookie, FAIR.cookie}]
    assert {(cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) for cookie in farm} == {(True, True, "Lax")}


def test_link_between_stores_asks_the_store_that_it_stands_on(communities, page):
    page.goto(communities.url(AMBER, "/about/"))
    assert follow(page, CORAL) == [CORAL, AMBER, CORAL, CORAL]
    assert follow(page, ELM) == [ELM, CORAL, ELM, ELM]
    assert follow(page, AMBER) == [AMBER]
    assert hops(page.goto(communities.url(DUNE, "/about/"))) == [DUNE, MALL.master, DUNE, DUNE]
    found = ids(page, MALL)
    assert found.keys() == {MALL.master, *MALL.stores}
    assert len(set(found.values())) == 1
    assert page.faults == []


def test_history_holds_pages_and_no_handoff(communities, page):
    page.goto(communities.url(AMBER, "/about/"))
    follow(page, CORAL)
    page.goto(communities.url(ELM, "/about/"))
    history = page.context.new_cdp_session(page).send("Page.getNavigationHistory")["entries"]
    assert [entry["url"] for entry in history[1:]] == [communities.url(host, "/about/") for host in (AMBER, CORAL, ELM)]
    for host in (CORAL, AMBER):
        page.go_back(wait_until="commit")
        sees(page, host)
    for host in (CORAL, ELM):
        page.go_forward(wait_until="commit")
        sees(page, host)
    assert page.faults == []


def test_page_behind_is_shown_as_it_was_left_but_for_the_cart(communities, page):
    """From the back/forward cache: neither the hand-off nor the page's own headers keep it out."""
    page.add_init_script("addEventListener('pageshow', (event) => { window.kept = event.persisted; });")
    assert "no-store" not in page.goto(communities.url(AMBER, "/about/")).headers.get("cache-control", "")
    page.evaluate("window.left = 'as it was'")
    follow(page, CORAL)
    add(open_at_once(page, [communities.url(DUNE, LAMP)])[0])
    page.go_back(wait_until="commit")
    sees(page, AMBER)
    assert page.evaluate("[window.kept, window.left]") == [True, "as it was"]
    expect(page.locator("#cart-count")).to_have_attribute("data-count", "1")
    assert page.faults == []


@pytest.mark.parametrize("hosts", [[DUNE] * 6, [AMBER, CORAL, DUNE, ELM, AMBER, CORAL]], ids=["one-store", "stores"])
def test_six_tabs_opened_at_once_show_their_pages_under_one_id(communities, open_page, hosts):
    """Twice, for it is a race: the answer to one tab may overtake another's. A page may come without an id."""
    for _ in range(2):
        page = open_page()
        tabs = open_at_once(page, [communities.url(host, "/about/") for host in hosts])
        for tab, host in zip(tabs, hosts, strict=True):
            sees(tab, host)
        found = ids(page, MALL)
        assert found.keys() == {MALL.master, *hosts}
        assert len(set(found.values())) == 1, f"The shopper is split: {found}"


def test_goods_from_tabs_opened_at_once_come_to_one_checkout(communities, open_page):
    hosts = (AMBER, CORAL, DUNE)
    for _ in range(2):
        page = open_page()
        for tab in open_at_once(page, [communities.url(host, LAMP) for host in hosts]):
            add(tab)
        page.goto(communities.url(AMBER, "/cart/"))
        page.locator(".cart-sum").get_by_text("Check out", exact=True).click()
        expect(page.get_by_label("E-mail")).to_be_visible()
        for host in (MALL.master, *hosts):
            page.goto(communities.url(host, "/cart/"))
            expect(page.locator("#cart-count")).to_have_attribute("data-count", "3")
        assert len(set(ids(page, MALL).values())) == 1


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "plain"])
def test_form_whose_session_was_lost_is_taken_before_the_handoff(communities, open_page, javascript):
    page = open_page(java_script_enabled=javascript)
    page.goto(communities.url(AMBER, LAMP))
    page.goto(communities.url(CORAL, LAMP))
    page.context.clear_cookies(name=MALL.cookie, domain=CORAL)
    page.get_by_role("button", name="Add to cart").click()
    expect(page.locator("#cart-count")).to_have_attribute("data-count", "1")
    for host in (AMBER, MALL.master):
        page.goto(communities.url(host, "/cart/"))
        expect(page.get_by_role("main").get_by_role("heading", name=GOODS, level=3)).to_be_visible()
    found = ids(page, MALL)
    assert found.keys() == {MALL.master, AMBER, CORAL}
    assert len(set(found.values())) == 1
    assert page.faults == []


def test_browser_without_cookies_sees_each_page_after_three_redirects(communities, new_cookieless_page):
    page = new_cookieless_page()
    for host in (AMBER, CORAL):
        page.wait_for_timeout(A_MOMENT)  # within one, the master would look for another tab's cookie: one redirect more
        assert hops(page.goto(communities.url(host, "/about/"))) == [host, MALL.master, host, host]
        assert page.url == communities.url(host, "/about/?_mall=nc")
        sees(page, host)
    for host in (ELM, DUNE):
        assert follow(page, host) == [host]
        assert followed_below(page, host) == [[host]] * 3
        page.goto(communities.url(host, "/about/?_mall=nc"))
    assert hops(page.goto(communities.url(MALL.master))) == [MALL.master]
    assert page.context.cookies() == []
    assert page.faults == []

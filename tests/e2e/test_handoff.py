"""The hand-off in a real browser: its redirects, its cookies, and a form whose answer leads over three hosts."""

from urllib.parse import urlsplit

import pytest

from tests.e2e.shopper import FOWLERS, MASTER, NOBLE_BARNEY, THISTLE, Shopper

COOKIE = "mall"


def redirects(response) -> int:
    count, request = 0, response.request
    while request.redirected_from:
        count, request = count + 1, request.redirected_from
    return count


def ids(page) -> set[str]:
    """The id in each of the browser's mall cookies, whatever host it is signed for."""
    return {cookie["value"].split(".")[0] for cookie in page.context.cookies() if cookie["name"] == COOKIE}


def test_handoff_takes_three_redirects_once_for_each_domain(mall_farm, new_page):
    page = new_page(user_agent="Mozilla/5.0 Chrome/156 alone")  # nobody like this one came a moment ago
    for host in (FOWLERS.host, THISTLE.host, NOBLE_BARNEY.host):
        url = mall_farm.url(host, "/search/?q=a")
        first, later = page.goto(url), page.goto(url)
        assert (redirects(first), redirects(later)) == (3, 0)
        assert page.url == url
    assert redirects(page.goto(mall_farm.url(MASTER))) == 0
    assert len(ids(page)) == 1
    assert page.faults == []


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "plain"])
def test_handoff_after_a_form_is_no_fault_and_loses_no_goods(mall_farm, new_page, javascript):
    page = new_page(java_script_enabled=javascript)
    shopper = Shopper(page, mall_farm, "nora@example.org")
    shopper.add_from(FOWLERS)
    shopper.sees_count(1)
    page.goto(mall_farm.url(NOBLE_BARNEY.host, "/"))
    search = page.get_by_role("searchbox").first
    search.fill(NOBLE_BARNEY.goods)
    search.press("Enter")
    page.get_by_role("main").get_by_role("link", name=NOBLE_BARNEY.goods, exact=True).first.click()
    page.wait_for_url("**/products/**")
    page.context.clear_cookies(name=COOKIE, domain=NOBLE_BARNEY.host)  # the session is lost between page and form
    page.get_by_role("button", name="Add to cart").click()
    shopper.sees_count(2)

    shopper.sees_in_cart((FOWLERS, NOBLE_BARNEY), NOBLE_BARNEY.host)
    shopper.sees_in_cart((FOWLERS, NOBLE_BARNEY), MASTER)
    assert len(ids(page)) == 1
    assert page.faults == []


def test_form_of_the_master_that_leads_to_a_store_is_not_blocked(mall_farm, new_page):
    """A sign-in whose answer leads over a path of the master to a store on its own host."""
    page = new_page()
    page.goto(mall_farm.url(MASTER, f"/accounts/login/?next=/stores/{FOWLERS.slug}/about/"))
    page.locator("[name=login]").fill("support@fowlers.localhost")
    page.locator("[name=password]").fill("mall-demo")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url(mall_farm.url(FOWLERS.host, "/about/"))
    history = page.context.new_cdp_session(page).send("Page.getNavigationHistory")["entries"]
    assert [urlsplit(entry["url"]).path for entry in history[1:]] == ["/accounts/login/", "/about/"]
    assert len(ids(page)) == 1
    assert page.faults == []

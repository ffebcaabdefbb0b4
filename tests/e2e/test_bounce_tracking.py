"""What becomes of a shopper whose browser takes the master for a bounce tracker, and really clears its cookies.

Chromium does so to sites that only redirect, where it blocks third-party cookies; after an hour, here after seconds.
One community has no cure, each of the others one alone. The control must split the shopper: a cure that "helps" where
nothing is purged proves nothing.
"""

import json
import time
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from sessions_farm.communities.registry import Member
from sessions_farm.web import cookies
from tests.e2e import chromium, tls
from tests.e2e.tls import HEALED, LAMP, LANDED, PLAIN, RESYNCED, VOUCHED, name_of
from tests.support.waiting import wait_for

PURGED = (VOUCHED, HEALED, RESYNCED, PLAIN)
HOUR = 3600
BLOCK_THIRD_PARTY = 1  # profile.cookie_controls_mode
# A page must be reached and pressed within the grace, on a busy machine too.
SOON = "DIPS:grace_period/8s/timer_delay/2s/client_bounce_detection_timeout/1s"


@pytest.fixture(scope="module")
def context(playwright, chromium_program, tmp_path_factory):
    """A Chromium that fights bounce tracking, within seconds instead of hours."""
    folder = tmp_path_factory.mktemp("profile")
    (folder / "Default").mkdir()
    preferences = {"profile": {"cookie_controls_mode": BLOCK_THIRD_PARTY}}
    (folder / "Default" / "Preferences").write_text(json.dumps(preferences))
    context = playwright.chromium.launch_persistent_context(
        folder,
        executable_path=chromium_program,
        args=[*chromium.flags(), *tls.CHROMIUM_FLAGS, f"--enable-features={SOON}"],
        ignore_https_errors=True,
    )
    yield context
    context.close()


@pytest.fixture(scope="module")
def visit(context, communities):
    """Somebody fills a cart at the first store of each community, by typed addresses; then their browser purges.

    Where the first addition lands they come first, so their time of grace is over when the others' is. ``ids`` are what
    the first stores know, ``bounced`` the sites that the browser says it found bouncing.
    """
    page = context.pages[0]
    bounced, first = set(), {}
    issues = context.new_cdp_session(page)
    issues.on("Audits.issueAdded", lambda event: bounced.update(trackers_in(event["issue"])))
    issues.send("Audits.enable")
    for community in (LANDED, *PURGED):
        store = community.stores[0]
        buy(page, communities.url(store, LAMP))
        if community is LANDED:
            page.get_by_role("link", name=f"Keep shopping at {name_of(store)}").click()
            page.wait_for_url(communities.url(store, LAMP))
        first[community] = ids(context, community)[store]

    def purged() -> bool:
        page.wait_for_timeout(200)  # Playwright hears of the browser only meanwhile
        return not any(community.master in ids(context, community) for community in PURGED)

    wait_for(purged, "the browser to purge the masters' cookies", 40)
    return SimpleNamespace(page=page, ids=first, bounced=frozenset(bounced))


def buy(page, url: str) -> None:
    page.goto(url)
    with page.expect_response("**/cart/add/"):
        page.get_by_role("button", name="Add to cart").click()
    expect(page.locator("#cart-count")).to_have_attribute("data-count", "1")


def trackers_in(issue: dict) -> list[str]:
    return issue["details"].get("bounceTrackingIssueDetails", {}).get("trackingSites", [])


def ids(context, community) -> dict[str, str]:
    return tls.ids(context.cookies(), community)


def pieces(page, url: str) -> int:
    page.goto(url)
    return int(page.locator("#cart-count").get_attribute("data-count"))


def test_browser_takes_masters_that_only_redirect_for_trackers_and_stores_never(visit):
    assert {community.master for community in PURGED} <= visit.bounced
    assert visit.bounced.isdisjoint(store for community in (LANDED, *PURGED) for store in community.stores)


def test_without_a_cure_the_shopper_is_another_at_the_next_store(visit, context, communities):
    before, after = PLAIN.stores
    assert ids(context, PLAIN) == {before: visit.ids[PLAIN]}
    assert pieces(visit.page, communities.url(after)) == 0
    assert ids(context, PLAIN)[after] != visit.ids[PLAIN]
    assert pieces(visit.page, communities.url(PLAIN.master)) == 0


def test_store_that_the_shopper_comes_from_vouches_for_them(visit, context, communities):
    before, after = VOUCHED.stores
    assert ids(context, VOUCHED) == {before: visit.ids[VOUCHED]}
    visit.page.goto(communities.url(before, "/about/"))
    visit.page.get_by_role("main").get_by_role("link", name=name_of(after)).click()
    expect(visit.page.get_by_role("heading", name=f"About {name_of(after)}")).to_be_visible()
    assert urlsplit(visit.page.url).hostname == after
    assert ids(context, VOUCHED) == dict.fromkeys(VOUCHED.stores, visit.ids[VOUCHED])
    assert pieces(visit.page, visit.page.url) == 1


def test_click_where_the_first_addition_lands_keeps_the_masters_cookie(visit, context, communities):
    before, after = LANDED.stores
    assert ids(context, LANDED) == dict.fromkeys((LANDED.master, before), visit.ids[LANDED])
    assert pieces(visit.page, communities.url(after)) == 1
    assert ids(context, LANDED) == dict.fromkeys((LANDED.master, *LANDED.stores), visit.ids[LANDED])


def test_link_to_the_checkout_tells_the_master_who_comes(visit, context, communities):
    """The master makes an id of its own and takes over what the shopper had; the stores learn of it when asked next."""
    before, after = HEALED.stores
    assert ids(context, HEALED) == {before: visit.ids[HEALED]}
    assert pieces(visit.page, communities.url(after)) == 0
    visit.page.goto(communities.url(before, "/cart/"))
    visit.page.locator(".cart-sum").get_by_text("Check out", exact=True).click()
    expect(visit.page.get_by_label("E-mail")).to_be_visible()
    assert visit.page.url == communities.url(HEALED.master, "/checkout/")
    for host in (HEALED.master, before, after):
        assert pieces(visit.page, communities.url(host)) == 1
    assert len(set(ids(context, HEALED).values())) == 1


def test_store_that_asks_the_master_again_after_an_hour_joins_the_two(visit, context, communities):
    before, after = RESYNCED.stores
    assert ids(context, RESYNCED) == {before: visit.ids[RESYNCED]}
    assert pieces(visit.page, communities.url(after)) == 0
    grow_old(context, communities.url(before), RESYNCED, visit.ids[RESYNCED], 2 * HOUR)
    for host in (before, after, RESYNCED.master):
        assert pieces(visit.page, communities.url(host)) == 1
    assert len(set(ids(context, RESYNCED).values())) == 1


def grow_old(context, url: str, community, mall_id: str, seconds: float) -> None:
    """Give a store's cookie the time of issue that it would have if it had been here for so long."""
    host = urlsplit(url).hostname
    member = Member(host, 0, 0, community.slug, "", community.slug, community.master)
    value = cookies.seal(member, mall_id, now=time.time() - seconds)
    kept = next(cookie for cookie in context.cookies(url) if cookie["name"] == community.cookie)
    context.add_cookies([kept | {"value": value}])

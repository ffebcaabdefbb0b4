"""A browser clears the master's cookie (bounce tracking mitigation): each cure alone keeps one shopper, none forks."""

import time

import pytest
import time_machine

from sessions_farm.communities.handoff import fingerprint
from sessions_farm.communities.identity.mall_ids import is_local
from sessions_farm.communities.models import Community
from sessions_farm.communities.tests.support.walking import (
    COOKIE,
    MALL,
    A,
    B,
    go,
    gone,
    id_in,
    lines_of,
    mall_of,
    sign_in,
    with_changed,
)
from sessions_farm.session import ids
from sessions_farm.stores import current_store
from sessions_farm.stores.base import now_ms
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.testing.browser import BrowserClient

pytestmark = pytest.mark.usefixtures("walking_mall")

NO_CURE = {"peer_authority": False, "first_add_landing": False, "checkout_healing": False, "resync_hours": 0}


@pytest.fixture(autouse=True)
def _no_cure(walking_mall):
    with_cures()


def with_cures(**cures):
    Community.objects.filter(slug="mall").update(**(NO_CURE | cures))


def purged():
    """A shopper with a spade from the first store, whose master's cookie a browser has cleared; and their id."""
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    browser.post("/add", {"line": "spade"})
    browser.cookies.clear("mall.test")
    return browser, mall_of(browser).id


def to_checkout(browser):
    """By the button of the store's page; the mark goes along, and no ticket that would bring the lines otherwise."""
    browser.click(fingerprint.with_fingerprint(f"{MALL}/cart", mall_of(browser)))


def test_without_a_cure_the_shopper_forks_and_the_lines_are_not_at_the_checkout():
    browser, known = purged()
    to_checkout(browser)
    assert lines_of(browser) == []
    assert mall_of(browser).id != known
    browser.get(f"{B}/p/y")
    assert lines_of(browser) == []


def test_peer_authority_keeps_the_id_from_store_to_store():
    with_cures(peer_authority=True)
    browser, known = purged()
    browser.click(f"{B}/p/y")

    assert [hop.host for hop in browser.hops] == ["b.test", "a.test", "b.test", "b.test"]
    assert (mall_of(browser).id, lines_of(browser)) == (known, ["spade"])


def test_peer_authority_keeps_the_lines_at_the_master():
    with_cures(peer_authority=True)
    browser, _ = purged()
    browser.click(f"{MALL}/cart")

    assert [hop.host for hop in browser.hops] == ["mall.test", "a.test", "mall.test", "mall.test"]
    assert lines_of(browser) == ["spade"]
    assert_one_id(browser)


def test_checkouts_mark_heals_the_fork_with_three_redirects():
    with_cures(checkout_healing=True)
    browser, _ = purged()
    to_checkout(browser)

    assert [hop.host for hop in browser.hops] == ["mall.test", "a.test", "mall.test", "mall.test"]
    assert browser.redirects == 3
    assert browser.url == f"{MALL}/cart"
    assert lines_of(browser) == ["spade"]
    assert_one_id(browser)


def test_button_of_a_store_heals_by_its_mark_and_the_ticket_brings_nothing_twice():
    with_cures(checkout_healing=True)
    browser, _ = purged()
    browser.get(f"{A}/cart")
    browser.post("/to-mall")

    assert [hop.host for hop in browser.hops] == [
        "a.test",
        "mall.test",
        "a.test",
        "mall.test",
        "mall.test",
        "mall.test",
    ]
    assert lines_of(browser) == ["spade"]
    assert_one_id(browser)


def test_checkouts_mark_heals_where_the_master_knows_another_id():
    with_cures(checkout_healing=True)
    browser, known = purged()
    browser.get(f"{B}/p/y")  # typed: the fork
    browser.post("/add", {"line": "rake"})
    other = mall_of(browser).id
    assert other != known
    browser.get(f"{A}/p/x")
    to_checkout(browser)

    assert browser.redirects == 3
    assert sorted(lines_of(browser)) == ["rake", "spade"]
    assert mall_of(browser).id == other
    assert_one_id(browser)


def test_checkouts_mark_costs_no_redirect_where_the_ids_are_one():
    with_cures(checkout_healing=True)
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    to_checkout(browser)

    assert browser.redirects == 0
    assert "_mall=fp." in browser.url


def test_checkouts_mark_heals_without_a_referer_too():
    with_cures(checkout_healing=True)
    browser, _ = purged()
    browser.get(
        fingerprint.with_fingerprint(f"{MALL}/cart?x=1", mall_of(browser))
    )  # as a browser that tells no Referer

    assert browser.url == f"{MALL}/cart?x=1"
    assert lines_of(browser) == ["spade"]


def test_checkouts_mark_brings_what_was_gathered_on_a_host_alone():
    with_cures(checkout_healing=True)
    Community.objects.filter(slug="mall").update(handoff_policy="lazy")
    browser = BrowserClient()
    browser.get(f"{MALL}/")
    browser.get(f"{A}/p/x", **{"Sec-Fetch-Mode": None})
    browser.post("/add", {"line": "spade"}, **{"Sec-Fetch-Mode": None})
    assert mall_of(browser).is_local
    to_checkout(browser)

    assert lines_of(browser) == ["spade"]
    assert not is_local(mall_of(browser).id)


def test_resync_heals_the_fork_at_the_next_visit():
    with_cures(resync_hours=24)
    browser, known = purged()
    browser.get(f"{B}/p/y")
    other = mall_of(browser).id
    browser.get(f"{A}/p/z")
    assert (browser.redirects, mall_of(browser).id) == (0, known)  # not yet
    with later(hours=25):
        browser.get(f"{A}/p/z")
        assert (browser.redirects, mall_of(browser).id) == (3, other)
        assert lines_of(browser) == ["spade"]
        browser.get(f"{A}/")
        assert browser.redirects == 0
        browser.get(f"{MALL}/cart")
        assert lines_of(browser) == ["spade"]


def test_resync_asks_for_pages_only_and_leaves_who_is_signed_in_alone():
    with_cures(resync_hours=24)
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    with later(hours=25):
        assert browser.get(f"{A}/p/y", **{"Sec-Purpose": "prefetch"}).status_code == 200
        htmx = {"HX-Request": "true", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
        assert "HX-Refresh" not in browser.get(f"{A}/p/y", **htmx)
    browser.get(f"{MALL}/")
    sign_in(browser)
    browser.get(f"{A}/p/x")
    browser.cookies.clear("mall.test")
    with later(hours=25):
        browser.get(f"{A}/p/x")
        assert browser.redirects == 0
        assert mall_of(browser).signed_in


def test_purge_of_every_host_but_one_heals_from_that_one():
    with_cures(checkout_healing=True, peer_authority=True)
    browser, _ = purged()
    browser.click(f"{B}/p/y")
    browser.post("/add", {"line": "rake"})
    browser.cookies.put("a.test", gone(COOKIE))
    to_checkout(browser)

    assert sorted(lines_of(browser)) == ["rake", "spade"]
    assert_one_id(browser)


FORGED = [
    "fp.AAAAAAAAAAAAAAAA.evil.test", "fp.AAAAAAAAAAAAAAAA.c.test", "fp.AAAAAAAAAAAAAAAA.mall.test", "fp.x.a.test",
    "fp.AAAAAAAAAAAAAAAA.", "fp.AAAAAAAAAAAAAAAA.a.test%2f@evil.test", "fp.AAAAAAAAAAAAAAAA.A.TEST",
]  # fmt: skip


@pytest.mark.parametrize("mark", FORGED)
def test_mark_of_no_store_of_the_community_leads_nowhere(mark):
    with_cures(checkout_healing=True)
    browser = BrowserClient()
    browser.get(f"{MALL}/cart?_mall={mark}")

    assert browser.redirects == 0


def test_forged_mark_of_a_store_asks_this_very_browser_and_ends():
    with_cures(checkout_healing=True)
    browser, stranger = BrowserClient(), BrowserClient()
    browser.get(f"{MALL}/")
    browser.post("/add", {"line": "spade"})
    stranger.get(f"{A}/p/x")
    stranger.post("/add", {"line": "bomb"})
    known = mall_of(browser).id
    browser.get(fingerprint.with_fingerprint(f"{MALL}/cart", mall_of(stranger)))  # a link that a stranger sent

    assert browser.redirects <= 4
    assert (mall_of(browser).id, lines_of(browser)) == (known, ["spade"])


def test_mark_heals_nothing_where_the_community_switched_it_off():
    with_cures(checkout_healing=True)
    browser, known = purged()
    marked = fingerprint.with_fingerprint(f"{MALL}/cart", mall_of(browser))
    with_cures()
    browser.get(marked)

    assert {hop.host for hop in browser.hops} == {"mall.test"}
    assert lines_of(browser) == []
    assert mall_of(browser).id != known


def healing_under_way():
    """A browser that the master sent to a store to ask, as the master knows it under another id; and the answer."""
    with_cures(checkout_healing=True)
    browser, _ = purged()
    browser.get(f"{MALL}/")
    browser.post("/add", {"line": "rake"})
    question = go(browser, fingerprint.with_fingerprint(f"{MALL}/cart", known_at(browser, A)))["Location"]
    return browser, go(browser, question)["Location"]


def known_at(browser, store):
    twin = browser.twin()
    twin.get(f"{store}/p/x")
    return mall_of(twin)


@pytest.mark.parametrize("code", ["kept", None], ids=["with a code", "without one"])
def test_sign_in_on_the_master_is_not_undone_by_a_hand_off_that_was_under_way(code):
    browser, answer = healing_under_way()
    late = browser.twin()  # its request left before the sign-in's answer came
    sign_in(browser)
    response = go(late, answer if code else with_changed(answer, code=None))

    assert response.status_code == 303
    assert COOKIE not in response.cookies
    browser.get(f"{MALL}/cart")
    assert mall_of(browser).signed_in


def test_id_that_ended_while_it_was_asked_for_is_not_taken_over():
    browser, answer = healing_under_way()
    store_id = id_in(browser, "a.test")
    run_sync(current_store().delete(ids.digest(store_id), "logged_out", now_ms()))
    browser.get(answer)

    assert lines_of(browser) == ["rake"]


def test_control_id_that_goes_on_is_taken_over():
    browser, answer = healing_under_way()
    browser.get(answer)
    assert sorted(lines_of(browser)) == ["rake", "spade"]


def test_mark_opens_nothing():
    browser = BrowserClient()
    with_cures(checkout_healing=True)
    browser.get(f"{A}/p/x")
    url = fingerprint.with_fingerprint(f"{MALL}/cart", mall_of(browser))

    assert mall_of(browser).id not in url
    assert mall_of(browser).key_hash[:12] not in url


def test_mark_is_in_no_link_of_who_has_no_id_or_is_on_the_master():
    with_cures(checkout_healing=True)
    browser = BrowserClient()
    browser.get(f"{A}/", **{"Sec-Fetch-Mode": None})
    assert fingerprint.with_fingerprint(f"{MALL}/cart", mall_of(browser)) == f"{MALL}/cart"
    browser.get(f"{MALL}/")
    assert fingerprint.with_fingerprint("/cart", mall_of(browser)) == "/cart"


def assert_one_id(browser):
    """Whatever host is opened next, it is the same shopper."""
    ids = set()
    for host in (A, B, MALL, A):
        browser.get(f"{host}/p/z")
        ids.add(mall_of(browser).id)
    assert len(ids) == 1


def later(**duration):
    seconds = duration["hours"] * 3600
    return time_machine.travel(time.time() + seconds, tick=True)

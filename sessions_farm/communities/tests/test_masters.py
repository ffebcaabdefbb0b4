"""Another host becomes the master: in two steps, and nobody's id or cart is lost on the way."""

import datetime

import pytest
from django.utils import timezone

from sessions_farm.communities.errors import MasterCandidateError
from sessions_farm.communities.handoff.circuit_breakers import FAILED_PROBES, breaker_of
from sessions_farm.communities.identity.mall_ids import is_local
from sessions_farm.communities.masters import (
    announce_master,
    change_master,
    forget_former_master,
    withdraw_announcement,
)
from sessions_farm.communities.models import Community, Domain
from sessions_farm.communities.tests.support.walking import MALL, A, lines_of, mall_of
from sessions_farm.testing.browser import BrowserClient

NEW = "https://b.test"

pytestmark = pytest.mark.usefixtures("walking_mall")


@pytest.fixture
def mall(two_communities):
    return two_communities.mall


def domain(host):
    return Domain.objects.get(host=host)


def move(mall, now=None):
    announce_master(community=mall, domain=domain("b.test"))
    change_master(community=mall, now=now or timezone.now())


def test_announcement_changes_nothing_for_shoppers(mall):
    announce_master(community=mall, domain=domain("b.test"))
    browser = BrowserClient()
    browser.get(f"{A}/")

    assert browser.hops[1].host == "mall.test"
    withdraw_announcement(community=mall)
    with pytest.raises(MasterCandidateError, match="No successor"):
        change_master(community=mall, now=timezone.now())


@pytest.mark.parametrize("host", ["mall.test", "shops.test", "c.test", "waiting.test", "alias.test"])
def test_master_must_be_a_served_host_of_the_community(mall, host):
    Domain.objects.create(community=mall, host="waiting.test")
    Domain.objects.create(community=mall, host="alias.test", canonical=domain("a.test"), status="active")
    with pytest.raises(MasterCandidateError):
        announce_master(community=mall, domain=domain(host))


def test_successor_that_was_suspended_meanwhile_does_not_take_over(mall):
    announce_master(community=mall, domain=domain("b.test"))
    Domain.objects.filter(host="b.test").update(status="suspended")

    with pytest.raises(MasterCandidateError, match="not served"):
        change_master(community=mall, now=timezone.now())
    assert Community.objects.get(pk=mall.pk).master.host == "mall.test"


def shopper_with_a_spade():
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    browser.post("/add", {"line": "spade"})
    return browser, mall_of(browser).id


def test_known_shopper_keeps_the_id_on_the_new_master(mall):
    browser, known = shopper_with_a_spade()
    move(mall)
    browser.get(f"{NEW}/cart")

    assert [hop.host for hop in browser.hops] == ["b.test", "mall.test", "b.test", "b.test"]
    assert (mall_of(browser).id, lines_of(browser)) == (known, ["spade"])
    browser.get(f"{NEW}/")
    assert browser.redirects == 0


def test_known_shopper_keeps_the_id_on_a_store_visited_first_since(mall):
    browser, known = shopper_with_a_spade()
    move(mall)
    browser.get("https://x.shops.test/")

    assert [hop.host for hop in browser.hops] == ["x.shops.test", "b.test", "mall.test", "x.shops.test", "x.shops.test"]
    assert (mall_of(browser).id, lines_of(browser)) == (known, ["spade"])
    browser.get(f"{NEW}/cart")
    assert mall_of(browser).id == known


def test_new_shopper_gets_one_id_of_the_new_master(mall):
    move(mall)
    browser = BrowserClient()
    browser.get(f"{A}/")
    assert [hop.host for hop in browser.hops] == ["a.test", "b.test", "mall.test", "b.test", "a.test", "a.test"]
    known = mall_of(browser).id
    assert not is_local(known)
    for address in (f"{NEW}/", f"{MALL}/", "https://x.shops.test/"):
        browser.get(address)
        assert mall_of(browser).id == known


def test_former_master_is_asked_no_more_after_its_time(mall):
    browser, known = shopper_with_a_spade()
    move(mall, now=timezone.now() - datetime.timedelta(days=31))
    fresh = BrowserClient()
    fresh.get(f"{A}/")
    assert [hop.host for hop in fresh.hops] == ["a.test", "b.test", "a.test", "a.test"]
    browser.get(f"{NEW}/")
    assert mall_of(browser).id != known


def test_former_master_that_is_forgotten_is_asked_no_more(mall):
    move(mall)
    forget_former_master(community=mall)
    browser = BrowserClient()
    browser.get(f"{NEW}/")

    assert browser.redirects == 0


@pytest.mark.parametrize("change", [{"status": "suspended"}, {"canonical": "b.test"}], ids=["suspended", "alias"])
def test_former_master_that_serves_no_pages_is_not_asked(mall, change):
    move(mall)
    change = {name: domain(value) if name == "canonical" else value for name, value in change.items()}
    Domain.objects.filter(host="mall.test").update(**change)
    browser = BrowserClient()
    for address in (f"{NEW}/", f"{A}/"):
        browser.get(address)
        assert browser.response.status_code == 200
        assert "mall.test" not in {hop.host for hop in browser.hops}


def test_silent_former_master_is_not_asked(mall):
    move(mall)
    breaker_of("mall.test").record_probe(answered=True)
    for _ in range(FAILED_PROBES):
        breaker_of("mall.test").record_probe(answered=False)
    browser = BrowserClient()
    browser.get(f"{A}/")

    assert [hop.host for hop in browser.hops] == ["a.test", "b.test", "a.test", "a.test"]


def test_former_master_answers_only_while_it_is_one(mall):
    """After its time it is a member like any other: a question that was for somebody else is none of its business."""
    move(mall)
    browser = BrowserClient()
    browser.get(f"{A}/")
    question = browser.hops[2].url
    assert question.startswith(f"{MALL}/.mall/authorize?")
    forget_former_master(community=mall)

    assert browser.get(question).status_code == 400


def test_worst_walk_after_a_change_ends_within_nine_redirects(mall):
    move(mall)
    for refused in (("__Host-Http-mall",), ("__Host-Http-mall-hs",), ("__Host-Http-mall-nc",)):
        browser = BrowserClient()
        browser.cookies.refuses = refused
        for path in ("/p/x", "/p/y"):
            assert browser.get(f"{A}{path}").status_code == 200
            assert browser.redirects <= 9
            assert browser.get(f"{NEW}{path}").status_code == 200
            assert browser.redirects <= 9


def test_change_back_is_the_same_two_steps(mall):
    browser, known = shopper_with_a_spade()
    move(mall)
    browser.get(f"{NEW}/cart")
    announce_master(community=mall, domain=domain("mall.test"))
    change_master(community=mall, now=timezone.now())
    browser.get(f"{MALL}/cart")

    assert (mall_of(browser).id, lines_of(browser)) == (known, ["spade"])

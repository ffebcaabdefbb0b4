"""Floods, planted ids and their limits: what an attacker gains by persistence, beside what it would be without."""

import pytest

from sessions_farm.communities.models import Community, Domain, Visitor
from sessions_farm.communities.registry import registry
from sessions_farm.communities.tests.support.walking import (
    COOKIE,
    MALL,
    A,
    B,
    asked,
    go,
    has_session,
    lines_of,
    mall_of,
    sign_in,
    with_changed,
)
from sessions_farm.models import OneUseCode, Session
from sessions_farm.testing.browser import BrowserClient

pytestmark = pytest.mark.usefixtures("walking_mall")


def cookie_of(browser, host):
    return browser.jar(host)[COOKIE]


def planted(attacker, host="mall.test"):
    """A victim in whose browser the attacker's own cookie of that host was put, past every rule of browsers."""
    victim = BrowserClient()
    victim.plant(host, COOKIE, cookie_of(attacker, host))
    return victim


def test_planted_id_does_what_its_planter_does_until_a_login():
    """The control: without a login, one id is one visitor."""
    attacker = BrowserClient()
    attacker.get(f"{MALL}/")
    victim = planted(attacker)
    victim.get(f"{MALL}/")
    victim.post("/add", {"line": "spade"})
    attacker.get(f"{MALL}/")
    assert lines_of(attacker) == ["spade"]


def test_planted_id_is_worth_nothing_after_a_login():
    attacker = BrowserClient()
    attacker.get(f"{MALL}/")
    attacker.get(f"{A}/")
    victim = planted(attacker)
    sign_in(victim)
    assert mall_of(victim).id != mall_of(attacker).id
    for address in (f"{MALL}/", f"{A}/", f"{B}/"):
        attacker.get(address)
        assert not mall_of(attacker).signed_in
        assert mall_of(attacker).id != mall_of(victim).id


def test_rotated_id_is_never_forwarded_to_another_host():
    browser = BrowserClient()
    browser.get(f"{MALL}/")
    old = cookie_of(browser, "mall.test")
    sign_in(browser)
    thief = BrowserClient()
    thief.plant("mall.test", COOKIE, old)
    thief.get(f"{A}/")

    assert mall_of(thief).id is None  # the master hands on no id in the grace of its rotation
    assert mall_of(browser).id
    assert not mall_of(thief).signed_in


def test_logout_on_the_master_is_a_logout_everywhere():
    browser = BrowserClient()
    browser.get(f"{MALL}/")
    sign_in(browser)
    browser.get(f"{A}/")
    kept = cookie_of(browser, "a.test")
    assert mall_of(browser).signed_in
    browser.get(f"{MALL}/")
    browser.response.wsgi_request.session.flush()
    thief = BrowserClient()
    thief.plant("a.test", COOKIE, kept)
    for one in (browser, thief):
        one.get(f"{A}/p/x", **{"Sec-Fetch-Mode": None})
        assert not mall_of(one).signed_in
        assert mall_of(one).id is None


def test_flood_of_questions_keeps_little_and_soon_nothing(limited):
    limited(30)
    attacker = BrowserClient()
    question = asked(attacker)
    answers = [go(attacker, question, **{"User-Agent": f"other/{number}"})["Location"] for number in range(200)]

    assert sum("code=" in answer for answer in answers) == 30
    assert OneUseCode.objects.count() == 30
    assert (Session.objects.count(), Visitor.objects.count()) == (0, 0)
    assert answers[-1] == f"{A}/p/x?_mall=nc"
    other = BrowserClient()
    other.get(f"{A}/")
    assert has_session(other)  # another network is not held up


def test_flood_of_questions_unbounded_would_keep_them_all():
    attacker = BrowserClient()
    question = asked(attacker)
    for _ in range(200):
        go(attacker, question)
    assert OneUseCode.objects.count() == 200


def test_flood_of_names_at_the_certificate_question_costs_no_query(settings, django_assert_num_queries):
    settings.OPS_TOKEN = "t0ken"
    registry.refresh()
    client = BrowserClient()
    with django_assert_num_queries(0):
        statuses = {
            client.get(f"{MALL}/.mall/ask?token=t0ken&domain=x{number}.evil.test").status_code for number in range(500)
        }
    assert statuses == {404}


def test_suspended_domain_gets_no_certificate_no_page_and_no_code(settings):
    settings.OPS_TOKEN = "t0ken"
    browser = BrowserClient()
    question = asked(browser)
    Domain.objects.filter(host="a.test").update(status="suspended")

    assert browser.get(f"{MALL}/.mall/ask?token=t0ken&domain=a.test").status_code == 404
    assert browser.get(f"{A}/").status_code == 421
    assert go(browser, question).status_code == 400


def test_id_planted_on_a_store_reaches_others_only_where_stores_may_vouch():
    """What is left of attack 25: a script on one store cannot set the cookie where browsers know its prefix."""
    attacker = BrowserClient()
    attacker.get(f"{A}/")
    victim = planted(attacker, "a.test")
    victim.get(f"{A}/")
    victim.click(f"{B}/")
    assert mall_of(victim).id == mall_of(attacker).id
    victim = planted(attacker, "a.test")
    victim.get(f"{A}/")
    Community.objects.filter(slug="mall").update(peer_authority=False)
    victim.click(f"{B}/")
    assert mall_of(victim).id != mall_of(attacker).id


def test_id_planted_on_a_store_never_becomes_the_masters():
    attacker = BrowserClient()
    attacker.get(f"{A}/")
    victim = planted(attacker, "a.test")
    victim.get(f"{A}/")
    victim.click(f"{MALL}/cart")

    assert mall_of(victim).id != mall_of(attacker).id
    attacker.get(f"{A}/", **{"Sec-Fetch-Mode": None})
    assert mall_of(attacker).id is None  # it ended when the master took over what it led to


def test_masters_parameter_for_former_masters_changes_nothing_without_one():
    browser = BrowserClient()
    for value in ("0", "1", "https://evil.test"):
        answer = go(browser, with_changed(asked(browser), former=value))
        assert answer["Location"].startswith(f"{A}/.mall/finish?")

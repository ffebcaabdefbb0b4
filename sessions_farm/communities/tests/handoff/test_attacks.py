"""Attacks on the code of a hand-off that must not work, each beside the legitimate way that does."""

import dataclasses
import time
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.http import HttpRequest

from sessions_farm.communities.handoff import codes, verifier
from sessions_farm.communities.handoff.state import HandoffState
from sessions_farm.communities.registry import registry
from sessions_farm.communities.tests.support.walking import (
    COOKIE,
    A,
    B,
    answered,
    asked,
    go,
    gone,
    has_session,
    with_changed,
)
from sessions_farm.stores import current_store
from sessions_farm.testing.browser import BrowserClient

pytestmark = pytest.mark.usefixtures("walking_mall")


def test_finish_gives_the_session():
    browser = BrowserClient()
    go(browser, answered(browser))
    assert has_session(browser)


def test_code_works_once():
    browser = BrowserClient()
    url = answered(browser)
    assert go(browser, url).status_code == 303
    browser.cookies.put("a.test", gone(COOKIE))
    go(browser, url)

    assert not has_session(browser)


def test_finish_retried_after_a_node_died_still_ends_with_a_session():
    browser = BrowserClient()
    url = answered(browser)
    codes.redeem_code(current_store(), parse_qs(urlsplit(url).query)["code"][0])  # the node that took it died
    browser.get(url)

    assert [hop.status for hop in browser.hops] == [302, 302, 303, 200]  # and the two before: five in all
    assert has_session(browser)


def test_attackers_callback_in_a_victims_browser_gives_nothing():
    attacker = BrowserClient()
    url = answered(attacker)
    victim = BrowserClient()
    victim.get(url)
    assert not has_session(victim)

    url = answered(attacker)
    asked(victim)  # a verifier of their own
    go(victim, url)
    assert not has_session(victim)


def test_attackers_code_in_the_victims_own_state_gives_nothing():
    attacker, victim = BrowserClient(), BrowserClient()
    code = parse_qs(urlsplit(answered(attacker)).query)["code"][0]
    go(victim, with_changed(answered(victim), code=code))

    assert not has_session(victim)


def test_stolen_callback_without_the_verifier_gives_nothing_and_spends_nothing():
    owner, thief = BrowserClient(), BrowserClient()
    url = answered(owner)
    thief.get(url)
    assert not has_session(thief)
    go(owner, url)
    assert has_session(owner)


def test_stolen_callback_with_a_verifier_of_ones_own_gives_nothing_and_spends_nothing():
    owner, thief = BrowserClient(), BrowserClient()
    url = answered(owner)
    asked(thief)
    go(thief, url)
    assert not has_session(thief)
    go(owner, url)
    assert has_session(owner)


def test_code_for_one_host_is_nothing_on_another():
    browser = BrowserClient()
    for_b = answered(browser, B)
    for_a = answered(browser, A)
    code = parse_qs(urlsplit(for_b).query)["code"][0]
    go(browser, with_changed(for_a, code=code))
    assert not has_session(browser)

    url = for_b.replace("b.test", "a.test", 1)
    assert go(browser, url).status_code == 400
    assert not has_session(browser)


def finish_with_grant(browser, iss="mall.test", age=0, **changes):
    """Bring a code whose grant is all right for this browser but for the changes: each check must hold by itself."""
    url, here = answered(browser), registry.resolve("a.test")
    challenge = verifier.verifier_in(with_cookies(browser), here).challenge
    state = HandoffState("/p/x", 0, challenge[:16], "mall.test").seal(here, time.time() - age)
    right = codes.Grant("mall", "i" * 32, "a.test", challenge, "mall.test")
    code = codes.issue_code(current_store(), dataclasses.replace(right, **changes))
    go(browser, with_changed(url, code=code, iss=iss, state=state))
    return has_session(browser)


def with_cookies(browser, host="a.test"):
    request = HttpRequest()
    request.COOKIES = browser.jar(host)
    return request


def test_grant_that_fits_gives_the_session():
    assert finish_with_grant(BrowserClient())


@pytest.mark.parametrize(
    "changes",
    [
        {"community": "fair"},
        {"client": "b.test"},
        {"challenge": "c" * 43},
        {"issuer": "b.test"},
        {"issuer": "b.test", "iss": "b.test"},
        {"age": 130},
    ],
    ids=str,
)
def test_grant_that_differs_in_one_thing_gives_nothing(changes):
    assert not finish_with_grant(BrowserClient(), **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "x"}, {"code": None}, {"state": "x"}, {"state": None}, {"iss": None}, {"iss": "evil.test"},
        {"iss": "b.test"}, {"iss": "fair.test"},
    ],
    ids=str,
)  # fmt: skip
def test_finish_with_anything_changed_gives_nothing(changes):
    browser = BrowserClient()
    go(browser, with_changed(answered(browser), **changes))

    assert not has_session(browser)


def test_finish_too_late_gives_nothing_but_asks_again(time_machine_at):
    browser = BrowserClient()
    url = answered(browser)
    time_machine_at(130)
    response = go(browser, url)

    assert not has_session(browser)
    assert response.status_code in {302, 303}


def test_code_too_late_gives_nothing(time_machine_at):
    browser = BrowserClient()
    url = answered(browser)
    time_machine_at(61)
    go(browser, url)

    assert not has_session(browser)


@pytest.fixture
def time_machine_at():
    travellers = []

    def move(seconds):
        traveller = time_machine.travel(time.time() + seconds, tick=True)
        traveller.start()
        travellers.append(traveller)

    yield move
    for traveller in travellers:
        traveller.stop()

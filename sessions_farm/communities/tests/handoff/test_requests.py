"""Forged questions, addresses and requests: a hand-off leads to no stranger and does nothing unseen."""

from urllib.parse import urlsplit

import pytest

from sessions_farm.communities.models import Domain
from sessions_farm.communities.tests.support.walking import (
    MALL,
    A,
    B,
    answered,
    asked,
    go,
    has_session,
    with_changed,
)
from sessions_farm.testing.browser import BrowserClient, Step

pytestmark = pytest.mark.usefixtures("walking_mall")


MEMBERS = [
    "evil.test", "https://evil.test", "//evil.test", "a.test@evil.test", "a.test:443@evil.test", "evil.test/a.test",
    "a.test.evil.test", "a.test/", "a.test\\evil.test", "a.test%2eevil.test", "", "A.TEST", "mall.test",
    "c.test", "a.test\r\nLocation: https://evil.test",
]  # fmt: skip


@pytest.mark.parametrize("member", MEMBERS)
def test_authorize_sends_nobody_to_a_stranger(member):
    browser = BrowserClient()
    response = go(browser, with_changed(asked(browser), m=member))

    assert response.status_code == 400
    assert "Location" not in response


@pytest.mark.parametrize(
    "changes",
    [{"ch": "x" * 43}, {"ch": "x"}, {"ch": None}, {"st": "x"}, {"st": None}, {"m": "b.test"}, {"m": "x.shops.test"}],
    ids=str,
)
def test_authorize_with_anything_changed_is_refused(changes):
    browser = BrowserClient()

    assert go(browser, with_changed(asked(browser), **changes)).status_code == 400


def test_authorize_of_another_community_is_refused():
    browser = BrowserClient()
    for host in ("fair.test", "c.test"):
        assert go(browser, asked(browser).replace("mall.test", host, 1)).status_code == 400


def test_masters_own_question_is_not_answered_by_itself():
    browser = BrowserClient()
    question = go(browser, f"{MALL}/p/x", Referer=f"{A}/")["Location"]
    assert question.startswith(f"{A}/.mall/authorize?m=mall.test&")

    assert go(browser, question.replace("a.test", "mall.test", 1)).status_code == 400


def test_question_for_one_peer_is_not_answered_by_another():
    browser = BrowserClient()
    browser.get(f"{B}/")
    question = asked(browser, A)  # for the master

    assert go(browser, question.replace("mall.test", "b.test", 1)).status_code == 400


PATHS = [
    "//evil.test/", "/\\evil.test/", "/%5Cevil.test/", "/%2F%2Fevil.test", "/%09/evil.test",
    "/%0d%0aLocation:%20//evil.test", "/https://evil.test", "/@evil.test", "/.mall/finish?code=x", "/p/x?next=https://evil.test",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_a_walk_from_any_path_ends_on_its_host(path):
    browser = BrowserClient()
    browser.get(f"{A}{path}")

    assert {hop.host for hop in browser.hops} <= {"a.test", "mall.test"}
    assert browser.hops[-1].host == "a.test"
    for hop in browser.hops[:-1]:
        assert urlsplit(hop.response["Location"]).hostname in {None, "a.test", "mall.test"}


UNSEEN = {
    "frame": {"Sec-Fetch-Dest": "iframe"},
    "image": {"Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"},
    "fetch": {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"},
    "prefetch": {"Sec-Purpose": "prefetch"},
}


@pytest.mark.parametrize("headers", UNSEEN.values(), ids=UNSEEN)
def test_endpoints_do_nothing_unseen_and_the_code_survives(headers):
    browser = BrowserClient()
    assert go(browser, asked(browser), **headers).status_code == 400
    url = answered(browser)
    assert go(browser, url, **headers).status_code == 400
    assert not has_session(browser)
    go(browser, url)
    assert has_session(browser)


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "OPTIONS"])
def test_endpoints_take_get_only(method):
    browser = BrowserClient()
    browser._client.handler.enforce_csrf_checks = False
    url = answered(browser)
    assert browser.request(Step(method, asked(browser), "", "none"), {"Origin": MALL}).status_code == 405
    assert browser.request(Step(method, url, "", "none"), {"Origin": A}).status_code == 405
    go(browser, url)
    assert has_session(browser)


def test_post_from_a_sibling_store_is_refused():
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    token = browser._csrf()
    browser.get(f"{B}/p/y")
    browser.url = f"{A}/p/x"
    step = browser._from_page("POST", f"{B}/add")
    step.data = token | {"line": "spade"}

    assert browser.request(step, {"Origin": A}).status_code == 403


def test_suspended_domain_is_out_at_once():
    browser = BrowserClient()
    question = asked(browser)
    Domain.objects.filter(host="a.test").update(status="suspended")

    assert go(browser, question).status_code == 400
    assert go(browser, f"{A}/p/x").status_code == 421

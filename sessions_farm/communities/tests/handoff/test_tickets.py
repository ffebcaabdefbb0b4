"""Tickets: the till finds the cart of every browser, and a ticket is good for nothing else."""

import datetime
import re

import pytest
import time_machine
from django.utils import timezone

from sessions_farm.communities.handoff import codes, paths
from sessions_farm.communities.handoff.circuit_breakers import breaker_of
from sessions_farm.communities.handoff.errors import HandoffRefusedError
from sessions_farm.communities.models import Community, Visitor
from sessions_farm.communities.tests.support.walking import (
    COOKIE,
    ELDERLY,
    MALL,
    SILENT,
    A,
    B,
    go,
    id_in,
    lines_of,
    mall_of,
    sign_in,
)
from sessions_farm.models import OneUseCode
from sessions_farm.stores import current_store
from sessions_farm.testing.browser import BrowserClient

pytestmark = pytest.mark.usefixtures("walking_mall")

TICKET = re.compile(r"[?&]ticket=([A-Za-z0-9_-]+)")


def with_line(browser, line="spade", store=A):
    browser.get(f"{store}/p/x")
    browser.post("/add", {"line": line})
    return browser


def pressed(browser, store=A):
    """The address that the button of a store's page leads to; it is not opened."""
    browser.get(f"{store}/cart")
    token = browser._csrf()
    step = browser._from_page("POST", "/to-mall")
    step.data = token
    return browser.request(step, {"Origin": store})["Location"]


def to_till(browser, store=A):
    browser.get(f"{store}/cart")
    return browser.post("/to-mall")


def pause():
    Community.objects.update(paused_until=timezone.now() + datetime.timedelta(hours=1))


def switch_off():
    Community.objects.update(handoff_policy="off")


def open_breaker():
    for answered in (True, False, False):
        breaker_of("mall.test").record_probe(answered=answered)


def nothing():
    pass


ROBOT = {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}  # a browser that is taken for a robot
EVERY_BROWSER = {
    "modern": (nothing, {}),
    "without Fetch Metadata": (nothing, ELDERLY),
    "says nothing at all": (nothing, SILENT),
    "misnamed telephone": (nothing, {"User-Agent": "Mozilla/5.0 (Linux; Android 10; CUBOT P40) Chrome/130.0 Mobile"}),
    "taken for a robot": (nothing, ROBOT),
    "told to be left alone": (nothing, {"Sec-GPC": "1"}),
    "while hand-offs are paused": (pause, {}),
    "while hand-offs are off": (switch_off, {}),
    "while the breaker is open": (open_breaker, {}),
}


@pytest.mark.parametrize(("prepare", "headers"), EVERY_BROWSER.values(), ids=EVERY_BROWSER)
def test_till_finds_the_lines_of_every_browser(prepare, headers):
    prepare()
    browser = BrowserClient(headers=headers)
    for store, line in ((A, "spade"), (B, "rake")):
        with_line(browser, line, store)
        to_till(browser, store)

    assert browser.url == f"{MALL}/cart"
    assert sorted(lines_of(browser)) == ["rake", "spade"]


def test_control_a_plain_link_leads_an_unknown_browser_to_an_empty_till():
    browser = with_line(BrowserClient(headers=ROBOT))
    browser.click(f"{MALL}/cart")

    assert lines_of(browser) == []


@pytest.mark.parametrize("headers", [ELDERLY, {}], ids=["elderly", "modern"])
def test_browser_that_can_be_led_is_one_visitor_afterwards(headers):
    browser = with_line(BrowserClient(headers=headers))
    browser.cookies.clear("mall.test")
    to_till(browser)

    assert lines_of(browser) == ["spade"]
    browser.get(f"{A}/p/x")
    assert lines_of(browser) == ["spade"]
    assert id_in(browser, "a.test") == id_in(browser, "mall.test")


def test_known_shopper_takes_two_redirects_and_a_clean_address():
    browser = with_line(BrowserClient())
    to_till(browser)

    assert [hop.host for hop in browser.hops] == ["a.test", "mall.test", "mall.test"]
    assert browser.url == f"{MALL}/cart"


def test_ticket_is_in_no_page_and_in_no_referer():
    browser = with_line(BrowserClient())
    browser.get(f"{A}/cart")
    assert "ticket=" not in browser.response.content.decode()
    browser.post("/to-mall")
    arrival = browser.hops[1].response
    assert (arrival["Referrer-Policy"], arrival["Cache-Control"]) == ("no-referrer", "no-store")
    assert "ticket" not in browser.url


def test_logs_have_no_ticket():
    url = pressed(with_line(BrowserClient()))
    code = TICKET.search(url)[1]
    assert len(code) == 43
    assert code not in paths.redact(f"GET {url}")


def test_store_has_a_digest_only():
    url = pressed(with_line(BrowserClient()))
    code = TICKET.search(url)[1]
    rows = list(OneUseCode.objects.values_list())

    assert len(rows) == 1
    assert code not in repr(rows)


def test_ticket_is_good_once():
    url = pressed(with_line(BrowserClient(headers=SILENT)))
    first, second = BrowserClient(headers=SILENT), BrowserClient(headers=SILENT)
    first.get(url)
    with pytest.raises(HandoffRefusedError, match="used before"):
        second.get(url)
    assert lines_of(first) == ["spade"]


@pytest.mark.parametrize(("age", "lines"), [(55, ["spade"]), (65, None)])
def test_ticket_is_good_for_a_minute(age, lines):
    browser = BrowserClient(headers=SILENT)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        url = pressed(with_line(BrowserClient(headers=SILENT)))
        clock.shift(datetime.timedelta(seconds=age))
        if lines is None:
            with pytest.raises(HandoffRefusedError):
                browser.get(url)
        else:
            browser.get(url)
            assert lines_of(browser) == lines


def test_ticket_of_another_community_is_refused():
    browser = with_line(BrowserClient(headers=SILENT))
    url = pressed(browser)
    with pytest.raises(HandoffRefusedError):
        BrowserClient(headers=SILENT).get(url.replace("mall.test", "fair.test"))


def test_ticket_is_no_code_and_a_code_is_no_ticket():
    visitor = with_line(BrowserClient())
    ticket = TICKET.search(pressed(visitor))[1]
    assert codes.redeem_code(current_store(), ticket) is None
    code = codes.issue_code(current_store(), codes.Grant("mall", "i" * 32, "mall.test", "c" * 43, "a.test"))
    with pytest.raises(HandoffRefusedError):
        BrowserClient(headers=SILENT).get(f"{MALL}/arrive?ticket={code}")


def test_ticket_joins_neither_visitors_nor_sessions_nor_ids():
    giver = with_line(BrowserClient(headers=SILENT))
    giver_visitor = mall_of(giver).visitor.pk
    url = pressed(giver)
    taker = BrowserClient(headers=SILENT)
    taker.get(f"{MALL}/")
    taker.post("/add", {"line": "own"})
    taker_visitor, taker_id = mall_of(taker).visitor.pk, id_in(taker, "mall.test")
    taker.get(url)

    assert sorted(lines_of(taker)) == ["own", "spade"]
    assert (mall_of(taker).visitor.pk, id_in(taker, "mall.test")) == (taker_visitor, taker_id)
    assert mall_of(taker).session.get("last") == "own"
    giver.get(f"{A}/cart")
    assert (mall_of(giver).visitor.pk, lines_of(giver)) == (giver_visitor, ["spade"])
    assert Visitor.objects.count() == 2


def test_ticket_of_somebody_signed_in_signs_nobody_in():
    giver = BrowserClient()
    giver.get(f"{MALL}/")
    sign_in(giver)
    with_line(giver)
    taker = BrowserClient(headers=SILENT)
    taker.get(pressed(giver))

    assert not mall_of(taker).signed_in
    assert mall_of(taker).visitor.user_id is None


def test_shopper_without_anything_takes_no_ticket():
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    url = pressed(browser)

    assert "ticket=" not in url
    assert not OneUseCode.objects.exists()
    go(browser, url)


def test_button_on_the_master_leads_to_a_path_of_its_own():
    browser = BrowserClient()
    browser.get(f"{MALL}/")
    browser.post("/add", {"line": "spade"})
    assert pressed(browser, MALL) == "/arrive"


def test_session_cookie_of_the_store_stays():
    browser = with_line(BrowserClient())
    before = browser.jar("a.test")[COOKIE]
    to_till(browser)
    assert browser.jar("a.test")[COOKIE] == before

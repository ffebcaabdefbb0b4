"""Attacks on a hand-off that must not work, each beside the legitimate way that does."""

import contextlib
import dataclasses
import threading
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import time_machine
from django.db import connection
from django.http import HttpRequest, parse_cookie

from sessions_farm.communities import registry
from sessions_farm.cookies import parse
from sessions_farm.handoff import codes, verifier
from sessions_farm.handoff.state import State
from sessions_farm.models import Community, Domain
from sessions_farm.stores import current_store
from sessions_farm.stores.base import StoreUnavailable
from sessions_farm.testing.browser import BrowserClient, Step
from sessions_farm.testing.jar import Cookie
from sessions_farm.tests.stores_fixtures import REDIS_URL, STORES

A, B, MALL = "https://a.test", "https://b.test", "https://mall.test"
COOKIE = "__Host-Http-mall"


def go(browser, url, **headers):
    """One request of a navigation; no redirect followed."""
    return browser.request(Step("GET", url, "", "none"), headers)


def asked(browser, shop=A):
    """The question to the authority, as the browser was sent with it."""
    return go(browser, f"{shop}/p/x")["Location"]


def answered(browser, shop=A):
    """The address that brings the code."""
    return go(browser, asked(browser, shop))["Location"]


def with_changed(url, **changes):
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | changes
    return parts._replace(query=urlencode({k: v for k, v in query.items() if v is not None})).geturl()


def has_session(browser, host="a.test"):
    return COOKIE in browser.jar(host)


def test_finish_gives_the_session(walking_mall):
    browser = BrowserClient()
    go(browser, answered(browser))
    assert has_session(browser)


def test_code_works_once(walking_mall):
    browser = BrowserClient()
    url = answered(browser)
    assert go(browser, url).status_code == 303
    browser.cookies.put("a.test", gone(COOKIE))
    go(browser, url)

    assert not has_session(browser)


def gone(name):
    return Cookie(name, "", expires=0)


def test_finish_retried_after_a_node_died_still_ends_with_a_session(walking_mall):
    browser = BrowserClient()
    url = answered(browser)
    codes.take(current_store(), parse_qs(urlsplit(url).query)["code"][0])  # the node that took it died
    browser.get(url)

    assert [hop.status for hop in browser.hops] == [302, 302, 303, 200]  # and the two before: five in all
    assert has_session(browser)


class ReadThenDelete:
    """A store whose take is two steps, as GET and DEL are: what the race test must be able to see."""

    def __init__(self):
        self.barrier = threading.Barrier(2)
        self.seen = {}

    def put_code(self, digest, payload, ttl):
        self.seen[digest] = payload

    def take_code(self, digest):
        payload = self.seen.get(digest)
        with contextlib.suppress(threading.BrokenBarrierError):
            self.barrier.wait(timeout=0.2)
        self.seen.pop(digest, None)
        return payload


def race(store, contenders=50):
    """How many of so many redeem one code."""
    code = codes.put(store, codes.Grant("mall", "i" * 32, "a.test", "c" * 43, "mall.test"))
    start, winners = threading.Barrier(contenders), []

    def redeem():
        try:
            start.wait()
            if codes.take(store, code):
                winners.append(1)
        finally:
            connection.close()

    threads = [threading.Thread(target=redeem) for _ in range(contenders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(winners)


@pytest.mark.parametrize("name", STORES)
def test_fifty_at_once_redeem_a_code_once(committed_mall, settings, name):
    settings.SESSIONS_FARM = {**settings.SESSIONS_FARM, "STORE": name, "REDIS_URL": REDIS_URL}

    assert race(current_store()) == 1


def test_fifty_at_once_would_redeem_twice_from_a_store_of_two_steps():
    assert race(ReadThenDelete()) > 1


def test_attackers_callback_in_a_victims_browser_gives_nothing(walking_mall):
    attacker = BrowserClient()
    url = answered(attacker)
    victim = BrowserClient()
    victim.get(url)
    assert not has_session(victim)

    url = answered(attacker)
    asked(victim)  # a verifier of their own
    go(victim, url)
    assert not has_session(victim)


def test_attackers_code_in_the_victims_own_state_gives_nothing(walking_mall):
    attacker, victim = BrowserClient(), BrowserClient()
    code = parse_qs(urlsplit(answered(attacker)).query)["code"][0]
    go(victim, with_changed(answered(victim), code=code))

    assert not has_session(victim)


def test_stolen_callback_without_the_verifier_gives_nothing_and_spends_nothing(walking_mall):
    owner, thief = BrowserClient(), BrowserClient()
    url = answered(owner)
    thief.get(url)
    assert not has_session(thief)
    go(owner, url)
    assert has_session(owner)


def test_stolen_callback_with_a_verifier_of_ones_own_gives_nothing_and_spends_nothing(walking_mall):
    owner, thief = BrowserClient(), BrowserClient()
    url = answered(owner)
    asked(thief)
    go(thief, url)
    assert not has_session(thief)
    go(owner, url)
    assert has_session(owner)


def test_code_for_one_host_is_nothing_on_another(walking_mall):
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
    challenge = verifier.read(with_cookies(browser), here).challenge
    state = State("/p/x", 0, challenge[:16], "mall.test").seal(here, time.time() - age)
    right = codes.Grant("mall", "i" * 32, "a.test", challenge, "mall.test")
    code = codes.put(current_store(), dataclasses.replace(right, **changes))
    go(browser, with_changed(url, code=code, iss=iss, state=state))
    return has_session(browser)


def with_cookies(browser, host="a.test"):
    request = HttpRequest()
    request.COOKIES = browser.jar(host)
    return request


def test_grant_that_fits_gives_the_session(walking_mall):
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
def test_grant_that_differs_in_one_thing_gives_nothing(walking_mall, changes):
    assert not finish_with_grant(BrowserClient(), **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "x"}, {"code": None}, {"state": "x"}, {"state": None}, {"iss": None}, {"iss": "evil.test"},
        {"iss": "b.test"}, {"iss": "fair.test"},
    ],
    ids=str,
)  # fmt: skip
def test_finish_with_anything_changed_gives_nothing(walking_mall, changes):
    browser = BrowserClient()
    go(browser, with_changed(answered(browser), **changes))

    assert not has_session(browser)


def test_finish_too_late_gives_nothing_but_asks_again(walking_mall, time_machine_at):
    browser = BrowserClient()
    url = answered(browser)
    time_machine_at(130)
    response = go(browser, url)

    assert not has_session(browser)
    assert response.status_code in {302, 303}


def test_code_too_late_gives_nothing(walking_mall, time_machine_at):
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


MEMBERS = [
    "evil.test", "https://evil.test", "//evil.test", "a.test@evil.test", "a.test:443@evil.test", "evil.test/a.test",
    "a.test.evil.test", "a.test/", "a.test\\evil.test", "a.test%2eevil.test", "", "A.TEST", "mall.test",
    "c.test", "a.test\r\nLocation: https://evil.test",
]  # fmt: skip


@pytest.mark.parametrize("member", MEMBERS)
def test_authorize_sends_nobody_to_a_stranger(walking_mall, member):
    browser = BrowserClient()
    response = go(browser, with_changed(asked(browser), m=member))

    assert response.status_code == 400
    assert "Location" not in response


@pytest.mark.parametrize(
    "changes",
    [{"ch": "x" * 43}, {"ch": "x"}, {"ch": None}, {"st": "x"}, {"st": None}, {"m": "b.test"}, {"m": "x.shops.test"}],
    ids=str,
)
def test_authorize_with_anything_changed_is_refused(walking_mall, changes):
    browser = BrowserClient()

    assert go(browser, with_changed(asked(browser), **changes)).status_code == 400


def test_authorize_of_another_community_is_refused(walking_mall):
    browser = BrowserClient()
    for host in ("fair.test", "c.test"):
        assert go(browser, asked(browser).replace("mall.test", host, 1)).status_code == 400


def test_masters_own_question_is_not_answered_by_itself(walking_mall):
    browser = BrowserClient()
    question = go(browser, f"{MALL}/p/x", Referer=f"{A}/")["Location"]
    assert question.startswith(f"{A}/.mall/authorize?m=mall.test&")

    assert go(browser, question.replace("a.test", "mall.test", 1)).status_code == 400


def test_question_for_one_peer_is_not_answered_by_another(walking_mall):
    browser = BrowserClient()
    browser.get(f"{B}/")
    question = asked(browser, A)  # for the master

    assert go(browser, question.replace("mall.test", "b.test", 1)).status_code == 400


PATHS = [
    "//evil.test/", "/\\evil.test/", "/%5Cevil.test/", "/%2F%2Fevil.test", "/%09/evil.test",
    "/%0d%0aLocation:%20//evil.test", "/https://evil.test", "/@evil.test", "/.mall/finish?code=x", "/p/x?next=https://evil.test",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_a_walk_from_any_path_ends_on_its_host(walking_mall, path):
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
def test_endpoints_do_nothing_unseen_and_the_code_survives(walking_mall, headers):
    browser = BrowserClient()
    assert go(browser, asked(browser), **headers).status_code == 400
    url = answered(browser)
    assert go(browser, url, **headers).status_code == 400
    assert not has_session(browser)
    go(browser, url)
    assert has_session(browser)


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "OPTIONS"])
def test_endpoints_take_get_only(walking_mall, method):
    browser = BrowserClient()
    browser._client.handler.enforce_csrf_checks = False
    url = answered(browser)
    assert browser.request(Step(method, asked(browser), "", "none"), {"Origin": MALL}).status_code == 405
    assert browser.request(Step(method, url, "", "none"), {"Origin": A}).status_code == 405
    go(browser, url)
    assert has_session(browser)


@pytest.mark.parametrize("host", ["b.test", "mall.test", "x.shops.test"])
def test_cookie_moved_to_another_host_proves_nothing(walking_mall, host):
    owner, thief = BrowserClient(), BrowserClient()
    owner.get(f"{A}/")
    thief.plant(host, COOKIE, owner.jar("a.test")[COOKIE])
    thief.get(f"https://{host}/", **{"Sec-Fetch-Mode": None})

    assert thief.response.wsgi_request.mall.id is None


def test_cookie_moved_to_another_community_proves_nothing(walking_mall):
    owner, thief = BrowserClient(), BrowserClient()
    owner.get(f"{A}/")
    thief.plant("c.test", "__Host-Http-fair", owner.jar("a.test")[COOKIE])
    thief.get("https://c.test/", **{"Sec-Fetch-Mode": None})

    assert thief.response.wsgi_request.mall.id is None


def test_raised_key_epoch_revokes_every_cookie(walking_mall):
    browser = BrowserClient()
    browser.get(f"{A}/")
    Community.objects.filter(slug="mall").update(key_epoch=2)
    browser.get(f"{A}/p/x")

    assert browser.redirects == 3


@pytest.mark.parametrize("name", ["COOKIEVAL", "SID", "sessionid", "mall", "mall_id"])
def test_id_in_the_address_is_never_read(walking_mall, name):
    owner, other = BrowserClient(), BrowserClient()
    owner.get(f"{A}/")
    other.get(f"{A}/?{name}={owner.jar('a.test')[COOKIE]}", **{"Sec-Fetch-Mode": None})

    assert other.response.wsgi_request.mall.id is None


# Every space that str.strip() takes from around a name and a browser keeps as part of it.
SPACES = [*"\x1c\x1d\x1e\x1f\x85\xa0\u1680", *map(chr, range(0x2000, 0x200B)), *"\u2028\u2029\u202f\u205f\u3000"]
SMUGGLED = [*SPACES, "\x0b", "\x0c", "\x85\xa0"]


def test_smuggled_names_are_twenty_six():
    assert len(set(SMUGGLED)) == 26


@pytest.mark.parametrize("space", SMUGGLED, ids=ascii)
def test_smuggled_cookie_name_is_no_cookie(walking_mall, space):
    owner, victim = BrowserClient(), BrowserClient()
    owner.get(f"{A}/")
    smuggled = f"{space}{COOKIE}={owner.jar('a.test')[COOKIE]}"

    assert COOKIE in parse_cookie(smuggled)  # the control: Django's own parser is fooled
    assert COOKIE not in parse(smuggled.encode().decode("latin-1"))
    go(victim, f"{A}/", **{"Sec-Fetch-Mode": None, "Cookie": smuggled.encode().decode("latin-1")})
    assert COOKIE not in victim.jar("a.test")


def test_cookie_given_twice_is_not_believed(walking_mall):
    owner, victim = BrowserClient(), BrowserClient()
    owner.get(f"{A}/")
    victim.get(f"{A}/")
    victim.plant(".a.test", COOKIE, owner.jar("a.test")[COOKIE], domain="a.test")
    victim.get(f"{A}/", **{"Sec-Fetch-Mode": None})

    assert victim.response.wsgi_request.mall.id is None


REFUSALS = {
    "session": (COOKIE,),
    "verifier": (f"{COOKIE}-hs",),
    "gave up": (f"{COOKIE}-nc",),
    "session and gave up": (COOKIE, f"{COOKIE}-nc"),
    "all": (COOKIE, f"{COOKIE}-hs", f"{COOKIE}-nc"),
}


@pytest.mark.parametrize("names", REFUSALS.values(), ids=REFUSALS)
def test_refused_cookies_end_in_a_page_within_nine_redirects(walking_mall, names):
    browser = BrowserClient()
    browser.cookies.refuses = names
    for path in ("/p/x", "/p/y", "/p/z"):
        assert browser.get(f"{A}{path}").status_code == 200
        assert browser.redirects <= 9


def test_masters_cookies_refused_end_in_a_page(walking_mall, monkeypatch):
    browser = BrowserClient()
    take = browser.cookies.take
    monkeypatch.setattr(
        browser.cookies, "take", lambda host, *args, **kwargs: host == "mall.test" or take(host, *args, **kwargs)
    )
    browser.get(f"{A}/p/x")

    assert (browser.redirects, browser.response.status_code) == (3, 200)


def test_lost_codes_end_in_a_page(walking_mall, monkeypatch):
    monkeypatch.setattr(codes, "take", lambda store, code: None)
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    assert (browser.redirects, browser.response.status_code) == (5, 200)
    browser.get(f"{A}/p/y")
    assert browser.redirects == 0  # it does not try again at once


@pytest.mark.parametrize("command", ["put_code", "take_code"])
def test_store_that_keeps_no_codes_ends_in_a_page(walking_mall, monkeypatch, command):
    def away(*args):
        raise StoreUnavailable("away")

    monkeypatch.setattr(current_store(), command, away)
    browser = BrowserClient()
    browser.get(f"{A}/p/x")

    assert browser.response.status_code == 200
    assert browser.redirects <= 5


def test_post_from_a_sibling_store_is_refused(walking_mall):
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    token = browser._csrf()
    browser.get(f"{B}/p/y")
    browser.url = f"{A}/p/x"
    step = browser._from_page("POST", f"{B}/add")
    step.data = token | {"line": "spade"}

    assert browser.request(step, {"Origin": A}).status_code == 403


def test_suspended_domain_is_out_at_once(walking_mall):
    browser = BrowserClient()
    question = asked(browser)
    Domain.objects.filter(host="a.test").update(status="suspended")

    assert go(browser, question).status_code == 400
    assert go(browser, f"{A}/p/x").status_code == 421

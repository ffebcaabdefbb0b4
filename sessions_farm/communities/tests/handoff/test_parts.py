"""The parts of a hand-off by themselves: states, codes, paths, requests, verifiers, the breaker."""

import base64
import hashlib
import json

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from sessions_farm.communities.handoff import codes, paths, verifier
from sessions_farm.communities.handoff.breaker import BOUND, REST, WINDOW, Breaker
from sessions_farm.communities.handoff.navigation import Kind, kind_of, may_be_top_level
from sessions_farm.communities.handoff.state import MAX_AGE, BadState, State
from sessions_farm.communities.registry import Member
from sessions_farm.stores.effects.effects import InPlace

A = Member("a.test", 1, 1, "mall", "Mall", "mall", "mall.test")
B = Member("b.test", 2, 1, "mall", "Mall", "mall", "mall.test")
FAIR = Member("a.test", 3, 2, "fair", "Fair", "fair", "fair.test")
STATE = State("/p/x?y=1", 0, "c" * 16, "mall.test")
NOW = 1_800_000_000


def test_state_survives_the_way():
    assert State.unseal(STATE.seal(A, NOW), A, NOW + MAX_AGE) == STATE


def test_state_too_old_is_stale():
    assert State.unseal(STATE.seal(A, NOW), A, NOW + MAX_AGE + 1).stale


@pytest.mark.parametrize("reader", [B, FAIR], ids=["other host", "other community"])
def test_state_of_another_is_refused(reader):
    with pytest.raises(BadState):
        State.unseal(STATE.seal(A), reader)


def tampered():
    text, issued, mac = STATE.seal(A).split(".")
    other = State("/evil", 0, "c" * 16, "mall.test").seal(A).split(".")[0]
    return [
        f"{other}.{issued}.{mac}",
        f"{text}.{int(issued, 16) + 999:x}.{mac}",
        f"{text}.{issued}.{mac[:-1]}",
        f"{text}.{issued}.",
        f"{text}.{issued}.{mac}x",
        f"{text}.{mac}",
        text,
        "",
        "..",
        "ä.ö.ü",
    ]


@pytest.mark.parametrize("number", range(10))
def test_state_tampered_is_refused(number):
    with pytest.raises(BadState):
        State.unseal(tampered()[number], A)


def test_state_signed_with_a_former_key_is_read(settings):
    sealed = STATE.seal(A)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the new one"
    assert State.unseal(sealed, A) == STATE
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(BadState):
        State.unseal(sealed, A)


EVIL_PATHS = [
    "//evil.test/", "///evil.test", "/\\evil.test", "\\\\evil.test", "/\t/evil.test", "/x\r\nSet-Cookie: a=b",
    "https://evil.test/", "evil.test", "javascript:alert(1)", "", "/x\\y", "/.mall/finish?code=x", "/ x", "/\x00", "/ä",
    "/" + "x" * 1500,
]  # fmt: skip


@pytest.mark.parametrize("path", EVIL_PATHS)
def test_path_that_leaves_the_host_is_unsafe(path):
    assert not paths.is_safe(path)
    with pytest.raises(BadState):
        State.unseal(State(path, 0, "c" * 16, "mall.test").seal(A), A)


@pytest.mark.parametrize("path", ["/", "/p/x?y=1&z=//evil.test", "/caf%C3%A9/", "/a//b", "/@x:y"])
def test_path_of_this_host_is_safe(path):
    assert paths.is_safe(path)


def test_log_line_holds_no_code():
    line = "GET /.mall/finish?code=secret1&state=secret2&iss=mall.test"

    assert paths.redacted(line) == "GET /.mall/finish?code=REDACTED&state=REDACTED&iss=mall.test"
    assert "secret" not in paths.redacted("GET /.mall/authorize?m=a.test&ch=x&st=secret")
    assert paths.redacted("GET /p?code=shown") == "GET /p?code=shown"


class Shelf:
    """A code store in plain sight."""

    def __init__(self):
        self.rows = {}

    def put_code(self, digest, payload, ttl):
        yield InPlace(lambda: self.rows.update({digest: (payload, ttl)}))

    def take_code(self, digest):
        return (yield InPlace(lambda: self.rows.pop(digest, (None, 0))[0]))


def test_code_carries_its_grant_once():
    shelf = Shelf()
    grant = codes.Grant("mall", "local-" + "i" * 122, "a.test", "challenge", "mall.test")
    code = codes.put(shelf, grant)

    assert codes.take(shelf, code) == grant
    assert codes.take(shelf, code) is None


def test_code_and_id_stand_in_no_store():
    shelf = Shelf()
    code = codes.put(shelf, codes.Grant("mall", "the-mall-id-of-somebody", "a.test", "challenge", "mall.test"))
    [(digest, (payload, ttl))] = shelf.rows.items()

    assert digest == hashlib.sha256(code.encode()).hexdigest()
    assert "the-mall-id" not in payload
    assert b"the-mall-id" not in base64.urlsafe_b64decode(json.loads(payload)[1])
    assert code not in payload
    assert ttl <= 60
    assert len(digest) + len(payload) <= 400
    assert json.loads(payload)[2] == "a.test"


NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "User-Agent": "Mozilla/5.0 Firefox/153.0"}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, Kind.NAVIGATION),
        ({"Sec-Purpose": "prefetch"}, Kind.PREFETCH),
        ({"Sec-Purpose": "prefetch;prerender"}, Kind.PREFETCH),
        ({"Purpose": "prefetch"}, Kind.PREFETCH),
        ({"HX-Request": "true", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, Kind.PARTIAL),
        ({"Sec-Fetch-Dest": "iframe"}, Kind.OTHER),
        ({"Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"}, Kind.OTHER),
        ({"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, Kind.OTHER),
        ({"Sec-Fetch-Mode": None, "Sec-Fetch-Dest": None}, Kind.OTHER),
        ({"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}, Kind.OTHER),
        ({"User-Agent": "facebookexternalhit/1.1"}, Kind.OTHER),
    ],
)
def test_kind_of_request_needs_positive_evidence(changes, kind):
    headers = {name: value for name, value in (NAVIGATION | changes).items() if value is not None}

    assert kind_of(RequestFactory().get("/", headers=headers)) is kind


@pytest.mark.parametrize("method", ["post", "head", "put", "delete", "options"])
def test_kind_of_other_methods_is_never_a_navigation(method):
    assert kind_of(getattr(RequestFactory(), method)("/", headers=NAVIGATION)) is Kind.OTHER


def test_endpoint_refuses_what_says_it_is_no_page():
    frame = RequestFactory().get("/", headers=NAVIGATION | {"Sec-Fetch-Dest": "iframe"})
    assert not may_be_top_level(frame)
    assert not may_be_top_level(RequestFactory().get("/", headers=NAVIGATION | {"Sec-Purpose": "prefetch"}))
    assert may_be_top_level(RequestFactory().get("/"))


def test_verifier_cookie_counts_and_is_shared():
    kept = verifier.fresh().more()
    response = HttpResponse()
    verifier.keep(response, A, kept)
    request = RequestFactory().get("/")
    request.COOKIES = {name: morsel.value for name, morsel in response.cookies.items()}

    again = verifier.read(request, A)
    assert again == kept
    assert (again.more().secret, again.more().starts) == (kept.secret, 2)
    assert not again.more().is_exhausted(A)
    assert again.more().more().is_exhausted(A)


@pytest.mark.parametrize(
    "value", ["", "x", "x" * 43, "x" * 43 + ".0", "x" * 43 + ".10", "x" * 43 + ".1 ", "ä" * 43 + ".1"]
)
def test_verifier_cookie_misshapen_is_none(value):
    request = RequestFactory().get("/")
    request.COOKIES = {verifier.name_of(A): value}

    assert verifier.read(request, A) is None


def test_breaker_rests_after_many_that_never_came_back():
    breaker = Breaker()
    for _ in range(BOUND - 1):
        breaker.begun(now=100.0)
    assert breaker.lets_through(now=100.0)
    breaker.begun(now=100.0)
    assert not breaker.lets_through(now=100.0)
    assert not breaker.lets_through(now=100.0 + REST - 0.1)
    assert breaker.lets_through(now=100.0 + REST)


def test_breaker_one_return_starts_the_count_anew():
    breaker = Breaker()
    for _ in range(BOUND - 1):
        breaker.begun(now=100.0)
    breaker.came_back()
    breaker.begun(now=100.0)
    assert breaker.lets_through(now=100.0)


def test_breaker_slow_trickle_says_nothing():
    breaker = Breaker()
    for number in range(BOUND * 2):
        breaker.begun(now=100.0 + number * WINDOW / BOUND * 2)
    assert breaker.lets_through(now=100.0 + WINDOW * 4)

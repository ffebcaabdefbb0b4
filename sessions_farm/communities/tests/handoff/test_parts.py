"""The parts of a hand-off by themselves: states, codes, paths, requests, verifiers."""

import base64
import hashlib
import json

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from sessions_farm.communities.handoff import codes, paths, verifier
from sessions_farm.communities.handoff.errors import InvalidStateError
from sessions_farm.communities.handoff.navigation import RequestKind, kind_of_request, may_be_top_level
from sessions_farm.communities.handoff.state import MAX_AGE, PURPOSE, HandoffState
from sessions_farm.communities.registry import Member
from sessions_farm.stores.effects.effects import InPlace
from sessions_farm.web import tokens
from sessions_farm.web.tokens import CLOCK_SKEW

A = Member("a.test", 1, 1, "mall", "Mall", "mall", "mall.test")
B = Member("b.test", 2, 1, "mall", "Mall", "mall", "mall.test")
FAIR = Member("a.test", 3, 2, "fair", "Fair", "fair", "fair.test")
STATE = HandoffState("/p/x?y=1", 0, "c" * 16, "mall.test")
NOW = 1_800_000_000


def test_state_survives_the_way():
    assert HandoffState.unseal(STATE.seal(A, NOW), A, NOW + MAX_AGE) == STATE


def test_state_from_the_future_is_refused():
    assert HandoffState.unseal(STATE.seal(A, NOW + CLOCK_SKEW), A, NOW) == STATE
    with pytest.raises(InvalidStateError):
        HandoffState.unseal(STATE.seal(A, NOW + CLOCK_SKEW + 1), A, NOW)


def test_state_of_another_version_is_refused():
    token = tokens.seal(PURPOSE, "not-json", A.community, A.host)
    with pytest.raises(InvalidStateError):
        HandoffState.unseal(token, A)


def test_state_too_old_is_stale():
    assert HandoffState.unseal(STATE.seal(A, NOW), A, NOW + MAX_AGE + 1).is_stale


@pytest.mark.parametrize("reader", [B, FAIR], ids=["other host", "other community"])
def test_state_of_another_is_refused(reader):
    with pytest.raises(InvalidStateError):
        HandoffState.unseal(STATE.seal(A), reader)


def other_letter(text):
    return text[:-1] + ("A" if text[-1] != "A" else "B")


def tampered():
    text, issued, mac = STATE.seal(A).split(".")
    other = HandoffState("/evil", 0, "c" * 16, "mall.test").seal(A).split(".")[0]
    return [
        f"{other}.{issued}.{mac}",
        f"{text}.{other_letter(issued)}.{mac}",
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
    with pytest.raises(InvalidStateError):
        HandoffState.unseal(tampered()[number], A)


def test_state_signed_with_a_former_key_is_read(settings):
    sealed = STATE.seal(A)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the new one"
    assert HandoffState.unseal(sealed, A) == STATE
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(InvalidStateError):
        HandoffState.unseal(sealed, A)


EVIL_PATHS = [
    "//evil.test/", "///evil.test", "/\\evil.test", "\\\\evil.test", "/\t/evil.test", "/x\r\nSet-Cookie: a=b",
    "https://evil.test/", "evil.test", "javascript:alert(1)", "", "/x\\y", "/.mall/finish?code=x", "/ x", "/\x00", "/ä",
    "/" + "x" * 1500,
]  # fmt: skip


@pytest.mark.parametrize("path", EVIL_PATHS)
def test_path_that_leaves_the_host_is_unsafe(path):
    assert not paths.is_safe_path(path)
    with pytest.raises(InvalidStateError):
        HandoffState.unseal(HandoffState(path, 0, "c" * 16, "mall.test").seal(A), A)


@pytest.mark.parametrize("path", ["/", "/p/x?y=1&z=//evil.test", "/caf%C3%A9/", "/a//b", "/@x:y"])
def test_path_of_this_host_is_safe(path):
    assert paths.is_safe_path(path)


def test_log_line_holds_no_code():
    line = "GET /.mall/finish?code=secret1&state=secret2&iss=mall.test"

    assert paths.redact(line) == "GET /.mall/finish?code=REDACTED&state=REDACTED&iss=mall.test"
    assert "secret" not in paths.redact("GET /.mall/authorize?m=a.test&ch=x&st=secret")
    assert paths.redact("GET /p?code=shown") == "GET /p?code=shown"
    assert paths.redact("GET /cart/?to=cart&ticket=secret&x=1") == "GET /cart/?to=cart&ticket=REDACTED&x=1"


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
    code = codes.issue_code(shelf, grant)

    assert codes.redeem_code(shelf, code) == grant
    assert codes.redeem_code(shelf, code) is None


def test_code_and_id_stand_in_no_store():
    shelf = Shelf()
    code = codes.issue_code(shelf, codes.Grant("mall", "the-mall-id-of-somebody", "a.test", "challenge", "mall.test"))
    [(digest, (payload, ttl))] = shelf.rows.items()

    assert digest == hashlib.sha256(code.encode()).hexdigest()
    assert "the-mall-id" not in payload
    assert b"the-mall-id" not in base64.urlsafe_b64decode(json.loads(payload)[1])
    assert code not in payload
    assert ttl <= 60
    assert len(digest) + len(payload) <= 400
    assert json.loads(payload)[2] == "a.test"


SILENT = {"Sec-Fetch-Mode": None, "Sec-Fetch-Dest": None}
UPGRADE = {"Upgrade-Insecure-Requests": "1"}
PAGE = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "User-Agent": "Mozilla/5.0 Firefox/153.0"}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, RequestKind.NAVIGATION),
        ({"Sec-Purpose": "prefetch"}, RequestKind.PREFETCH),
        ({"Sec-Purpose": "prefetch;prerender"}, RequestKind.PREFETCH),
        ({"Purpose": "prefetch"}, RequestKind.PREFETCH),
        ({"HX-Request": "true", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, RequestKind.PARTIAL),
        ({"Sec-Fetch-Dest": "iframe"}, RequestKind.OTHER),
        ({"Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"}, RequestKind.OTHER),
        ({"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, RequestKind.OTHER),
        (SILENT, RequestKind.OTHER),
        (SILENT | UPGRADE, RequestKind.OTHER),
        (SILENT | PAGE, RequestKind.OTHER),
        (SILENT | UPGRADE | PAGE, RequestKind.NAVIGATION),
        (SILENT | UPGRADE | {"Accept": "image/avif,image/webp,*/*;q=0.8"}, RequestKind.OTHER),
        (UPGRADE | PAGE | {"Sec-Fetch-Dest": "iframe"}, RequestKind.OTHER),
        (UPGRADE | PAGE | {"Sec-Fetch-Dest": None, "Sec-Fetch-Mode": "cors"}, RequestKind.OTHER),
        (SILENT | UPGRADE | PAGE | {"Purpose": "prefetch"}, RequestKind.PREFETCH),
        (SILENT | UPGRADE | PAGE | {"User-Agent": "curl/8.5"}, RequestKind.OTHER),
        ({"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}, RequestKind.OTHER),
        ({"User-Agent": "facebookexternalhit/1.1"}, RequestKind.OTHER),
        ({"User-Agent": "Mozilla/5.0 (Linux; Android 10; CUBOT P40) Chrome/130.0 Mobile"}, RequestKind.NAVIGATION),
    ],
)
def test_kind_of_request_needs_positive_evidence(changes, kind):
    headers = {name: value for name, value in (NAVIGATION | changes).items() if value is not None}

    assert kind_of_request(RequestFactory().get("/", headers=headers)) is kind


@pytest.mark.parametrize("method", ["post", "head", "put", "delete", "options"])
def test_kind_of_other_methods_is_never_a_navigation(method):
    assert kind_of_request(getattr(RequestFactory(), method)("/", headers=NAVIGATION)) is RequestKind.OTHER


def test_endpoint_refuses_what_says_it_is_no_page():
    frame = RequestFactory().get("/", headers=NAVIGATION | {"Sec-Fetch-Dest": "iframe"})
    assert not may_be_top_level(frame)
    assert not may_be_top_level(RequestFactory().get("/", headers=NAVIGATION | {"Sec-Purpose": "prefetch"}))
    assert may_be_top_level(RequestFactory().get("/"))


def test_verifier_cookie_counts_and_is_shared():
    kept = verifier.new_verifier().count()
    response = HttpResponse()
    verifier.set_verifier(response, A, kept)
    request = RequestFactory().get("/")
    request.COOKIES = {name: morsel.value for name, morsel in response.cookies.items()}

    again = verifier.verifier_in(request, A)
    assert again == kept
    assert (again.count().secret, again.count().starts) == (kept.secret, 2)
    assert not again.count().is_exhausted(A)
    assert again.count().count().is_exhausted(A)


@pytest.mark.parametrize(
    "value", ["", "x", "x" * 43, "x" * 43 + ".0", "x" * 43 + ".10", "x" * 43 + ".1 ", "ä" * 43 + ".1"]
)
def test_verifier_cookie_misshapen_is_none(value):
    request = RequestFactory().get("/")
    request.COOKIES = {verifier.verifier_cookie(A): value}

    assert verifier.verifier_in(request, A) is None

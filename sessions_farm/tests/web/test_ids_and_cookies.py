"""Ids, their hashes at rest, the signed cookie and the strict reading of cookies."""

from __future__ import annotations

import dataclasses

import pytest
from django.http import HttpResponse, parse_cookie
from django.test import RequestFactory

from sessions_farm.session import ids as keys
from sessions_farm.session.audience import SITE
from sessions_farm.tests.support.two_hosts import Host
from sessions_farm.web import cookies
from sessions_farm.web.middleware import StrictCookies

MEMBER = Host("a.test", cookie_scope=("mall", "1"))
NOW = 1_800_000_000
DAY = 86_400

# What a page of a sibling domain may put before a prefix: Django's parser strips every one of these.
SPACES = [
    *"\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0",
    *"\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000",
]


def test_ids_are_long_random_and_distinct():
    ids = {keys.new_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(len(session_id) >= 32 and keys.ID.fullmatch(session_id) for session_id in ids)


def test_hash_at_rest_is_keyed(settings):
    before = keys.digest("some-id")
    settings.SECRET_KEY = "another"
    assert keys.digest("some-id") != before
    assert len(before) == 43


def test_cookie_proves_its_id():
    session_id = keys.new_id()
    proof = cookies.prove(MEMBER, cookies.seal(MEMBER, session_id, now=NOW), now=NOW)
    assert (proof.id, proof.issued_at) == (session_id, NOW)


@pytest.mark.parametrize(
    ("member", "host"),
    [
        (MEMBER, "b.test"),
        (MEMBER, "mall.test"),
        (MEMBER, "x.a.test"),
        (dataclasses.replace(MEMBER, cookie_scope=("fair", "1")), "a.test"),
        (dataclasses.replace(MEMBER, cookie_scope=("mall", "2")), "a.test"),
        (None, "a.test"),
    ],
)
def test_cookie_proves_nothing_elsewhere(member, host):
    value = cookies.seal(MEMBER, keys.new_id(), now=NOW)
    assert cookies.prove(MEMBER, value, now=NOW)
    assert cookies.prove(dataclasses.replace(member, host=host) if member else SITE, value, host=host, now=NOW) is None


def test_cookie_tampered_with_proves_nothing():
    value = cookies.seal(MEMBER, keys.new_id(), now=NOW)
    for place in range(len(value)):
        other = "A" if value[place] != "A" else "B"
        assert cookies.prove(MEMBER, value[:place] + other + value[place + 1 :], now=NOW) is None
    for odd in (
        "",
        ".",
        value[:-1],
        value + "x",
        value * 20,
        f"{value}\n",
        value.replace(".", "\uff0e"),
    ):
        assert cookies.prove(MEMBER, odd, now=NOW) is None


def test_raw_id_is_never_accepted():
    assert cookies.prove(MEMBER, keys.new_id(), now=NOW) is None


@pytest.mark.parametrize(("age", "good"), [(30 * DAY, True), (30 * DAY + 1, False), (-DAY, True), (-DAY - 1, False)])
def test_cookie_has_its_time(age, good):
    value = cookies.seal(MEMBER, keys.new_id(), now=NOW)
    assert bool(cookies.prove(MEMBER, value, now=NOW + age)) is good


def test_cookie_is_sent_again_after_a_quarter_of_its_life():
    proof = keys.Proof("x", NOW)
    assert not proof.is_due(NOW + 7 * DAY)
    assert proof.is_due(NOW + 8 * DAY)


def test_fallback_keys_still_prove(settings):
    value, old = cookies.seal(MEMBER, keys.new_id(), now=NOW), settings.SECRET_KEY
    settings.SECRET_KEY = "another"
    assert cookies.prove(MEMBER, value, now=NOW) is None
    settings.SECRET_KEY_FALLBACKS = [old]
    assert cookies.prove(MEMBER, value, now=NOW)


@pytest.mark.parametrize(("secure", "name"), [(True, "__Host-Http-mall"), (False, "mall")])
def test_cookie_follows_the_scheme(settings, secure, name):
    settings.SESSION_COOKIE_SECURE = secure
    response = HttpResponse()
    cookies.issue(response, MEMBER, keys.new_id())
    morsel = response.cookies[name]
    assert (bool(morsel["secure"]), morsel["httponly"], morsel["samesite"]) == (secure, True, "Lax")
    assert (morsel["path"], morsel["domain"], morsel["max-age"]) == ("/", "", 30 * DAY)
    assert response["Vary"] == "Cookie"


def test_only_the_name_of_the_scheme_is_read(settings):
    value = cookies.seal(MEMBER, keys.new_id())
    settings.SESSION_COOKIE_SECURE = True
    for name, found in [("mall", False), ("__Host-mall", False), ("__Host-Http-mall", True)]:
        request = RequestFactory().get("/", headers={"cookie": f"{name}={value}"})
        assert bool(cookies.read(request, MEMBER)) is found


@pytest.mark.parametrize("space", SPACES, ids=ascii)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_prefix_cannot_be_smuggled(space, encoding):
    """As WSGI and ASGI hand the header over: its bytes as latin-1."""
    try:
        header = f"{space}__Host-Http-mall=evil; x=1".encode(encoding).decode("latin-1")
    except UnicodeEncodeError:
        return  # no such byte in this encoding
    assert cookies.parse(header) == {"x": "1"}


def test_control_djangos_parser_lets_them_through():
    assert all("__Host-Http-mall" in parse_cookie(f"{space}__Host-Http-mall=evil") for space in SPACES)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ("a=1;b=2 ;\tc = 3 ", {"a": "1", "b": "2", "c": "3"}),
        ("a=1; a=2; b=3", {"b": "3"}),
        ("a=1; a=1", {}),
        ("a=1; a=2; a=3", {}),
        ("novalue; =nameless; a b=1; c=", {"c": ""}),
        ('q="a\\073b"; e=x=y', {"q": "a;b", "e": "x=y"}),
        ("ü=1; name=\xc3\xbc", {"name": "ü"}),
        ("", {}),
    ],
)
def test_strict_parser(header, found):
    assert cookies.parse(header) == found


def test_strict_parser_joins_the_pieces_of_http2():
    headers = [(b"cookie", b"a=1"), (b"host", b"a.test"), (b"cookie", b"b=2; c=3"), (b"cookie", b"c=4")]
    assert cookies.parse_scope(headers) == {"a": "1", "b": "2"}


def test_strict_middleware_replaces_what_django_parsed():
    request = RequestFactory().get("/", headers={"cookie": "\u3000__Host-Http-mall=evil; ok=1"})
    StrictCookies(lambda request: HttpResponse())(request)
    assert request.COOKIES == {"ok": "1"}


def test_no_handle_reads_as_an_option_of_a_command_line():
    handles = {keys.digest(f"id-{number}") for number in range(1000)}

    assert len(handles) == 1000
    assert not [handle for handle in handles if handle.startswith("-")]
    assert all(keys.digest(f"id-{number}") in keys.digests_of(f"id-{number}") for number in range(100))

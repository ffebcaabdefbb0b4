"""Stolen, moved, smuggled and doubled cookies prove nothing."""

import pytest
from django.core.cache import cache
from django.http import parse_cookie

from sessions_farm.communities.models import Community
from sessions_farm.communities.tests.support.walking import COOKIE, A, go
from sessions_farm.testing.browser import BrowserClient
from sessions_farm.web.cookies import parse

pytestmark = pytest.mark.usefixtures("walking_mall")


@pytest.mark.parametrize("host", ["b.test", "mall.test", "x.shops.test"])
def test_cookie_moved_to_another_host_proves_nothing(host):
    owner, thief = BrowserClient(), BrowserClient()
    owner.get(f"{A}/")
    thief.plant(host, COOKIE, owner.jar("a.test")[COOKIE])
    thief.get(f"https://{host}/", **{"Sec-Fetch-Mode": None})

    assert thief.response.wsgi_request.mall.id is None


def test_cookie_moved_to_another_community_proves_nothing():
    owner, thief = BrowserClient(), BrowserClient()
    owner.get(f"{A}/")
    thief.plant("c.test", "__Host-Http-fair", owner.jar("a.test")[COOKIE])
    thief.get("https://c.test/", **{"Sec-Fetch-Mode": None})

    assert thief.response.wsgi_request.mall.id is None


def test_raised_key_epoch_revokes_every_cookie():
    browser = BrowserClient()
    browser.get(f"{A}/")
    Community.objects.filter(slug="mall").update(key_epoch=2)
    cache.clear()  # some seconds later
    browser.get(f"{A}/p/x")

    assert browser.redirects == 3


@pytest.mark.parametrize("name", ["COOKIEVAL", "SID", "sessionid", "mall", "mall_id"])
def test_id_in_the_address_is_never_read(name):
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
def test_smuggled_cookie_name_is_no_cookie(space):
    owner, victim = BrowserClient(), BrowserClient()
    owner.get(f"{A}/")
    smuggled = f"{space}{COOKIE}={owner.jar('a.test')[COOKIE]}"

    assert COOKIE in parse_cookie(smuggled)  # the control: Django's own parser is fooled
    assert COOKIE not in parse(smuggled.encode().decode("latin-1"))
    go(victim, f"{A}/", **{"Sec-Fetch-Mode": None, "Cookie": smuggled.encode().decode("latin-1")})
    assert COOKIE not in victim.jar("a.test")


def test_cookie_given_twice_is_not_believed():
    owner, victim = BrowserClient(), BrowserClient()
    owner.get(f"{A}/")
    victim.get(f"{A}/")
    victim.plant(".a.test", COOKIE, owner.jar("a.test")[COOKIE], domain="a.test")
    victim.get(f"{A}/", **{"Sec-Fetch-Mode": None})

    assert victim.response.wsgi_request.mall.id is None

"""Where Redis is: what REDIS_URL says, and what it is refused for."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from sessions_farm.conf import Options
from sessions_farm.stores.redis.address import address_of, read_address


def place(url, **options):
    return address_of(Options(redis_url=url, **options))


def test_sentinel_url_is_read():
    found = place(
        "redis+sentinel://anna:a%20%2F@one,two:26380,[::1]:26381/mall/3?sentinel_username=s&sentinel_password=p"
    )
    assert found.sentinels == (("one", 26379), ("two", 26380), ("::1", 26381))
    assert (found.service, found.line) == ("mall", "tcp")
    assert found.login == {"username": "anna", "password": "a /", "db": 3}
    assert found.sentinel_login == {"username": "s", "password": "p"}


def test_tls_of_sentinels_is_that_of_the_servers():
    found = place("rediss+sentinel://one/mall?ssl_ca_certs=/ca.pem", redis_tls_cert="/c.pem", redis_tls_key="/k.pem")
    tls = {"ssl_ca_certs": "/ca.pem", "ssl_certfile": "/c.pem", "ssl_keyfile": "/k.pem"}
    assert (found.line, found.login, found.sentinel_login) == ("tls", tls, tls)


def test_passwords_are_not_in_the_repr():
    assert "hidden" not in repr(place("redis+sentinel://:hidden@one/mall?sentinel_password=hidden2"))


@pytest.mark.parametrize(
    ("url", "options", "word"),
    [
        ("", {}, "may begin with"),
        ("http://x", {}, "http"),
        ("one:6379", {}, "no scheme"),
        ("redis+sentinel://one:26379", {}, "service"),
        ("redis+sentinel://one/mall/many", {}, "no number of a database"),
        ("redis+sentinel://one:x/mall", {}, "one:x"),
        ("redis+sentinel://one,,two/mall", {}, "no Sentinel"),
        ("redis://x:port/0", {}, "cannot be read"),
        ("redis://x/0?db=many", {}, "db"),
        ("redis://x", {"redis_tls_ca": "/ca.pem"}, "rediss"),
    ],
)
def test_url_that_says_no_place_is_refused(url, options, word):
    with pytest.raises(ImproperlyConfigured, match=word):
        place(url, **options)


def test_message_names_the_setting_and_shows_no_password():
    with pytest.raises(ImproperlyConfigured, match="CACHE_URL cannot be read: behind its host is no port") as refused:
        read_address("redis://:hid/den@one/0", "CACHE_URL")
    assert "hid" not in str(refused.value)

"""Sealed tokens: only authentic ones are opened, for their purpose, their values and their time."""

import string

import pytest
from django.core.signing import Signer

from sessions_farm.web import tokens
from sessions_farm.web.tokens import Sealed, seal, unseal

NOW = 1_800_000_000


def test_token_gives_its_payload_and_issue_time_back():
    token = seal("test", "abc-_.~9", "host", now=NOW)
    assert unseal("test", token, "host", now=NOW + 9) == Sealed("abc-_.~9", NOW)
    assert unseal("test", seal("test", "x")).age() < 60
    assert set(token) <= set(string.ascii_letters + string.digits + "-_.~")


def test_mac_is_that_of_django():
    assert tokens.mac("test", "text") == Signer(salt="sessions_farm.test", sep=".").signature("4:text")


@pytest.mark.parametrize(
    ("purpose", "bound"),
    [
        ("other", ("a", "b")),
        ("test", ("a", "c")),
        ("test", ("ab",)),
        ("test", ("a",)),
        ("test", ()),
        ("test", ("b", "a")),
    ],
)
def test_token_of_another_purpose_or_of_other_values_is_refused(purpose, bound):
    token = seal("test", "payload", "a", "b")
    assert unseal("test", token, "a", "b")
    assert unseal(purpose, token, *bound) is None


def test_values_cannot_be_shifted_into_one_another():
    token = seal("test", "payload", "1:a", "b")
    assert unseal("test", token, "1", "a1:b") is None
    assert unseal("test", token, "1:a1:b") is None


def test_every_changed_character_is_noticed():
    token = seal("test", "payload", now=NOW)
    for place in range(len(token)):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert unseal("test", changed, now=NOW) is None


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "payload", "payload.1", "payload.1.", ".1." + "A" * 43, "payload..x", "päyload.1." + "A" * 43,
     "payload.\N{ARABIC-INDIC DIGIT ONE}." + "A" * 43, "payload.1." + "A" * 44, "a" * 9000, "\ud800.1." + "A" * 43],
)  # fmt: skip
def test_text_of_another_shape_is_refused(text):
    assert unseal("test", text) is None


def test_shape_is_judged_before_the_signature():
    token = seal("test", "payload")
    for text in (f"{token}\n", f" {token}", token + "=", token.replace(".", ":")):
        assert unseal("test", text) is None
    assert unseal("test", seal("test", "a" * tokens.MAX_LENGTH)) is None


def test_age_is_bounded_at_both_ends():
    token = seal("test", "payload", now=NOW)
    assert unseal("test", token, max_age=60, now=NOW + 60)
    assert unseal("test", token, max_age=60, now=NOW + 61) is None
    assert unseal("test", token, now=NOW + 10**9)
    assert unseal("test", token, max_age=60, now=NOW - tokens.CLOCK_SKEW)
    assert unseal("test", token, max_age=60, now=NOW - tokens.CLOCK_SKEW - 1) is None
    assert unseal("test", token, now=NOW - tokens.CLOCK_SKEW - 1) is None


def test_token_of_a_fallback_key_is_read_and_none_is_made(settings):
    settings.SECRET_KEY = "old" * 20
    old = seal("test", "payload", now=NOW)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, ["other" * 20, "old" * 20]
    assert unseal("test", old, now=NOW)
    new = seal("test", "payload", now=NOW)
    assert new != old
    settings.SECRET_KEY_FALLBACKS = []
    assert unseal("test", old, now=NOW) is None
    assert unseal("test", new, now=NOW)


@pytest.mark.parametrize("payload", ["", "a b", "a/b", "a=", "ä", "a\n", 'a"'])
def test_payload_that_would_need_escaping_is_not_sealed(payload):
    with pytest.raises(ValueError, match="letters, digits"):
        seal("test", payload)

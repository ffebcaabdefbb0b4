"""What an external member learns of a visitor, in the ID token and by an access token; and who learns nothing."""

import base64
import hashlib
import time

import pytest
import time_machine
from django.contrib.auth import logout
from joserfc import jwt
from joserfc.jwk import KeySet

from sessions_farm.communities.openid.access_tokens import AccessToken, subject_of
from sessions_farm.communities.tests.support.external_client import JWKS, USERINFO, answer_in, as_oauth_says
from sessions_farm.communities.tests.support.handoff_site import ON_PAGE
from sessions_farm.communities.tests.support.walking import COOKIE, MALL, go, mall_of, sign_in
from sessions_farm.session import ids
from sessions_farm.testing.browser import BrowserClient

pytestmark = pytest.mark.usefixtures("walking_mall")
MASTER, FAIR = "mall.test", "fair.test"


def claims_of(client, answer):
    """Verified by nothing but the published keys."""
    keys = KeySet.import_key_set(client.reads(JWKS).json())
    return jwt.decode(answer["id_token"], keys, algorithms=["RS256"]).claims


def test_id_token_names_the_visitor_and_says_whether_a_person_is_signed_in(press, shopper):
    began = int(time.time())
    answer = press.answer_for(shopper)
    claims, now = claims_of(press, answer), time.time()
    learned = press.learns(answer["access_token"])
    digest = hashlib.sha256(answer["access_token"].encode()).digest()[:16]

    assert learned.json() == {"sub": claims["sub"], "signed_in": False}
    assert learned["Cache-Control"] == "no-store"
    assert began <= claims.pop("iat") <= now
    assert began <= claims.pop("exp") - 600 <= now
    assert claims == {
        "iss": MALL,
        "aud": "press.test",
        "sub": claims["sub"],
        "nonce": "once",
        "at_hash": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "signed_in": False,
    }
    sign_in(shopper)
    assert claims_of(press, press.answer_for(shopper, nonce=None)).items() >= {"signed_in": True}.items()


def test_nonce_that_was_not_given_is_not_told(press, shopper):
    assert "nonce" not in claims_of(press, press.answer_for(shopper, nonce=None))


def test_project_says_what_else_is_told(press, shopper, settings):
    settings.SESSIONS_FARM_COMMUNITIES |= {
        "EXTERNAL_FACTS": "sessions_farm.communities.tests.support.external_client.facts_of"
    }
    learned = press.learns(press.token_for(shopper)).json()
    assert (learned["visitor"], learned["told_to"]) == (str(mall_of(shopper).visitor.pk), "press.test")
    assert press.learns(press.token_for(BrowserClient())).json()["visitor"] is None


def test_userinfo_is_read_by_post_too(press, shopper):
    shopper._client.handler.enforce_csrf_checks = True
    headers = {"Host": MASTER, "Authorization": f"Bearer {press.token_for(shopper)}"}
    assert shopper._client.post(USERINFO, secure=True, headers=headers).json()["signed_in"] is False


# Whom ``sub`` names.


def test_sub_is_another_for_each_external_member(press, radio, organ, shopper):
    subs = {client.sub_for(shopper) for client in (press, radio, organ)}
    assert len(subs) == 3
    assert {client.sub_for(shopper) for client in (press, radio, organ)} == subs

    same_id = {subject_of("i" * 32, community, client) for community in ("mall", "fair") for client in ("a", "b")}
    assert len(same_id) == 4


def test_sub_outlives_a_new_key_of_the_farm(press, settings):
    browser = BrowserClient()
    browser.get(f"{MALL}/")
    sign_in(browser)
    before, sub = press.token_for(browser), press.sub_for(browser)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another-key-of-the-farm"

    assert press.learns(before).json() == {"sub": sub, "signed_in": True}
    assert press.learns(press.token_for(browser)).json() == {"sub": sub, "signed_in": True}


def test_signing_in_and_out_is_learned_by_asking_the_browser_anew(press, shopper):
    before, stranger = press.token_for(shopper), press.sub_for(shopper)
    sign_in(shopper)
    as_oauth_says(press.learns(before), 401, "invalid_token")
    signed_in = press.token_for(shopper)
    learned = press.learns(signed_in).json()
    assert (learned["signed_in"], learned["sub"] == stranger) == (True, False)

    ON_PAGE.append(logout)
    shopper.get(f"{MALL}/")
    as_oauth_says(press.learns(signed_in), 401, "invalid_token")
    after = press.learns(press.token_for(shopper)).json()
    assert after["signed_in"] is False
    assert press.sub_for(shopper) == after["sub"] != learned["sub"]


def test_token_of_one_who_had_nothing_ends_at_the_sign_in_too(press):
    browser = BrowserClient()
    before = press.token_for(browser)
    sign_in(browser)
    as_oauth_says(press.learns(before), 401, "invalid_token")


def test_mall_id_is_in_no_answer_and_the_token_opens_no_session(press, shopper):
    mall_id = mall_of(shopper).id
    asked = go(shopper, press.question())
    redeemed = press.redeems(answer_in(asked, press.callback)["code"])
    token = redeemed.json()["access_token"]
    learned = press.learns(token)
    told = str(claims_of(press, redeemed.json()))
    said = [asked["Location"], told, *(f"{answer.headers} {answer.content}" for answer in (redeemed, learned))]
    assert not [text for text in said if mall_id in text]

    thief = BrowserClient()
    for value in (token, token.split("~")[0], f"{token.split('~')[0]}.{token.rsplit('.', 2)[1]}.{'A' * 43}"):
        thief.plant(MASTER, COOKIE, value)
        thief.get(f"{MALL}/")
        assert mall_of(thief).key_hash != ids.digest(mall_id)
        assert "last" not in thief.response.wsgi_request.session


# Who learns.


def test_token_ends_after_its_time(press, shopper):
    began = time.time()
    token = press.token_for(shopper)
    with time_machine.travel(began + 590, tick=False):
        assert press.learns(token).status_code == 200
    with time_machine.travel(time.time() + 602):
        as_oauth_says(press.learns(token), 401, "invalid_token")


@pytest.mark.parametrize("place", range(6))
def test_token_of_which_anything_was_changed_proves_nothing(press, shopper, place):
    digests, client, sub, rest = press.token_for(shopper).split("~")
    parts = [digests, client, sub, *rest.rsplit(".", 2)]  # its id, time, MAC
    for changed in (parts[place][:-1] + ("A" if parts[place][-1] != "A" else "B"), "", parts[place] + "a", "é"):
        digests, client, sub, own, issued, mac = [*parts[:place], changed, *parts[place + 1 :]]
        token = f"{digests}~{client}~{sub}~{own}.{issued}.{mac}"
        as_oauth_says(press.learns(token), 401, "invalid_token")


@pytest.mark.parametrize("token", ["", "~~~", "~", "a~b", "a~press.test.1wxyz9.b", "a~b.zz.c.d", "Bearer"])
def test_token_that_is_none_proves_nothing(press, token):
    refused = as_oauth_says(press.learns(token), 401, "invalid_token")
    assert refused["WWW-Authenticate"].startswith('Bearer error="invalid_token", error_description="')


def test_token_of_another_community_is_nothing_here(press, organ, shopper):
    as_oauth_says(press.learns(press.token_for(shopper), on=FAIR), 401, "invalid_token")
    as_oauth_says(press.learns(organ.token_for(shopper)), 401, "invalid_token")


@pytest.mark.parametrize(
    ("sealed_by", "client"), [("mall", "press.test"), ("fair", "press.test"), ("mall", "organ.test")]
)
def test_token_names_its_community_twice_and_each_counts(press, organ, sealed_by, client):
    token = AccessToken.of_visitor("i" * 32, sealed_by, client, "t" * 43).seal(sealed_by)
    is_good = (sealed_by, client) == ("mall", "press.test")
    assert press.learns(token).status_code == (200 if is_good else 401)


def test_token_is_no_password(press, shopper):
    token = press.token_for(shopper)
    as_oauth_says(press.learns(token, scheme="Basic"), 401, "invalid_token")
    as_oauth_says(press.redeems(press.asks(shopper)["code"], secret=token), 401, "invalid_client")

"""The token endpoint: who redeems a code, once, and who neither redeems nor burns it."""

import threading
import time
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import Client

from sessions_farm.communities.handoff.verifier import Verifier
from sessions_farm.communities.models import Domain
from sessions_farm.communities.openid import codes
from sessions_farm.communities.tests.support.external_client import (
    JWKS,
    TOKEN,
    ExternalClient,
    answer_in,
    as_oauth_says,
)
from sessions_farm.communities.tests.support.walking import COOKIE, answered, go, has_session, sign_in, with_changed
from sessions_farm.models import Tombstone
from sessions_farm.stores import current_store
from sessions_farm.testing.browser import BrowserClient

pytestmark = pytest.mark.usefixtures("walking_mall")
MASTER, FAIR, STORE = "mall.test", "fair.test", "a.test"


@pytest.mark.parametrize("scheme", ["Basic", "basic", "form"])
def test_code_is_redeemed_with_the_secret_in_the_header_or_in_the_form(press, shopper, scheme):
    redeemed = press.redeems(press.asks(shopper)["code"], scheme=scheme)
    token = redeemed.json()
    assert (redeemed.status_code, redeemed["Cache-Control"]) == (200, "no-store")
    assert token.keys() == {"access_token", "token_type", "expires_in", "scope", "id_token"}
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 600)


# Once.


def test_code_is_redeemed_once_and_a_second_time_ends_the_token(press, shopper):
    code = press.asks(shopper)["code"]
    token = press.redeems(code).json()["access_token"]
    assert press.learns(token).status_code == 200
    as_oauth_says(press.redeems(code), 400, "invalid_grant")
    as_oauth_says(press.learns(token), 401, "invalid_token")


def test_second_time_ends_that_token_alone(press, shopper):
    code, other = press.asks(shopper)["code"], press.token_for(shopper)
    press.redeems(code)
    press.redeems(code)
    assert press.learns(other).status_code == 200
    assert press.learns(press.token_for(shopper)).status_code == 200


def test_token_of_a_code_replayed_late_is_ended_as_long_as_it_lives(press, shopper):
    code = press.asks(shopper)["code"]
    token = press.redeems(code).json()["access_token"]
    with time_machine.travel(time.time() + 300):
        as_oauth_says(press.redeems(code), 400, "invalid_grant")
        as_oauth_says(press.learns(token), 401, "invalid_token")


def test_fifty_at_once_redeem_a_code_once(committed_mall, press):
    code, start, answers = press.asks(BrowserClient())["code"], threading.Barrier(50), []

    def redeem():
        try:
            start.wait()
            answers.append(press.redeems(code))
        finally:
            connection.close()

    threads = [threading.Thread(target=redeem) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, *[400] * 49]
    (token,) = [answer.json()["access_token"] for answer in answers if answer.status_code == 200]
    as_oauth_says(press.learns(token), 401, "invalid_token")


# A rival burns nothing.


@pytest.mark.parametrize(
    "changes",
    [{"secret": "wrong"}, {"name": "unknown.test"}, {"name": "radio.test"}, {"name": "organ.test"}, {"on": STORE},
     {"on": FAIR}, {"name": "a.test"}],
    ids=str,
)  # fmt: skip
def test_who_does_not_prove_who_they_are_redeems_nothing_and_spends_nothing(press, radio, organ, shopper, changes):
    code = press.asks(shopper)["code"]
    refused = as_oauth_says(press.redeems(code, **changes), 401, "invalid_client")
    assert refused["WWW-Authenticate"].startswith("Basic realm=")
    in_form = as_oauth_says(press.redeems(code, scheme="form", **changes), 400, "invalid_client")
    assert "WWW-Authenticate" not in in_form
    assert press.redeems(code).status_code == 200


def test_credentials_by_both_ways_or_of_two_names_are_none(press, radio, shopper):
    code = press.asks(shopper)["code"]
    for twice in ({"client_secret": press.secret}, {"client_id": "radio.test"}):
        as_oauth_says(press.redeems(code, **twice), 401, "invalid_client")
    assert press.redeems(code, client_id=press.host).status_code == 200


@pytest.mark.parametrize("header", [None, "", "Basic", "Basic !", "Basic cHJlc3M=", "Basic w7/Dvw==", "Basic /////w=="])
def test_credentials_that_are_none_are_refused(press, header):
    headers = {"Host": MASTER} | ({} if header is None else {"Authorization": header})
    form = {"grant_type": "authorization_code", "code": "x", "code_verifier": "v" * 43}
    as_oauth_says(Client().post(TOKEN, form, secure=True, headers=headers), 401, "invalid_client")


def test_member_without_a_secret_redeems_nothing(press, shopper):
    code = press.asks(shopper)["code"]
    press.domain.secrets.all().delete()
    for secret in ("", press.secret):
        as_oauth_says(press.redeems(code, secret=secret), 401, "invalid_client")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": "é"}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"redirect_uri": "https://press.test/beta"}, "invalid_grant"),
        ({"redirect_uri": "https://press.test/back?from=mall&x"}, "invalid_grant"),
        ({"redirect_uri": "https://evil.test/back"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"redirect_uri": ["https://press.test/back?from=mall"] * 2}, "invalid_request"),
        ({"code": "x"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"grant_type": None}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "openid"}, "unauthorized_client"),
    ],
    ids=str,
)
def test_redemption_amiss_gives_nothing_and_burns_nothing(two_communities, shopper, changes, error):
    press = ExternalClient(two_communities.mall, "press.test", "https://press.test/beta")
    code = press.asks(shopper)["code"]
    as_oauth_says(press.redeems(**({"code": code} | changes)), 400, error)
    redeemed = press.redeems(code)
    assert redeemed.status_code == 200
    as_oauth_says(press.redeems(**({"code": code} | changes)), 400, error)
    assert press.learns(redeemed.json()["access_token"]).status_code == 200
    assert Tombstone.objects.count() == 0


def test_code_of_another_member_is_nothing_to_a_rival_and_good_for_its_owner(press, radio, shopper):
    radio.verifier = press.verifier
    code = press.asks(shopper)["code"]
    for where in (radio.callback, press.callback):
        as_oauth_says(radio.redeems(code, redirect_uri=where), 400, "invalid_grant")
    token = press.redeems(code).json()["access_token"]
    as_oauth_says(radio.redeems(code, redirect_uri=press.callback), 400, "invalid_grant")
    assert press.learns(token).status_code == 200


def test_challenge_itself_is_no_verifier(press, shopper):
    code = press.asks(shopper)["code"]
    as_oauth_says(press.redeems(code, code_verifier=press.verifier.challenge), 400, "invalid_grant")


def test_parameter_in_the_address_is_refused(press, shopper):
    headers = {"Host": MASTER}
    response = Client().post(f"{TOKEN}?grant_type=authorization_code", {}, secure=True, headers=headers)
    as_oauth_says(response, 400, "invalid_request")


@pytest.mark.parametrize(
    "changes",
    [{"community": "fair"}, {"client": "radio.test"}, {"challenge": "c" * 43}, {"issuer": STORE},
     {"redirect_uri": "https://press.test/"}, {}],
    ids=str,
)  # fmt: skip
def test_code_sealed_for_anything_else_gives_nothing(press, changes):
    right = {"community": "mall", "issuer": MASTER, "client": press.host, "redirect_uri": press.callback}
    binding = codes.Binding(**({"challenge": press.verifier.challenge} | right | changes))
    code = codes.issue_code(current_store(), binding, codes.Grant("i" * 32))
    assert press.redeems(code).status_code == (400 if changes else 200)


def test_code_for_a_stores_host_is_nothing_at_the_token_endpoint(press, shopper):
    url = answered(shopper)
    code = parse_qs(urlsplit(url).query)["code"][0]
    verifier = shopper.jar(STORE)[f"{COOKIE}-hs"].partition(".")[0]
    as_oauth_says(press.redeems(code, code_verifier=verifier), 400, "invalid_grant")


def test_code_for_an_external_member_is_nothing_at_a_stores_finish_and_good_afterwards(press, shopper):
    url = answered(shopper)
    secret = shopper.jar(STORE)[f"{COOKIE}-hs"].partition(".")[0]
    code = press.asks(shopper, code_challenge=Verifier(secret, 0).challenge)["code"]
    for given in (code, code.partition(".")[0]):
        go(shopper, with_changed(url, code=given))
    assert not has_session(shopper)
    assert press.redeems(code, code_verifier=secret).status_code == 200


def test_code_too_late_gives_nothing(press, shopper):
    code = press.asks(shopper)["code"]
    with time_machine.travel(time.time() + 61):
        as_oauth_says(press.redeems(code), 400, "invalid_grant")


def test_code_of_one_who_signed_in_meanwhile_gives_nothing(press, shopper):
    code = press.asks(shopper)["code"]
    sign_in(shopper)
    as_oauth_says(press.redeems(code), 400, "invalid_grant")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_token_endpoint_takes_post_only(press, method):
    response = Client().generic(method, TOKEN, secure=True, headers={"Host": MASTER})
    assert (response.status_code, response["Allow"]) == (405, "POST")


def test_token_endpoint_needs_no_csrf_cookie_and_heeds_no_cookie(press, shopper):
    """``redeems`` is a client that checks CSRF; a shopper's cookies beside it would change nothing."""
    assert press.redeems(press.asks(shopper)["code"]).cookies == {}


def test_answers_are_open_to_no_page_of_another_origin(press, shopper):
    asked = go(shopper, press.question(), Origin="https://press.test")
    redeemed = press.redeems(answer_in(asked, press.callback)["code"])
    origin = {"Host": MASTER, "Origin": "https://press.test", "Access-Control-Request-Method": "POST"}
    beforehand = Client().options(TOKEN, secure=True, headers=origin)
    learned = press.learns(redeemed.json()["access_token"])
    for response in (asked, redeemed, beforehand, learned):
        assert not [name for name in response.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("status", ["suspended", "pending", "verified"])
def test_member_that_is_not_active_is_refused_at_once(press, shopper, status):
    code, token = press.asks(shopper)["code"], press.token_for(shopper)
    Domain.objects.filter(pk=press.domain.pk).update(status=status)

    assert go(shopper, press.question()).status_code == 400
    as_oauth_says(press.redeems(code), 401, "invalid_client")
    as_oauth_says(press.learns(token), 401, "invalid_token")


# What is away.


def test_store_that_is_away_is_said_to_be(press, shopper, settings):
    code, token = press.asks(shopper)["code"], press.token_for(shopper)
    settings.SESSIONS_FARM |= {"STORE": "redis", "REDIS_URL": "redis://127.0.0.1:1/0"}

    assert press.asks(shopper)["error"] == "temporarily_unavailable"
    as_oauth_says(press.redeems(code), 503, "temporarily_unavailable")
    as_oauth_says(press.learns(token), 503, "temporarily_unavailable")


def test_keys_that_cannot_be_read_burn_nothing(press, shopper):
    def away(execute, sql, params, many, context):
        if "signingkey" in sql:
            raise OperationalError
        return execute(sql, params, many, context)

    code = press.asks(shopper)["code"]
    with connection.execute_wrapper(away):
        as_oauth_says(press.redeems(code), 503, "temporarily_unavailable")
        assert press.reads(JWKS).status_code == 503
    assert press.redeems(code).status_code == 200

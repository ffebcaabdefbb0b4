"""Members outside the farm: what they learn of a visitor by OAuth's code flow, and who learns nothing."""

import threading
import time
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.contrib.auth import logout
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from sessions_farm.communities.handoff import codes
from sessions_farm.communities.handoff.oauth.token import AccessToken
from sessions_farm.communities.handoff.verifier import Verifier
from sessions_farm.communities.models import Community, Domain, Visitor
from sessions_farm.communities.tests.support.handoff_site import ON_PAGE
from sessions_farm.communities.tests.support.outsider import TOKEN, Outsider, answer_in
from sessions_farm.communities.tests.support.walking import (
    COOKIE,
    MALL,
    A,
    answered,
    asked,
    go,
    has_session,
    id_in,
    mall_of,
    sign_in,
    with_changed,
)
from sessions_farm.models import OneUseCode, Session
from sessions_farm.session import ids
from sessions_farm.stores import current_store
from sessions_farm.testing.browser import BrowserClient, Step

pytestmark = pytest.mark.usefixtures("walking_mall")
MASTER, FAIR, STORE = "mall.test", "fair.test", "a.test"
ANOTHER = Verifier("v" * 43, 0)


@pytest.fixture
def press(two_communities):
    return Outsider(two_communities.mall, "press.test")


@pytest.fixture
def radio(two_communities):
    """Another member outside of the same community."""
    return Outsider(two_communities.mall, "radio.test")


@pytest.fixture
def organ(two_communities):
    """A member outside of the other community."""
    return Outsider(two_communities.fair, "organ.test")


@pytest.fixture
def shopper():
    """A browser whose visitor the mall knows, with something in the cart and in the session."""
    browser = BrowserClient()
    browser.get(f"{MALL}/")
    browser.post("/add", {"line": "spade"})
    return browser


def as_oauth_says(response, status, error):
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response["Cache-Control"] == "no-store"
    return response


# The way that works.


def test_member_outside_learns_who_a_visitor_is_in_one_redirect_and_two_questions(press, shopper):
    answer = press.asks(shopper)
    assert answer.keys() == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("what-the-browser-left-for", MALL)

    redeemed = press.redeems(answer["code"])
    token = redeemed.json()
    assert (redeemed.status_code, redeemed["Cache-Control"]) == (200, "no-store")
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 600)

    learned = press.learns(token["access_token"])
    assert learned["Cache-Control"] == "no-store"
    assert learned.json() == {"sub": token["sub"], "signed_in": False}


def test_project_says_what_else_is_told(press, shopper, settings):
    settings.SESSIONS_FARM_COMMUNITIES |= {
        "EXTERNAL_FACTS": "sessions_farm.communities.tests.support.outsider.facts_of"
    }
    learned = press.learns(press.token_for(shopper)).json()
    assert (learned["visitor"], learned["told_to"]) == (str(mall_of(shopper).visitor.pk), "press.test")
    assert press.learns(press.token_for(BrowserClient())).json()["visitor"] is None


def test_redirect_uri_may_be_left_out(press, shopper):
    assert "code" in press.asks(shopper, redirect_uri=None)


def test_new_visitor_gets_an_id_and_the_store_keeps_it(press):
    browser = BrowserClient()
    sub = press.redeems(press.asks(browser)["code"]).json()["sub"]
    browser.get(f"{A}/p/x")
    assert press.redeems(press.asks(browser)["code"]).json()["sub"] == sub
    assert len({id_in(browser, host) for host in (MASTER, STORE)}) == 1


def test_nothing_is_stored_for_one_who_writes_nothing(press):
    browser = BrowserClient()
    assert press.learns(press.token_for(browser)).status_code == 200
    assert (Session.objects.count(), Visitor.objects.count(), OneUseCode.objects.count()) == (0, 0, 0)


def test_sub_is_one_for_all_members_outside_and_another_in_another_community(press, radio, organ, shopper):
    subs = [outsider.redeems(outsider.asks(shopper)["code"]).json()["sub"] for outsider in (press, radio, organ)]
    assert subs[0] == subs[1] != subs[2]

    same_id = [codes.Grant(slug, "i" * 32, outsider.host, outsider.verifier.challenge, outsider.master)
               for slug, outsider in (("mall", press), ("fair", organ))]  # fmt: skip
    told = [outsider.redeems(codes.issue_code(current_store(), grant)).json()["sub"]
            for outsider, grant in zip((press, organ), same_id, strict=True)]  # fmt: skip
    assert told[0] != told[1]


def test_signing_in_and_out_is_learned_by_asking_the_browser_anew(press, shopper):
    before = press.token_for(shopper)
    sign_in(shopper)
    as_oauth_says(press.learns(before), 401, "invalid_token")
    signed_in = press.token_for(shopper)
    assert press.learns(signed_in).json()["signed_in"] is True

    ON_PAGE.append(logout)
    shopper.get(f"{MALL}/")
    as_oauth_says(press.learns(signed_in), 401, "invalid_token")
    after = press.learns(press.token_for(shopper)).json()
    assert after["signed_in"] is False
    assert press.redeems(press.asks(shopper)["code"]).json()["sub"] == after["sub"]


def test_token_of_one_who_had_nothing_ends_at_the_sign_in_too(press):
    browser = BrowserClient()
    before = press.token_for(browser)
    sign_in(browser)
    as_oauth_says(press.learns(before), 401, "invalid_token")


def test_mall_id_is_in_no_answer_and_the_token_opens_no_session(press, shopper):
    mall_id = mall_of(shopper).id
    asked = go(shopper, press.question())
    code = answer_in(asked, press)["code"]
    redeemed = press.redeems(code)
    token = redeemed.json()["access_token"]
    learned = press.learns(token)
    said = [asked["Location"], *(f"{answer.headers} {answer.content}" for answer in (redeemed, learned))]
    assert not [text for text in said if mall_id in text]

    thief = BrowserClient()
    for value in (token, token.split("~")[0], f"{token.split('~')[0]}.{token.rsplit('.', 2)[1]}.{'A' * 43}"):
        thief.plant(MASTER, COOKIE, value)
        thief.get(f"{MALL}/")
        assert mall_of(thief).key_hash != ids.digest(mall_id)
        assert "last" not in thief.response.wsgi_request.session


# Who asks at the authorization endpoint.


@pytest.mark.parametrize("name", ["unknown.test", "", "PRESS.TEST", "press.test.", "organ.test", STORE, MASTER, None])
def test_stranger_is_sent_nowhere(press, organ, name):
    response = go(BrowserClient(), press.question(client_id=name))
    assert response.status_code == 400
    assert "Location" not in response


@pytest.mark.parametrize(
    "address",
    ["", "/back?from=mall", "https://evil.test/back", "https://press.test/back", "https://press.test/back?from=mall&x=1",
     "https://press.test/back?from=mall#x", "HTTPS://press.test/back?from=mall", "https://radio.test/back?from=mall"],
)  # fmt: skip
def test_nobody_is_sent_to_an_address_that_was_not_registered(press, radio, address):
    response = go(BrowserClient(), press.question(redirect_uri=address))
    assert response.status_code == 400
    assert "Location" not in response


@pytest.mark.parametrize("host", [STORE, "x.shops.test", FAIR, "c.test"])
def test_only_the_communitys_master_answers(press, host):
    assert go(BrowserClient(), press.question(on=host)).status_code == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "x"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"state": None}, "invalid_request"),
        ({"state": "s" * 1501}, "invalid_request"),
    ],
    ids=str,
)
def test_question_without_what_protects_it_gets_no_code(press, shopper, changes, error):
    answer = press.asks(shopper, **changes)
    assert (answer["error"], answer["iss"]) == (error, MALL)
    assert "code" not in answer
    assert OneUseCode.objects.count() == 0


def test_state_comes_back_as_it_was_and_adds_nothing_to_the_answer(press, shopper):
    state = "a b&code=evil&iss=https://evil.test#é\r\nX: y"
    answer = press.asks(shopper, state=state)
    assert (answer["state"], answer["iss"]) == (state, MALL)
    assert press.redeems(answer["code"]).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"},
        {"Sec-Purpose": "prefetch"},
    ],
    ids=["frame", "image", "fetch", "prefetch"],
)
def test_authorization_is_given_to_a_page_of_its_own_only(press, shopper, headers):
    assert go(shopper, press.question(), **headers).status_code == 400
    assert OneUseCode.objects.count() == 0


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "OPTIONS"])
def test_authorization_takes_get_only(press, shopper, method):
    shopper._client.handler.enforce_csrf_checks = False
    response = shopper.request(Step(method, press.question(), "", "none"), {"Origin": MALL})
    assert (response.status_code, response["Allow"]) == (405, "GET")
    assert OneUseCode.objects.count() == 0


def test_browser_that_asks_not_to_be_shared_is_not(press, shopper):
    answer = press.asks(shopper)
    assert "code" in answer
    told = answer_in(go(shopper, press.question(), **{"Sec-GPC": "1"}), press)
    assert told == {"error": "access_denied", "state": answer["state"], "iss": MALL}


def test_paused_community_tells_nobody(press, shopper):
    Community.objects.filter(slug="mall").update(paused_until=timezone.now() + timedelta(minutes=5))
    assert press.asks(shopper)["error"] == "temporarily_unavailable"


def test_one_who_asks_without_end_is_told_to_wait(press, shopper, settings):
    settings.SESSIONS_FARM_COMMUNITIES |= {"HANDOFFS_PER_MINUTE": 3}
    answers = [press.asks(shopper).get("error", "told") for _ in range(5)]
    assert answers == ["told"] * 3 + ["temporarily_unavailable"] * 2


def test_authorization_is_kept_and_told_by_nobody(press, shopper):
    response = go(shopper, press.question())
    assert (response["Cache-Control"], response["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert response["X-Robots-Tag"] == "noindex"
    assert "Cookie" in response["Vary"]


# Who redeems.


def test_code_is_redeemed_once(press, shopper):
    code = press.asks(shopper)["code"]
    assert press.redeems(code).status_code == 200
    as_oauth_says(press.redeems(code), 400, "invalid_grant")


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


@pytest.mark.parametrize(
    "changes",
    [{"secret": "wrong"}, {"name": "unknown.test"}, {"name": "radio.test"}, {"name": "organ.test"}, {"on": STORE},
     {"on": FAIR}, {"scheme": "Bearer"}, {"name": "a.test"}],
    ids=str,
)  # fmt: skip
def test_who_does_not_prove_who_they_are_redeems_nothing_and_spends_nothing(press, radio, organ, shopper, changes):
    code = press.asks(shopper)["code"]
    refused = as_oauth_says(press.redeems(code, **changes), 401, "invalid_client")
    assert refused["WWW-Authenticate"].startswith("Basic realm=")
    assert press.redeems(code).status_code == 200


@pytest.mark.parametrize("header", [None, "", "Basic", "Basic !", "Basic cHJlc3M=", "Basic w7/Dvw==", "Basic /////w=="])
def test_credentials_that_are_none_are_refused(press, header):
    headers = {"Host": MASTER} | ({} if header is None else {"Authorization": header})
    as_oauth_says(Client().post(TOKEN, {}, secure=True, headers=headers), 401, "invalid_client")


def test_member_without_a_secret_redeems_nothing(press, shopper):
    code = press.asks(shopper)["code"]
    Domain.objects.filter(pk=press.domain.pk).update(secret_digest="")
    as_oauth_says(press.redeems(code), 401, "invalid_client")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_grant"),
        ({"code_verifier": "é"}, "invalid_grant"),
        ({"code": "x"}, "invalid_grant"),
        ({"code": None}, "invalid_grant"),
        ({"grant_type": None}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
    ],
    ids=str,
)
def test_redemption_amiss_gives_nothing(press, shopper, changes, error):
    code = press.asks(shopper)["code"]
    refused = as_oauth_says(press.redeems(**({"code": code} | changes)), 400, error)
    assert "access_token" not in refused.json()


def test_challenge_itself_is_no_verifier(press, shopper):
    code = press.asks(shopper)["code"]
    as_oauth_says(press.redeems(code, code_verifier=press.verifier.challenge), 400, "invalid_grant")


def test_code_of_another_member_is_nothing(press, radio, shopper):
    radio.verifier = press.verifier
    as_oauth_says(radio.redeems(press.asks(shopper)["code"]), 400, "invalid_grant")


@pytest.mark.parametrize(
    "changes",
    [{"community": "fair"}, {"client": "radio.test"}, {"challenge": "c" * 43}, {"issuer": STORE}, {}],
    ids=str,
)
def test_grant_that_differs_in_one_thing_gives_nothing(press, changes):
    right = {"community": "mall", "mall_id": "i" * 32, "client": press.host, "issuer": MASTER}
    grant = codes.Grant(**({"challenge": press.verifier.challenge} | right | changes))
    assert press.redeems(codes.issue_code(current_store(), grant)).status_code == (400 if changes else 200)


def test_code_for_a_stores_host_is_nothing_at_the_token_endpoint(press, shopper):
    url = answered(shopper)
    code = parse_qs(urlsplit(url).query)["code"][0]
    verifier = shopper.jar(STORE)[f"{COOKIE}-hs"].partition(".")[0]
    as_oauth_says(press.redeems(code, code_verifier=verifier), 400, "invalid_grant")


def test_code_for_outside_is_nothing_at_a_stores_finish(press, shopper):
    url = answered(shopper)
    secret = shopper.jar(STORE)[f"{COOKIE}-hs"].partition(".")[0]
    code = press.asks(shopper, code_challenge=Verifier(secret, 0).challenge)["code"]
    go(shopper, with_changed(url, code=code))
    assert not has_session(shopper)


def test_code_too_late_gives_nothing(press, shopper):
    code = press.asks(shopper)["code"]
    with time_machine.travel(time.time() + 61):
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
    redeemed = press.redeems(answer_in(asked, press)["code"])
    origin = {"Host": MASTER, "Origin": "https://press.test", "Access-Control-Request-Method": "POST"}
    beforehand = Client().options(TOKEN, secure=True, headers=origin)
    learned = press.learns(redeemed.json()["access_token"])
    for response in (asked, redeemed, beforehand, learned):
        assert not [name for name in response.headers if name.lower().startswith("access-control")]


# Who learns.


def test_token_ends_after_its_time(press, shopper):
    token = press.token_for(shopper)
    with time_machine.travel(time.time() + 590):
        assert press.learns(token).status_code == 200
    with time_machine.travel(time.time() + 602):
        as_oauth_says(press.learns(token), 401, "invalid_token")


@pytest.mark.parametrize("place", range(4))
def test_token_of_which_anything_was_changed_proves_nothing(press, shopper, place):
    digests, _, rest = press.token_for(shopper).partition("~")
    parts = [digests, *rest.rsplit(".", 2)]  # client, time, MAC
    for changed in (parts[place][:-1] + ("A" if parts[place][-1] != "A" else "B"), "", parts[place] + "a", "é"):
        digests, client, issued, mac = [*parts[:place], changed, *parts[place + 1 :]]
        token = f"{digests}~{client}.{issued}.{mac}"
        as_oauth_says(press.learns(token), 401, "invalid_token")


@pytest.mark.parametrize("token", ["", "~~~", "~", "a~b", "a~press.test.1wxyz9.b", "a~b.zz.c.d", "Bearer"])
def test_token_that_is_none_proves_nothing(press, token):
    refused = as_oauth_says(press.learns(token), 401, "invalid_token")
    assert refused["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_token_of_another_community_is_nothing_here(press, organ, shopper):
    as_oauth_says(press.learns(press.token_for(shopper), on=FAIR), 401, "invalid_token")
    as_oauth_says(press.learns(organ.token_for(shopper)), 401, "invalid_token")


@pytest.mark.parametrize(
    ("sealed_by", "client"), [("mall", "press.test"), ("fair", "press.test"), ("mall", "organ.test")]
)
def test_token_names_its_community_twice_and_each_counts(press, organ, sealed_by, client):
    token = AccessToken(ids.digest("i" * 32), client).seal(sealed_by)
    is_good = (sealed_by, client) == ("mall", "press.test")
    assert press.learns(token).status_code == (200 if is_good else 401)


def test_token_is_no_password(press, shopper):
    token = press.token_for(shopper)
    as_oauth_says(press.learns(token, scheme="Basic"), 401, "invalid_token")
    as_oauth_says(press.redeems(press.asks(shopper)["code"], secret=token), 401, "invalid_client")


@pytest.mark.parametrize("status", ["suspended", "pending", "verified"])
def test_member_that_is_not_active_is_refused_at_once(press, shopper, status):
    code, token = press.asks(shopper)["code"], press.token_for(shopper)
    Domain.objects.filter(pk=press.domain.pk).update(status=status)

    assert go(shopper, press.question()).status_code == 400
    as_oauth_says(press.redeems(code), 401, "invalid_client")
    as_oauth_says(press.learns(token), 401, "invalid_token")


def test_new_secret_ends_the_one_before(press, shopper):
    code, before = press.asks(shopper)["code"], press.secret
    press.renews_secret()
    as_oauth_says(press.redeems(code, secret=before), 401, "invalid_client")
    assert press.redeems(code).status_code == 200


# What is away.


def test_store_that_is_away_is_said_to_be(press, shopper, settings):
    code, token = press.asks(shopper)["code"], press.token_for(shopper)
    settings.SESSIONS_FARM |= {"STORE": "redis", "REDIS_URL": "redis://127.0.0.1:1/0"}

    assert press.asks(shopper)["error"] == "temporarily_unavailable"
    as_oauth_says(press.redeems(code), 503, "temporarily_unavailable")
    as_oauth_says(press.learns(token), 503, "temporarily_unavailable")


def test_token_and_facts_outlive_a_new_key(press, settings):
    browser = BrowserClient()
    browser.get(f"{MALL}/")
    sign_in(browser)
    before = press.token_for(browser)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another-key-of-the-farm"

    assert press.learns(before).json()["signed_in"] is True
    assert press.learns(press.token_for(browser)).json()["signed_in"] is True


def test_page_in_flight_while_the_id_rotates_is_no_error(press, shopper):
    late = shopper.twin()
    sign_in(shopper)
    cache.clear()  # they came first some while ago
    assert go(late, press.question()).status_code == 302


def test_storefronts_page_in_flight_while_the_id_rotates_is_no_error(shopper):
    late = shopper.twin()
    question = asked(shopper)
    sign_in(shopper)
    cache.clear()
    assert go(late, question).status_code == 302

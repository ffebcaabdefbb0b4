"""The authorization endpoint: which external members are answered, where the answer goes, and what is refused."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from sessions_farm.communities.models import Community, Domain, Visitor
from sessions_farm.communities.tests.support.external_client import ExternalClient, answer_in
from sessions_farm.communities.tests.support.walking import MALL, A, asked, go, id_in, sign_in
from sessions_farm.models import OneUseCode, Session
from sessions_farm.testing.browser import BrowserClient, Step

pytestmark = pytest.mark.usefixtures("walking_mall")
MASTER, FAIR, STORE = "mall.test", "fair.test", "a.test"


def test_answer_has_code_state_and_issuer(press, shopper):
    answer = press.asks(shopper)
    assert answer.keys() == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("what-the-browser-left-for", MALL)


def test_state_may_be_left_out_where_pkce_protects(press, shopper):
    assert press.asks(shopper, state=None).keys() == {"code", "iss"}


def test_new_visitor_gets_an_id_and_the_store_keeps_it(press):
    browser = BrowserClient()
    sub = press.sub_for(browser)
    browser.get(f"{A}/p/x")
    assert press.sub_for(browser) == sub
    assert len({id_in(browser, host) for host in (MASTER, STORE)}) == 1


def test_nothing_is_stored_for_one_who_writes_nothing(press):
    browser = BrowserClient()
    assert press.learns(press.token_for(browser)).status_code == 200
    assert (Session.objects.count(), Visitor.objects.count(), OneUseCode.objects.count()) == (0, 0, 0)


# Who asks.


@pytest.mark.parametrize("name", ["unknown.test", "", "PRESS.TEST", "press.test.", "organ.test", STORE, MASTER, None])
def test_stranger_is_sent_nowhere(press, organ, name):
    response = go(BrowserClient(), press.question(client_id=name))
    assert (response.status_code, response.text.split(":")[0]) == (400, "invalid_request")
    assert "Location" not in response


@pytest.mark.parametrize("host", [STORE, "x.shops.test", FAIR, "c.test"])
def test_only_the_communitys_master_answers(press, host):
    assert go(BrowserClient(), press.question(on=host)).status_code == 400


@pytest.mark.parametrize(
    ("host", "proven", "status"),
    [("press.example", False, 400), ("press.example", True, 302), ("press.test", False, 302)],
)
def test_host_that_somebody_may_own_is_answered_only_once_proven(two_communities, host, proven, status):
    client = ExternalClient(two_communities.mall, host)
    Domain.objects.filter(host=host).update(verified_at=timezone.now() if proven else None)
    assert go(BrowserClient(), client.question()).status_code == status


# Where the answer goes.


@pytest.mark.parametrize(
    "address",
    ["https://evil.test/back", "https://press.test/back", "https://press.test/back?from=mall&x=1",
     "https://press.test/back?from=mall#x", "HTTPS://press.test/back?from=mall", "https://radio.test/back?from=mall",
     "https://press.test/", "//evil.test", "javascript:alert(1)", "x\" y"],
)  # fmt: skip
def test_nobody_is_sent_to_an_address_that_was_not_registered(press, radio, address):
    response = go(BrowserClient(), press.question(redirect_uri=address))
    assert (response.status_code, response.text.split(":")[0]) == (400, "invalid_request")
    assert "Location" not in response


def test_any_registered_address_gets_its_own_answers(two_communities, shopper):
    beta = "https://gazette.test/beta"
    gazette = ExternalClient(two_communities.mall, "gazette.test", beta, "https://gazette.test/back")
    for address in (gazette.callback, beta, "https://gazette.test/back"):
        code = gazette.asks(shopper, redirect_uri=address)["code"]
        assert gazette.redeems(code, redirect_uri=address).status_code == 200


def test_address_may_be_left_out_where_one_alone_is_registered(two_communities, press, shopper):
    code = press.asks(shopper, redirect_uri=None)["code"]
    assert press.redeems(code, redirect_uri=None).status_code == 200

    gazette = ExternalClient(two_communities.mall, "gazette.test", "https://gazette.test/beta")
    assert go(shopper, gazette.question(redirect_uri=None)).status_code == 400


# What is refused, by its name and in words.


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unauthorized_client"),
        ({"response_type": '"'}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "x"}, "invalid_request"),
        ({"code_challenge": "x" * 44}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"state": "s" * 1501}, "invalid_request"),
        ({"nonce": "n" * 501}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "login"}, "login_required"),
        ({"max_age": "60"}, "login_required"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"request_uri": "https://press.test/r"}, "request_uri_not_supported"),
    ],
    ids=str,
)
def test_question_amiss_gets_no_code_but_an_error_by_name_and_in_words(press, shopper, changes, error):
    answer = press.asks(shopper, **changes)
    assert (answer["error"], answer["iss"]) == (error, MALL)
    assert answer["error_description"].isascii()
    assert "code" not in answer
    assert OneUseCode.objects.count() == 0


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "response_type", "scope", "state"])
def test_what_is_given_twice_is_refused(press, shopper, name):
    response = go(shopper, f"{press.question()}&{name}=press.test")
    assert (response.status_code, response.text) == (400, f"invalid_request: Duplicate {name} parameter.\n")


@pytest.mark.parametrize("query", ["?", "?%ff=%00", "?client_id=press.test&%", "?client_id=press.test&state=%ff"])
def test_question_that_is_none_is_no_error_of_ours(press, query):
    assert go(BrowserClient(), press.question().partition("?")[0] + query).status_code in {302, 400}


def test_state_comes_back_as_it_was_and_adds_nothing_to_the_answer(press, shopper):
    state = "a b&code=evil&iss=https://evil.test#é\r\nX: y"
    answer = press.asks(shopper, state=state)
    assert (answer["state"], answer["iss"]) == (state, MALL)
    assert press.redeems(answer["code"]).status_code == 200


@pytest.mark.parametrize("scope", [None, "openid", "openid profile email offline_access", "profile"])
def test_scope_that_is_not_known_is_left_out(press, shopper, scope):
    token = press.answer_for(shopper, scope=scope)
    is_openid = "openid" in (scope or "")
    assert ("id_token" in token, token.get("scope")) == (is_openid, "openid" if is_openid else None)


def test_claims_and_hints_are_left_out(press, shopper):
    hints = {
        "claims": "{",
        "login_hint": "x",
        "id_token_hint": "x",
        "ui_locales": "eo",
        "acr_values": "0",
        "display": "page",
    }
    assert "code" in press.asks(shopper, prompt="none", **hints)


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
    told = answer_in(go(shopper, press.question(), **{"Sec-GPC": "1"}), press.callback)
    assert told.pop("error_description").startswith("The browser asks that nothing is shared")
    assert told == {"error": "access_denied", "state": answer["state"], "iss": MALL}


def test_paused_community_tells_nobody(press, shopper):
    Community.objects.filter(slug="mall").update(paused_until=timezone.now() + timedelta(minutes=5))
    answer = press.asks(shopper)
    assert (answer["error"], answer["error_description"]) == (
        "temporarily_unavailable",
        "Hand-offs of this community are paused.",
    )


def test_one_who_asks_without_end_is_told_to_wait(press, shopper, limited):
    limited(3)
    answers = [press.asks(shopper).get("error", "told") for _ in range(5)]
    assert answers == ["told"] * 3 + ["temporarily_unavailable"] * 2


def test_authorization_is_kept_and_told_by_nobody(press, shopper):
    response = go(shopper, press.question())
    assert (response["Cache-Control"], response["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert response["X-Robots-Tag"] == "noindex"
    assert "Cookie" in response["Vary"]


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

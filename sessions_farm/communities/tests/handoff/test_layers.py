"""Defences that stand behind others, each tested where nothing stands before it."""

import time
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from sessions_farm.communities.context import Mall
from sessions_farm.communities.handoff import fingerprint, merge
from sessions_farm.communities.handoff.state import HandoffState
from sessions_farm.communities.models import Domain
from sessions_farm.communities.registry import registry
from sessions_farm.communities.tests.support.walking import COOKIE, MALL, A, asked, go, with_changed
from sessions_farm.communities.visitors import lookup
from sessions_farm.session import ids
from sessions_farm.session.ids import Proof
from sessions_farm.session.session import SessionStore
from sessions_farm.session.variables import SIGNED_IN
from sessions_farm.testing.browser import BrowserClient
from sessions_farm.tests.support.people import make_user
from sessions_farm.web import cookies, tokens

pytestmark = pytest.mark.usefixtures("walking_mall")


@pytest.mark.parametrize("rest", ["", "x", "!" * 27, "x" * 28])
def test_challenge_that_only_begins_as_its_state_says_is_refused(rest):
    browser = BrowserClient()
    question = asked(browser)
    challenge = parse_qs(urlsplit(question).query)["ch"][0]

    assert go(browser, with_changed(question, ch=challenge[:16] + rest)).status_code == 400
    assert go(browser, with_changed(question, ch=challenge)).status_code == 302


@pytest.mark.parametrize(("host", "status"), [("www.a.test", 400), ("a.test", 302)])
def test_question_of_an_alias_is_refused(two_communities, host, status):
    """A state of an alias is sealed here by hand: the gate leads each page of one away before it could begin."""
    Domain.objects.create(
        community=two_communities.mall, host="www.a.test", canonical=Domain.objects.get(host="a.test"), status="active"
    )
    challenge = "c" * 43
    state = HandoffState("/p/x", 0, challenge[:16], "mall.test").seal(registry.resolve(host))
    question = urlencode({"m": host, "ch": challenge, "st": state})

    assert go(BrowserClient(), f"{MALL}/.mall/authorize?{question}").status_code == status


def test_verifier_goes_to_its_own_host_over_https_and_to_no_script():
    morsel = go(BrowserClient(), f"{A}/p/x").cookies[f"{COOKIE}-hs"]

    assert (morsel["httponly"], morsel["secure"], morsel["samesite"], morsel["domain"]) == (True, True, "Lax", "")


def session_of(session_id, **variables):
    session = SessionStore(proof=Proof(session_id, int(time.time())))
    session.update(variables)
    session.save()
    return session


def adopt_over(old_id, new_id):
    """What ``finish`` does on a.test in a browser that has an id there already; the session of the new one."""
    member = registry.resolve("a.test")
    request = RequestFactory().get("/")
    request.mall = Mall(member=member, session=SessionStore(proof=Proof(old_id, int(time.time())), audience=member))
    merge.set_session_id(request, HttpResponse(), new_id)
    return request.session


@pytest.mark.parametrize(("signed_in", "merged"), [(True, False), (False, True)])
def test_adopted_id_takes_nothing_over_from_somebody_signed_in(signed_in, merged):
    old_id, new_id = ids.new_id(), ids.new_id()
    session_of(old_id, last="spade", **{SIGNED_IN: signed_in})

    assert ("last" in adopt_over(old_id, new_id)) is merged
    assert SessionStore(proof=Proof(old_id, int(time.time()))).ended is merged


@pytest.mark.parametrize("signed_in", [True, False])
def test_id_without_a_visitor_is_not_given_that_of_somebody_signed_in(signed_in):
    old_id, new_id = ids.new_id(), ids.new_id()
    visitor = lookup.get_or_create_visitor(old_id, registry.resolve("a.test"))
    if signed_in:
        lookup.claim_for_user(visitor, make_user())
    merge.merge_visitors_of_ids(old_id, new_id)

    assert lookup.find_visitor(new_id) == (None if signed_in else visitor)


def test_carried_variables_leave_djangos_notes_of_the_person_behind():
    old = session_of(ids.new_id(), last="spade", _auth_user_id="1", _auth_user_hash="x", _messages="Welcome")
    new = session_of(ids.new_id())
    merge.copy_variables(old, new)

    assert dict(new.items()) == {"last": "spade", "_messages": "Welcome"}


@pytest.mark.parametrize(
    ("scope", "good"), [(("mall", "1"), True), (("fair", "1"), False), (("mall", "2"), False), ((), False)]
)
def test_cookie_needs_its_communitys_own_name_and_epoch(scope, good):
    """Sealed by hand, as another community of the same project would."""
    value = tokens.seal(cookies.PURPOSE, ids.new_id(), "a.test", *scope)

    assert (cookies.prove(registry.resolve("a.test"), value) is not None) is good


def test_mark_of_an_id_has_nothing_of_it_and_differs_by_community():
    mall_id = ids.new_id()
    marks = {fingerprint.mac_of_id(registry.resolve(host), mall_id) for host in ("a.test", "b.test", "c.test")}

    assert len(marks) == 2  # a.test and b.test are of one
    assert not [mark for mark in marks if mark in mall_id]

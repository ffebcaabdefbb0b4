"""One interface over session, visitor and profile."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.utils import timezone

from sessions_farm.communities.context import Mall
from sessions_farm.communities.models import Visitor
from sessions_farm.communities.visitors.lookup import default_community
from sessions_farm.communities.visitors.merging import merge_visitors
from sessions_farm.communities.visitors.profile import Profile
from sessions_farm.communities.visitors.state import visitor_state as state_of
from sessions_farm.session.session import SessionStore
from sessions_farm.tests.support.declared_farm import use
from sessions_farm.tests.support.people import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_(settings, tmp_path):
    use(settings, "database", tmp_path)
    request = RequestFactory().get("/")
    request.session = SessionStore()
    request.mall = Mall(session=request.session)
    request.user = AnonymousUser()
    return request


def test_names_lead_to_their_scopes(request_):
    known = Profile(request_)
    known["session.page"] = "/tea"
    known["visitor.theme"] = "dark"
    assert (request_.session["page"], known["visitor.theme"], known["page"], known["theme"]) == (
        "/tea",
        "dark",
        "/tea",
        "dark",
    )
    assert set(known) == {"session.page", "visitor.theme"}
    del known["visitor.theme"]
    assert "theme" not in known


def test_nearest_scope_wins(request_):
    known = Profile(request_)
    known["visitor.page"] = "/far"
    known["session.page"] = "/near"
    assert (known["page"], known["visitor.page"]) == ("/near", "/far")


def test_looking_makes_no_visitor(request_):
    assert Profile(request_).get("visitor.theme") is None
    assert Visitor.objects.count() == 0


def test_profile_of_who_is_signed_in(request_):
    assert Profile(request_).get("user.email") is None
    request_.user = make_user()
    known = Profile(request_)
    assert known["user.email"] == known["email"] == "anna@example.org"
    assert "user.password" not in known
    with pytest.raises(KeyError, match=r"user\.email"):
        known["user.email"] = "eve@example.org"


def test_merged_visitor_brings_what_the_other_lacks(request_):
    source, target = (Visitor.objects.create(community=default_community()) for _ in range(2))
    state_of(source.pk).update(theme="dark", size=2)
    state_of(target.pk)["size"] = 3
    merge_visitors(source=source, target=target, now=timezone.now())
    assert dict(state_of(target.pk)) == {"theme": "dark", "size": 3}

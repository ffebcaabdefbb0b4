"""Visitors: made at the first need, kept over time-outs and logins, one for a person's devices, fresh after logout."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from django.test import RequestFactory

from sessions_farm.communities.context import Mall
from sessions_farm.communities.models import Visitor, VisitorKey
from sessions_farm.communities.registry import registry
from sessions_farm.communities.signals import visitors_merging
from sessions_farm.communities.visitors import lookup
from sessions_farm.session import ids
from sessions_farm.session.ids import Proof
from sessions_farm.session.receivers import record_login
from sessions_farm.session.session import SessionStore
from sessions_farm.tests.support.people import make_user
from sessions_farm.tests.support.stores_fixtures import in_threads


@pytest.fixture(autouse=True)
def database_store(settings):
    settings.SESSIONS_FARM = {"STORE": "database"}


@pytest.fixture
def mall_at(db, two_communities):
    def make(session_id=None, host="mall.test"):
        member = registry.resolve(host)
        proof = Proof(session_id, int(time.time())) if session_id else None
        return Mall(member=member, session=SessionStore(proof=proof, audience=member))

    return make


def sign_in(mall, user):
    """What django.contrib.auth.login() does to a session."""
    mall.session.cycle_key()
    mall.session["_auth_user_id"] = str(user.pk)
    request = RequestFactory().get("/")
    request.session, request.mall = mall.session, mall
    record_login(request=request, user=user)
    mall.session.save()


def test_visitor_is_not_made_by_looking(mall_at):
    for mall in (mall_at(), mall_at(ids.new_id())):
        assert mall.visitor is None
    assert not Visitor.objects.exists()


def test_visitor_is_made_once_and_found_on_every_host(mall_at):
    first = mall_at()
    visitor = first.ensure_visitor()
    assert first.visitor == first.ensure_visitor() == visitor
    assert mall_at(first.id, "a.test").visitor == visitor
    assert mall_at(first.id, "x.shops.test").ensure_visitor() == visitor
    assert visitor.community.slug == "mall"


def test_visitor_outlives_the_session(mall_at):
    mall = mall_at()
    visitor = mall.ensure_visitor()
    assert not mall.session.exists(mall.id)  # nothing was ever stored of the session
    assert mall_at(mall.id).visitor == visitor


def test_visitor_survives_a_login_and_is_the_persons(mall_at):
    mall, user = mall_at(), make_user()
    visitor = mall.ensure_visitor()
    before = mall.id
    sign_in(mall, user)
    assert mall.id != before
    assert mall.visitor == visitor
    assert mall_at(mall.id).visitor.user == user


def test_devices_of_a_person_share_one_visitor(mall_at):
    user, merged = make_user(), []

    def hear(source, target, **kwargs):
        merged.append((source, target))

    visitors_merging.connect(hear)
    phone, laptop, tablet = mall_at(), mall_at(), mall_at()
    first, second = phone.ensure_visitor(), laptop.ensure_visitor()
    for mall in (phone, laptop, tablet):
        sign_in(mall, user)
    assert phone.visitor == laptop.visitor == tablet.visitor == first
    assert merged == [(second, first)]
    visitors_merging.disconnect(hear)


def test_visitor_of_another_person_is_left_alone(mall_at):
    anna, ben = make_user(), make_user("ben@example.org")
    mall = mall_at()
    annas = mall.ensure_visitor()
    sign_in(mall, anna)
    sign_in(mall, ben)
    assert mall.visitor is None
    bens = mall.ensure_visitor()
    assert bens != annas
    assert Visitor.objects.get(pk=annas.pk).user == anna


def test_logout_starts_a_fresh_visitor(mall_at):
    mall, user = mall_at(), make_user()
    visitor = mall.ensure_visitor()
    sign_in(mall, user)
    mall.session.flush()
    mall.forget_visitor()
    assert mall.visitor is None
    assert mall.ensure_visitor() != visitor
    again = mall_at()
    sign_in(again, user)
    assert again.visitor == visitor  # what is the person's comes back with the person


def test_rotated_id_leads_to_nobody(mall_at):
    mall, user = mall_at(), make_user()
    mall.ensure_visitor()
    before = mall.id
    sign_in(mall, user)
    late = mall_at(before)
    assert (late.id, late.visitor) == (None, None)


def test_visitors_of_communities_are_apart(mall_at):
    user = make_user()
    mall, fair = mall_at(), mall_at(host="fair.test")
    sign_in(mall, user)
    sign_in(fair, user)
    assert mall.ensure_visitor() != fair.ensure_visitor()


def test_secret_key_rotation_keeps_visitors(mall_at, settings):
    mall = mall_at()
    visitor = mall.ensure_visitor()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    assert lookup.find_visitor(mall.id) == visitor


@pytest.mark.django_db(transaction=True)
def test_first_visitor_of_concurrent_requests_is_one(two_communities):
    member, session_id = registry.resolve("mall.test"), ids.new_id()
    found = in_threads([lambda: lookup.get_or_create_visitor(session_id, member).pk] * 6)
    assert len(set(found)) == 1
    assert (Visitor.objects.count(), VisitorKey.objects.count()) == (1, 1)


def test_project_without_communities_has_visitors_too(db):
    mall = Mall(session=SessionStore())
    assert mall.is_master
    assert mall.ensure_visitor() == Mall(session=SessionStore(proof=Proof(mall.id, 0))).visitor


def test_key_hash_is_the_ids(mall_at):
    mall = mall_at(ids.new_id())
    assert mall.key_hash == ids.digest(mall.id)
    assert Mall(member=SimpleNamespace(is_master=False)).key_hash == ""

"""Superusers see live sessions and end them; nobody else does, and nobody sees what is in them."""

from __future__ import annotations

import pytest
from django.contrib.admin.sites import AdminSite
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from sessions_farm.admin_sessions import SessionAdmin
from sessions_farm.engine import SessionStore
from sessions_farm.models import Session
from sessions_farm.tests.people import make_user


@pytest.fixture
def page(db, settings, monkeypatch):
    settings.SESSIONS_FARM = {"STORE": "database"}
    admin = SessionAdmin(Session, AdminSite())
    monkeypatch.setattr(admin, "message_user", lambda *args: None)
    return admin


def request_of(user):
    request = RequestFactory().get("/")
    request.user = user
    return request


def test_only_superusers_look_and_nobody_writes(page):
    staff, boss = make_user(is_staff=True), make_user("boss@example.org", is_superuser=True)
    for user, may in ((AnonymousUser(), False), (staff, False), (boss, True)):
        request = request_of(user)
        assert page.has_view_permission(request) is page.has_module_permission(request) is may
        assert not page.has_add_permission(request)
        assert not page.has_change_permission(request)
        assert not page.has_delete_permission(request)


def test_session_is_listed_while_it_lives_and_ended_from_there(page):
    session = SessionStore()
    session["_farm_signed_in"] = True
    session.save()
    request = request_of(make_user(is_superuser=True))
    (row,) = page.get_queryset(request)
    assert page.signed_in(row)
    assert session.session_key not in str(row)
    page.end(request, page.get_queryset(request))
    assert SessionStore(session.session_key).ended
    assert not page.get_queryset(request)

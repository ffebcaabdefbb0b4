"""A session of Django's own engine moves on the master's host, and its person's visitor is found again."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends import signed_cookies
from django.test import Client

from sessions_farm.communities.models import Community, Visitor
from sessions_farm.communities.tests.support.fixtures import HOST_MIDDLEWARE
from sessions_farm.testing.stock_clients import wire_client
from sessions_farm.tests.support import session_site
from sessions_farm.tests.support.people import make_user

BACKEND = "django.contrib.auth.backends.ModelBackend"
LEGACY = "sessions_farm.web.legacy_engine.LegacyEngineMiddleware"
MASTER, VENDOR = "mall.test", "a.test"


@pytest.fixture(autouse=True)
def site(db, two_communities, settings, monkeypatch):
    strict, *others = session_site.MIDDLEWARE
    settings.MIDDLEWARE = [HOST_MIDDLEWARE, strict, LEGACY, *others]
    settings.ROOT_URLCONF = "sessions_farm.tests.support.session_site"
    settings.SESSION_COOKIE_SECURE = False
    settings.AUTHENTICATION_BACKENDS = [BACKEND]
    settings.SESSIONS_FARM = {"STORE": "database", "LEGACY_ENGINE": "old_engine"}
    module = ModuleType("old_engine")
    module.SessionStore = signed_cookies.SessionStore
    monkeypatch.setitem(sys.modules, module.__name__, module)
    yield
    session_site.TO_DO.clear()


def browser_of(user, **variables):
    """A browser that holds a session of the old engine, signed in."""
    session = signed_cookies.SessionStore()
    session.update({SESSION_KEY: str(user.pk), BACKEND_SESSION_KEY: BACKEND} | variables)
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    client = wire_client(Client)()
    client.cookies["sessionid"] = session.session_key
    return client


def look(client, host=MASTER):
    session_site.TO_DO[:] = [lambda request: [request.mall.signed_in, request.mall.visitor and request.mall.visitor.pk]]
    return client.get("/", headers={"host": host}).content.decode()


def test_person_who_comes_back_has_the_visitor(two_communities):
    user = make_user()
    visitor = Visitor.objects.create(user=user, community=Community.objects.get(slug="mall"))
    browser = browser_of(user, cart=[1])
    for _ in range(2):
        assert look(browser) == f"[True, {visitor.pk!r}]"


def test_session_of_a_changed_password_joins_no_visitor():
    user = make_user()
    browser = browser_of(user, cart=[1])
    user.set_password("another")
    user.save()
    assert look(browser) == "[False, None]"
    assert not Visitor.objects.filter(user=user).exists()


def test_vendors_host_leaves_the_session_to_the_master():
    user = make_user()
    browser = browser_of(user)
    assert look(browser, VENDOR) == "[False, None]"
    assert browser.cookies["sessionid"].value
    assert look(browser).startswith("[True, ")

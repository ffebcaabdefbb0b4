"""Superusers see live sessions of any store and end them; nobody else does, and nobody sees what is in them."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponseForbidden
from django.test import Client, RequestFactory
from django.urls import path

from sessions_farm.admin import SessionAdmin
from sessions_farm.models import Session
from sessions_farm.session import queries
from sessions_farm.session.session import SessionStore
from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.tests.support.declared_farm import saved, use
from sessions_farm.tests.support.people import make_user
from sessions_farm.tests.support.stores_fixtures import REDIS_URL

urlpatterns = [path("admin/", admin.site.urls)]


def handler403(_request, exception):
    """Whatever the project's own page would need."""
    return HttpResponseForbidden()


PAGE = "/admin/sessions_farm/session/"
END = f"{PAGE}end/"
MIDDLEWARE = [
    "sessions_farm.web.middleware.StrictCookies",
    "sessions_farm.web.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
VARIABLES = {"page": {"indexed": True, "shared": True}, "mood": {"shared": True}, "cart": {"indexed": True}}

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["memory", *(["redis"] if REDIS_URL else [])])
def site(request, settings, tmp_path):
    settings.MIDDLEWARE = MIDDLEWARE
    settings.ROOT_URLCONF = __name__
    settings.SESSION_ENGINE = "sessions_farm.engine"
    use(settings, request.param, tmp_path, VARIABLES=VARIABLES)


@pytest.fixture
def boss(site):
    return signed_in(make_user("boss@example.org", is_superuser=True, is_staff=True))


def signed_in(user, **options):
    client = Client(**options)
    client.force_login(user)
    client.user = user
    return client


def handles_on(response):
    return re.findall(r'name="handle"\s+value="([^"]+)"', response.text)


def lives(session):
    return not SessionStore(session.session_key).ended


@pytest.mark.parametrize("is_staff", [True, False])
def test_only_superusers_look_and_end(site, is_staff):
    session = saved(page="/a")
    client = signed_in(make_user(is_staff=is_staff))
    for response in (client.get(PAGE), client.post(END, {"handle": session.key_hash, "confirmed": "1"})):
        assert response.status_code == (403 if is_staff else 302)
        assert session.key_hash[:8] not in response.text
    assert lives(session)


def test_permissions_are_for_looking_alone():
    page = SessionAdmin(Session, admin.AdminSite())
    request = RequestFactory().get("/")
    for user, may in (
        (AnonymousUser(), False),
        (make_user(is_staff=True), False),
        (make_user("b@c.org", is_superuser=True), True),
    ):
        request.user = user
        assert page.has_view_permission(request) is page.has_module_permission(request) is may
        assert not page.has_add_permission(request)
        assert not page.has_change_permission(request)
        assert not page.has_delete_permission(request)


def test_page_shows_declared_variables_and_neither_ids_nor_others(boss):
    session = saved(page="/offers", cart="7-secrets", hidden="hush!")
    text = boss.get(PAGE).text
    assert session.key_hash in handles_on(boss.get(PAGE))
    assert "/offers" in text
    for secret in (session.session_key, boss.cookies, "7-secrets", "hush!", "_farm_owner"):
        assert str(secret) not in text


def test_own_session_is_shown_and_cannot_be_ended_there(boss):
    own = queries.devices(boss.user)[0].handle
    response = boss.get(PAGE)
    assert "this browser" in response.text
    assert own not in handles_on(response)
    boss.post(END, {"handle": own, "confirmed": "1"})
    assert boss.get(PAGE).status_code == 200


def test_sessions_are_found_by_an_indexed_variable(boss):
    here, there = saved(page="/here"), saved(page="/there")
    found = handles_on(boss.get(PAGE, {"q": "page=/here"}))
    assert here.key_hash in found
    assert there.key_hash not in found


@pytest.mark.parametrize("asked", ["mood=good", "hidden=1", "nobody@example.org"])
def test_what_cannot_be_found_is_refused_in_words(boss, asked):
    response = boss.get(PAGE, {"q": asked})
    assert response.status_code == 400
    assert "No person is called" in response.text


def test_person_is_found_by_name_and_signed_out_everywhere(boss):
    anna = make_user("anna@example.org")
    devices = [signed_in(anna), signed_in(anna)]
    stranger = saved(page="/a")
    response = boss.get(PAGE, {"q": "anna@example.org"})
    assert len(handles_on(response)) == 2
    assert stranger.key_hash not in handles_on(response)
    asking = boss.post(END, {"person": anna.pk, "q": "anna@example.org"})
    assert "Are you sure" in asking.text
    assert len(queries.devices(anna)) == 2
    done = boss.post(END, {"person": anna.pk, "confirmed": "1", "q": "anna@example.org"}, follow=True)
    assert "2 sessions ended" in done.text
    assert queries.devices(anna) == []
    assert all("_auth_user_id" not in client.session for client in devices)
    entry = LogEntry.objects.get(action_flag=CHANGE)
    assert (entry.user_id, entry.object_id) == (boss.user.pk, str(anna.pk))
    assert lives(stranger)


def test_who_signs_herself_out_everywhere_stays_at_this_browser(boss):
    elsewhere = signed_in(boss.user)
    assert "stays signed in" in boss.post(END, {"person": boss.user.pk}).text
    boss.post(END, {"person": boss.user.pk, "confirmed": "1"})
    assert boss.get(PAGE).status_code == 200
    assert elsewhere.get(PAGE).status_code == 302


def test_selected_sessions_end_once_it_is_confirmed_and_that_is_logged(boss):
    first, second, third = (saved(page="/a") for _ in range(3))
    chosen = {"handle": [first.key_hash, second.key_hash]}
    assert set(handles_on(boss.post(END, chosen))) == set(chosen["handle"])
    assert lives(first)
    assert "2 sessions ended" in boss.post(END, chosen | {"confirmed": "1"}, follow=True).text
    assert [lives(one) for one in (first, second, third)] == [False, False, True]
    entries = LogEntry.objects.filter(action_flag=DELETION, user_id=boss.user.pk)
    assert {entry.object_id for entry in entries} == {first.key_hash, second.key_hash}
    assert "None of these sessions lives" in boss.post(END, chosen, follow=True).text


def test_ending_needs_a_post_with_its_token(boss):
    session = saved(page="/a")
    assert boss.get(END).status_code == 405
    strict = signed_in(boss.user, enforce_csrf_checks=True)
    assert strict.post(END, {"handle": session.key_hash, "confirmed": "1"}).status_code == 403
    token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', strict.get(PAGE).text)[1]
    strict.post(END, {"handle": session.key_hash, "confirmed": "1", "csrfmiddlewaretoken": token})
    assert not lives(session)


def test_store_that_is_away_is_told(boss, monkeypatch):
    def away(**_kwargs):
        raise StoreUnavailableError("no answer")

    monkeypatch.setattr(queries, "count", away)
    response = boss.get(PAGE)
    assert response.status_code == 503
    assert "does not answer" in response.text

"""Two presses of "Log in": the second request follows the session that the first one made, and nobody else does."""

from __future__ import annotations

import threading
import time

import pytest
from django.conf import settings
from django.contrib import auth
from django.db import connections
from django.http import HttpResponse, JsonResponse
from django.test import Client
from django.urls import path

from sessions_farm.models import Tombstone
from sessions_farm.session import ids, successors
from sessions_farm.session.session import SessionStore
from sessions_farm.stores import current_store
from sessions_farm.stores.base import State, now_ms
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.tests.support.named_stores import RUNNABLE, options_of
from sessions_farm.tests.support.people import make_user

STORES = [pytest.param(name, marks=pytest.mark.django_db(transaction=True)) for name in RUNNABLE]
MIDDLEWARE = [
    "sessions_farm.web.middleware.StrictCookies",
    "sessions_farm.web.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
BOTH_LOADED = []  # a barrier, where two requests are to have loaded the session before either is saved


def sign_in(request, user):
    """A form that looks at the session, as CSRF does, and signs in."""
    request.session.get("cart")
    if BOTH_LOADED:
        BOTH_LOADED[0].wait(20)
    auth.login(request, auth.get_user_model().objects.get(pk=user), "django.contrib.auth.backends.ModelBackend")
    return JsonResponse({})


def change_password(request):
    """A form that has checked the old password and sets a new one, as Django's does."""
    user = request.user
    assert user.is_authenticated
    if BOTH_LOADED:
        BOTH_LOADED[0].wait(20)
    user.set_password("another")
    user.save()
    auth.update_session_auth_hash(request, user)
    return HttpResponse()


def look(request):
    cart = request.session.get("cart")
    return JsonResponse({"user": request.user.pk, "cart": cart, "late": request.session.get("late")})


def add(request, goods):
    request.session["cart"] = [*request.session.get("cart", ()), goods]
    return HttpResponse()


def mark_late(request):
    request.session["late"] = True
    return HttpResponse()


def rotate(request):
    request.session.cycle_key()
    return HttpResponse()


def claim(request):
    request.session.claim_key()
    return HttpResponse()


urlpatterns = [
    path("", look),
    path("add/<str:goods>", add),
    path("claim", claim),
    path("late", mark_late),
    path("password", change_password),
    path("rotate", rotate),
    path("sign-in/<int:user>", sign_in),
]


@pytest.fixture(params=STORES)
def site(request, settings, tmp_path):
    settings.MIDDLEWARE, settings.ROOT_URLCONF = MIDDLEWARE, __name__
    settings.SESSION_COOKIE_SECURE = False
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    settings.SESSIONS_FARM = options_of(request.param, tmp_path, GRACE=60)  # longer than any test takes
    yield request.param
    current_store.cache_clear()


@pytest.fixture
def anna(site):
    return make_user()


@pytest.fixture
def ben(site):
    return make_user("ben@example.org")


def visitor(goods="kettle"):
    client = Client()
    client.post(f"/add/{goods}" if goods else "/claim")
    return client


def copy(client):
    """A request under way beside those of a browser, or somebody else who knows its cookies."""
    other = Client()
    other.cookies.update(client.cookies)
    return other


def id_of(client):
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def seen(client):
    return client.get("/").json()


def times(scale):
    return 2 if scale == 1 else 20


def test_second_of_two_presses_follows_though_the_first_answer_was_dropped(anna, scale):
    for _ in range(times(scale)):
        browser = visitor()
        assert copy(browser).post(f"/sign-in/{anna.pk}").status_code == 200  # its answer is dropped
        assert browser.post(f"/sign-in/{anna.pk}").status_code == 200
        assert seen(browser) == {"user": anna.pk, "cart": ["kettle"], "late": None}


@pytest.mark.parametrize("goods", ["kettle", ""], ids=["with-a-session", "with-an-id-alone"])
def test_two_presses_at_once_end_in_one_session(anna, goods, scale):
    for _ in range(times(scale)):
        browser = visitor(goods)
        presses = [copy(browser) for _ in range(2)]
        answers = at_once([lambda press=press: press.post(f"/sign-in/{anna.pk}") for press in presses])
        assert [answer.status_code for answer in answers] == [200, 200]
        presses[0].post("/late")  # whichever answer the browser keeps, it is of the same session
        assert [seen(press)["user"] for press in presses] == [anna.pk] * 2
        assert [seen(press)["late"] for press in presses] == [True] * 2
        assert [seen(press)["cart"] for press in presses] == [["kettle"] if goods else None] * 2


def at_once(calls):
    """Call all in threads that meet in the view, with their sessions loaded."""
    BOTH_LOADED[:] = [threading.Barrier(len(calls))]
    answers = [None] * len(calls)

    def make(place):
        try:
            answers[place] = calls[place]()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=make, args=[place]) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    BOTH_LOADED.clear()
    return answers


def test_planted_id_follows_nobody_without_a_sign_in(anna):
    victim = visitor()
    attacker = copy(victim)
    victim.post(f"/sign-in/{anna.pk}")
    assert seen(attacker)["user"] is None
    for page in ("/late", "/rotate", "/claim"):
        assert attacker.post(page).status_code == 400
        assert seen(attacker)["user"] is None
    assert seen(victim) == {"user": anna.pk, "cart": ["kettle"], "late": None}


def test_planted_id_leads_another_person_nowhere(anna, ben):
    victim = visitor()
    attacker = copy(victim)
    victim.post(f"/sign-in/{anna.pk}")
    assert attacker.post(f"/sign-in/{ben.pk}").status_code == 400
    assert seen(attacker)["user"] is None
    assert seen(victim)["user"] == anna.pk


def test_id_of_somebody_signed_in_follows_no_rotation(anna):
    """A rotation after a change of the password is against whoever has the old id."""
    victim = visitor()
    victim.post(f"/sign-in/{anna.pk}")
    thief = copy(victim)
    victim.post("/rotate")
    assert thief.post("/rotate").status_code == 400
    assert thief.post("/late").status_code == 400
    assert seen(victim)["late"] is None


def test_two_presses_of_a_changed_password_end_in_one_session(anna, scale):
    """Each hashes the password anew; the session keeps the hash that the database has in the end."""
    browser = visitor()
    browser.post(f"/sign-in/{anna.pk}")
    for _ in range(times(scale)):
        presses = [copy(browser) for _ in range(2)]
        answers = at_once([lambda press=press: press.post("/password") for press in presses])
        assert [answer.status_code for answer in answers] == [200, 200]
        assert id_of(presses[0]) == id_of(presses[1]) != id_of(browser)
        assert [seen(press)["user"] for press in presses] == [anna.pk] * 2
        browser = presses[1]
    assert seen(browser)["cart"] == ["kettle"]


def test_id_from_before_a_changed_password_opens_nothing(anna):
    owner = visitor()
    owner.post(f"/sign-in/{anna.pk}")
    thief = copy(owner)
    assert owner.post("/password").status_code == 200
    with pytest.raises(AssertionError):  # to the view nobody is signed in
        thief.post("/password")
    assert seen(thief)["user"] is None
    assert seen(owner)["user"] == anna.pk


def test_successor_is_followed_no_longer_than_the_grace(anna, settings):
    settings.SESSIONS_FARM |= {"GRACE": 1}
    victim = visitor()
    old = copy(victim)
    victim.post(f"/sign-in/{anna.pk}")
    time.sleep(1.1)
    reading = run_sync(current_store().load(ids.digest(id_of(old)), now_ms()))
    assert (reading.state, reading.successor, reading.in_grace) == (State.ENDED, "", False)


def test_nobody_follows_to_a_session_that_has_ended(anna):
    browser = visitor()
    late = copy(browser)
    browser.post(f"/sign-in/{anna.pk}")
    SessionStore(id_of(browser)).delete()
    assert late.post(f"/sign-in/{anna.pk}").status_code == 400
    assert [seen(client)["user"] for client in (browser, late)] == [None, None]


@pytest.mark.parametrize("site", [STORES[RUNNABLE.index("database")]], indirect=True)
def test_store_has_no_id(anna):
    browser = visitor()
    old_id = id_of(browser)
    browser.post(f"/sign-in/{anna.pk}")
    new_id = id_of(browser)
    (sealed,) = Tombstone.objects.values_list("successor", flat=True)
    assert sealed
    assert new_id not in sealed
    assert successors.unseal(old_id, sealed) == new_id
    assert successors.unseal(ids.new_id(), sealed) == ""

"""What a browser sees of a session: when a cookie comes, when it does not, and what a failing store does to it."""

from __future__ import annotations

import time
from contextlib import suppress
from types import ModuleType, SimpleNamespace

import pytest
from django.contrib.auth import login, logout
from django.http import HttpResponse
from django.template import Context, Engine
from django.test import Client
from django.test import Client as StockClient
from django.urls import path

from sessions_farm.conf import options
from sessions_farm.models import Session, Tombstone, Variable
from sessions_farm.session import ids
from sessions_farm.session.ids import Proof
from sessions_farm.session.session import SessionStore
from sessions_farm.session.variables import SIGNED_IN, GuardedVariableError
from sessions_farm.stores import current_store
from sessions_farm.stores.base import Header, StoreUnavailableError, now_ms
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.tests.support import session_site, two_hosts
from sessions_farm.tests.support.new_ids import stays_with_one
from sessions_farm.tests.support.people import make_user
from sessions_farm.tests.support.two_hosts import HOSTS, MASTER, STORE
from sessions_farm.web import cookies
from sessions_farm.web.decorators import session_optional

DAY = 86_400


@pytest.fixture(autouse=True)
def site(db, settings):
    settings.MIDDLEWARE = session_site.MIDDLEWARE
    settings.ROOT_URLCONF = "sessions_farm.tests.support.session_site"
    two_hosts.serve(settings)
    settings.SESSION_COOKIE_SECURE = False
    settings.SESSIONS_FARM = {
        "STORE": "database",
        "VARIABLES": {"checkout_*": {"guarded": True}},
    }
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    yield
    session_site.TO_DO.clear()


@pytest.fixture
def user():
    return make_user()


def visit(client, do=None, host=MASTER.host, method="get"):
    session_site.TO_DO[:] = [do] if do else []
    return getattr(client, method)("/", headers={"host": host})


def raw_visit(do=None, host=MASTER.host, method="get", session_id=None, issued=None, signed_for=None):
    """A visit with exactly this cookie."""
    client = StockClient()
    if session_id:
        value = cookies.seal(HOSTS[signed_for or host], session_id, now=issued)
        client.cookies["mall"] = value
    return visit(client, do, host, method)


def set_x(request):
    request.session["x"] = request.session.get("x", 0) + 1


def get_x(request):
    return request.session.get("x")


def new_session(**variables):
    session = SessionStore(proof=Proof(ids.new_id(), int(time.time())))
    session.update(variables)
    session.save()
    return session.session_key


def stored(session_id):
    return dict(SessionStore(session_id).items())


def rows():
    return [model.objects.count() for model in (Session, Variable, Tombstone)]


def test_untouched_request_says_nothing_of_cookies():
    for session_id in (None, ids.new_id()):
        response = raw_visit(session_id=session_id)
        assert (dict(response.cookies), response.get("Vary")) == ({}, None)


def test_reading_request_varies_and_sets_no_cookie():
    response = raw_visit(get_x)
    assert (dict(response.cookies), response["Vary"]) == ({}, "Cookie")


def test_asking_for_the_key_is_no_access():
    """A page that shows nothing of the session stays cacheable."""
    response = raw_visit(lambda request: request.session.session_key and "known", session_id=new_session(x=1))
    assert (response.content, response.get("Vary")) == (b"known", None)


def for_all(request, do=None):
    """A view's answer that any cache may keep, by every header that one obeys."""
    if do is not None:
        do(request)
    told = {"Cache-Control": "public, max-age=600", "Expires": "Thu, 01 Jan 2099 00:00:00 GMT"}
    return HttpResponse("For all.", headers=told | dict.fromkeys(cookies.FOR_CACHES[1:], "max-age=600"))


@pytest.mark.parametrize("way", ["new", "renewed", "dropped"])
def test_answer_with_the_cookie_is_kept_by_no_cache_whatever_its_view_said(way, user):
    if way == "new":
        response = raw_visit(lambda request: for_all(request, set_x))
    elif way == "renewed":
        long_ago = time.time() - options().cookie_age / 2
        response = raw_visit(lambda request: for_all(request, get_x), session_id=new_session(x=1), issued=long_ago)
    else:
        flush = lambda request: for_all(request, lambda request: request.session.flush())  # noqa: E731
        response = raw_visit(flush, STORE.host, session_id=new_session(x=1))
    assert "mall" in response.cookies
    assert stays_with_one(response)


def test_control_answer_without_the_cookie_says_what_its_view_said():
    response = raw_visit(lambda request: for_all(request, get_x))
    assert not stays_with_one(response)
    assert [name in response for name in cookies.FOR_CACHES] == [True] * 3


def test_first_write_sets_a_signed_cookie_of_this_host():
    response = raw_visit(set_x)
    value = response.cookies["mall"].value
    proof = cookies.prove(MASTER, value)
    assert stored(proof.id) == {"x": 1}
    assert response["Vary"] == "Cookie"


def test_later_write_sets_no_cookie():
    session_id = new_session(x=1)
    response = raw_visit(set_x, session_id=session_id)
    assert (dict(response.cookies), stored(session_id)) == ({}, {"x": 2})


def test_cookie_of_a_quarter_of_its_life_is_sent_again():
    session_id = new_session(x=1)
    issued = time.time() - 8 * DAY
    assert "mall" not in raw_visit(session_id=session_id, issued=issued).cookies
    fresh = raw_visit(get_x, session_id=session_id, issued=issued).cookies["mall"].value
    assert cookies.prove(MASTER, fresh).id == session_id


def test_nothing_is_stored_for_who_writes_nothing():
    before = rows()
    response = raw_visit(lambda request: request.session.claim_key())
    assert "mall" in response.cookies
    raw_visit(get_x, session_id=ids.new_id())
    assert rows() == before


@pytest.mark.parametrize("host", ["a.test", "c.test"])
def test_cookie_of_another_host_is_refused(host):
    session_id = new_session(x=5)
    assert raw_visit(get_x, MASTER.host, session_id=session_id).content == b"5"
    assert raw_visit(get_x, host, session_id=session_id, signed_for=MASTER.host).content == b"None"
    assert raw_visit(get_x, STORE.host, session_id=session_id).content == b"5"  # the same id, signed for the host


def test_bare_id_is_refused():
    session_id = new_session(x=5)
    client = StockClient()
    for name in ("mall", "sessionid", "__Host-Http-mall"):
        client.cookies[name] = session_id
    assert visit(client, get_x).content == b"None"


def test_timed_out_session_keeps_its_cookie_and_id():
    session_id = new_session(x=1)
    Session.objects.update(expires_ms=now_ms())
    response = raw_visit(get_x, session_id=session_id)
    assert (response.content, dict(response.cookies)) == (b"None", {})
    raw_visit(set_x, session_id=session_id)
    assert stored(session_id) == {"x": 1}


def test_server_error_saves_nothing_and_sets_no_cookie():
    def fail(request):
        set_x(request)
        return HttpResponse(status=500)

    assert dict(raw_visit(fail).cookies) == {}
    assert rows()[0] == 0


def test_late_write_to_an_ended_session_is_dropped_quietly_when_safe():
    session_id = new_session(x=1)

    def log_out_meanwhile(request):
        request.session["x"] = 2
        SessionStore(session_id).delete()

    response = raw_visit(log_out_meanwhile, session_id=session_id)
    assert (response.status_code, stored(session_id)) == (200, {})


def test_late_write_of_a_form_says_so():
    session_id = new_session(x=1)

    def log_out_meanwhile(request):
        request.session["x"] = 2
        SessionStore(session_id).delete()

    assert raw_visit(log_out_meanwhile, session_id=session_id, method="post").status_code == 400


def test_step_in_a_session_that_ended_says_so():
    session_id = new_session(x=1)

    def log_out_meanwhile(request):
        request.session.get("x")
        SessionStore(session_id).delete()
        request.session.increment("x")

    assert raw_visit(log_out_meanwhile, session_id=session_id, method="post").status_code == 400


class DeadStore:
    def __getattr__(self, name):
        def fail(*args):
            raise StoreUnavailableError("It is away.")

        return fail


@pytest.fixture
def dead_store(monkeypatch):
    monkeypatch.setattr("sessions_farm.session.session.current_store", DeadStore)


def test_dead_store_costs_no_cookie(dead_store):
    session_id = ids.new_id()
    for do in (get_x, set_x, lambda request: str(request.user)):
        response = raw_visit(do, session_id=session_id)
        assert (response.status_code, dict(response.cookies)) == (503, {})
    assert raw_visit(lambda request: request.session.session_key, session_id=session_id).content.decode() == session_id


def swallow(request):
    """As Django's template language does: an operator takes an error for false."""
    template = "{% if request.user.is_authenticated and 1 %}anna{% else %}nobody{% endif %}"
    return HttpResponse(Engine().from_string(template).render(Context({"request": request})))


@pytest.mark.parametrize("method", ["get", "post"])
def test_dead_store_shows_nobody_as_a_stranger(dead_store, method):
    """Whatever becomes of the error in the view: also of a write to a session that was cleared, so never loaded."""
    for do in (get_x, set_x, swallow, lambda request: request.session.clear(), suppressed):
        response = raw_visit(do, session_id=ids.new_id(), method=method)
        assert (response.status_code, response["Retry-After"], dict(response.cookies)) == (503, "5", {})
        assert response["Cache-Control"] == "no-store"


def suppressed(request):
    with suppress(Exception):
        return request.session.get("x")


def test_dead_store_serves_what_asks_for_no_session(dead_store):
    assert raw_visit(session_id=ids.new_id()).status_code == 200


@pytest.mark.parametrize("by", ["decorator", "setting"])
def test_optional_session_lets_the_view_go_on(dead_store, settings, by):
    if by == "setting":
        settings.SESSIONS_FARM |= {"OPTIONAL": True}
    else:
        settings.ROOT_URLCONF = ModuleType("urls")
        settings.ROOT_URLCONF.urlpatterns = [path("", session_optional(session_site.page))]
    for do, seen in ((get_x, b"None"), (swallow, b"nobody"), (set_x, b"None")):
        response = raw_visit(do, session_id=ids.new_id())
        assert (response.status_code, response.content, dict(response.cookies)) == (200, seen, {})
        assert (response["Cache-Control"], response["Vary"]) == ("private, no-store", "Cookie")
    assert raw_visit(lambda request: request.session.unavailable, session_id=ids.new_id()).content == b"False"
    assert raw_visit(set_x, session_id=ids.new_id(), method="post").status_code == 503


def test_projects_own_page_says_that_the_store_is_away(dead_store, settings):
    page = ("django.template.loaders.locmem.Loader", {"503.html": "One moment, please."})
    settings.TEMPLATES = [
        {"BACKEND": "django.template.backends.django.DjangoTemplates", "OPTIONS": {"loaders": [page]}}
    ]
    assert raw_visit(get_x, session_id=ids.new_id()).content == b"One moment, please."


def test_dead_store_takes_no_form(dead_store):
    for do in (set_x, lambda request: request.session.increment("x")):
        response = raw_visit(do, session_id=ids.new_id(), method="post")
        assert (response.status_code, dict(response.cookies)) == (503, {})
        assert response["Retry-After"]


def test_login_rotates_the_id_and_ends_the_old_one(user):
    session_id = new_session(x=1)
    response = raw_visit(lambda request: login(request, user), session_id=session_id, method="post")
    proof = cookies.prove(MASTER, response.cookies["mall"].value)
    assert proof.id != session_id
    assert stored(proof.id)["x"] == 1
    assert SessionStore(session_id).ended


def test_login_takes_two_trips_to_the_store(user):
    session_id = new_session(x=1)
    store, trips = current_store(), []

    def log_in(request):
        login(request, user)
        request.session.store = SimpleNamespace(
            rotate=lambda *args: trips.append("rotate") or store.rotate(*args),
            apply=lambda *args: trips.append("apply") or store.apply(*args),
        )

    raw_visit(log_in, session_id=session_id, method="post")
    assert trips == ["rotate"]  # after the load


def test_request_in_flight_at_a_login_is_served_and_leaves_the_cookie_alone(user):
    session_id = new_session(x=1)
    raw_visit(lambda request: login(request, user), session_id=session_id, method="post")
    response = raw_visit(get_x, session_id=session_id, issued=time.time() - 8 * DAY)  # due to be sent again, else
    assert (response.status_code, response.content, dict(response.cookies)) == (200, b"1", {})
    response = raw_visit(set_x, session_id=session_id)
    assert (response.status_code, dict(response.cookies)) == (200, {})
    assert raw_visit(lambda request: str(request.user), session_id=session_id).content == b"AnonymousUser"


def test_fixed_id_is_worthless_after_the_victims_login(user):
    """Session fixation: whoever planted the id never sees the signed-in session, also not in the grace."""
    planted = new_session(x=1)
    raw_visit(lambda request: login(request, user), session_id=planted, method="post")
    for _ in range(2):
        seen = raw_visit(
            lambda request: [str(request.user), request.session.get(SIGNED_IN), request.session.ended],
            session_id=planted,
        )
        assert seen.content == b"['AnonymousUser', None, True]"
        Tombstone.objects.update(grace_until_ms=0)


def test_logout_replaces_the_id_on_the_master(user):
    client = Client()
    client.force_login(user)
    before = client.cookies["sessionid"].value
    assert visit(client, lambda request: request.user.pk).content.decode() == str(user.pk)
    visit(client, logout, method="post")
    assert client.cookies["sessionid"].value not in {before, None}
    assert SessionStore(before).ended
    assert stored(client.cookies["sessionid"].value) == {}


def test_logout_elsewhere_drops_the_cookie(user):
    session_id = new_session(x=1)
    response = raw_visit(lambda request: request.session.flush(), STORE.host, session_id=session_id, method="post")
    assert response.cookies["mall"]["max-age"] == 0
    assert SessionStore(session_id).ended


def test_guarded_variables_are_the_masters_alone(user):
    session_id = new_session(x=1)
    response = raw_visit(lambda request: login(request, user), session_id=session_id, method="post")
    session_id = cookies.prove(MASTER, response.cookies["mall"].value).id

    def look(request):
        return [request.user.is_authenticated, request.session.get(SIGNED_IN), "checkout_contact" in request.session]

    def keep_contact(request):
        request.session["checkout_contact"] = {"name": "Anna"}

    raw_visit(keep_contact, session_id=session_id)
    assert raw_visit(look, session_id=session_id).content == b"[True, True, True]"
    assert raw_visit(look, STORE.host, session_id=session_id).content == b"[False, True, False]"
    names = raw_visit(lambda request: sorted(request.session.keys()), STORE.host, session_id=session_id).content
    assert b"_auth" not in names
    assert b"checkout" not in names
    raw_visit(set_x, STORE.host, session_id=session_id)  # what is hidden survives a write beside it
    assert raw_visit(look, session_id=session_id).content == b"[True, True, True]"


@pytest.mark.parametrize("name", ["_auth_user_id", "_auth_user_hash", "checkout_contact"])
def test_guarded_variables_cannot_be_written_elsewhere(name):
    session_id = new_session(x=1)
    for write in (
        lambda request: request.session.__setitem__(name, "1"),
        lambda request: request.session.append(name, 1),
        lambda request: request.session.increment(name),
        lambda request: request.session.compare_and_set(name, None, 1),
    ):
        with pytest.raises(GuardedVariableError):
            raw_visit(write, STORE.host, session_id=session_id)
    assert stored(session_id) == {"x": 1}


def test_staff_time_out_sooner(user):
    user.is_staff = True
    user.save()
    client = Client()
    client.force_login(user)
    header = run_sync(current_store().load(ids.digest(client.cookies["sessionid"].value), now_ms())).header
    assert isinstance(header, Header)
    assert header.idle == 2 * 3_600_000


def test_timing_tells_the_trips_where_developers_look(settings):
    session_id = new_session(x=1)
    settings.DEMO = False
    assert "Server-Timing" not in raw_visit(get_x, session_id=session_id)
    settings.DEMO = True
    assert raw_visit(get_x, session_id=session_id)["Server-Timing"] == 'session;desc="trips=1 bytes=1"'
    assert raw_visit(session_id=session_id)["Server-Timing"] == 'session;desc="trips=0 bytes=0"'


def test_no_id_stands_in_the_database(user):
    client = Client()
    visit(client, set_x, method="post")
    client.force_login(user)
    visit(client, set_x)
    assert client.cookies["sessionid"].value
    for model in (Session, Variable, Tombstone):
        assert not any(client.cookies["sessionid"].value in str(row) for row in model.objects.values_list())
    assert Session.objects.filter(key_hash=ids.digest(client.cookies["sessionid"].value)).exists()

"""Views that read the session only, or have none: nothing is sent for them, and a mistake is seen while it is made."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import login, logout
from django.core.signals import got_request_exception
from django.db import connections
from django.test import AsyncClient
from django.test import Client as StockClient

from sessions_farm.models import Session, Variable
from sessions_farm.session import ids
from sessions_farm.session.audience import SITE
from sessions_farm.session.read_only import ReadOnlySessionError
from sessions_farm.session.session import SessionStore
from sessions_farm.tests.support import modes_site, session_site
from sessions_farm.tests.support.people import make_user
from sessions_farm.web import cookies
from sessions_farm.web.decorators import SessionOffError

HOST = "testserver"  # the one that AsyncClient can ask
OFF = ["off", "off-async", "off-class", "swapped"]
READONLY = ["readonly", "readonly-async", "readonly-class"]
WEEK = 7 * 86_400


@pytest.fixture(autouse=True)
def site(db, settings):
    settings.MIDDLEWARE = session_site.MIDDLEWARE
    settings.ROOT_URLCONF = "sessions_farm.tests.support.modes_site"
    settings.SESSION_COOKIE_SECURE = False
    settings.SESSIONS_FARM = {"STORE": "database"}
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    settings.ALLOWED_HOSTS = [HOST]
    yield
    modes_site.TO_DO.clear()


@pytest.fixture
def production(settings):
    settings.SESSIONS_FARM = settings.SESSIONS_FARM | {"READONLY_RAISES": False}


@pytest.fixture
def session_id():
    session = SessionStore()
    session.update({"x": 1, "list": [1]})
    session.save()
    return session.session_key


def visit(place, do=None, session_id=None, issued=None):
    modes_site.TO_DO[:] = [do] if do else []
    value = cookies.seal(SITE, session_id, host=HOST, now=issued) if session_id else ""
    if place.endswith("async"):
        return async_to_sync(visit_async)(place, value)
    client = StockClient()
    client.cookies["mall"] = value
    return client.get(f"/{place}", headers={"host": HOST})


async def visit_async(place, value):
    """Django answers what an async view raises in a thread of the loop's pool, and closes no connection that somebody
    opens there (whoever logs exceptions may ask for the user). So here the pool is one thread, and it closes its own.
    """
    client = AsyncClient()
    client.cookies["mall"] = value
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as pool:
        loop.set_default_executor(pool)
        try:
            return await client.get(f"/{place}")
        finally:
            await loop.run_in_executor(pool, connections.close_all)


def stored(session_id):
    return dict(SessionStore(session_id).items())


def rows():
    return [model.objects.count() for model in (Session, Variable)]


WRITES = {
    "set": lambda request: request.session.__setitem__("x", 2),
    "drop": lambda request: request.session.pop("x"),
    "nested": lambda request: request.session["list"].append(2),
    "clear": lambda request: request.session.clear(),
    "update": lambda request: request.session.update({"y": 1}),
    "expiry": lambda request: request.session.set_expiry(60),
    "increment": lambda request: request.session.increment("x", 3),
    "append": lambda request: request.session.append("list", 2),
    "compare": lambda request: request.session.compare_and_set("x", 1, 2),
    "save": lambda request: request.session.__setitem__("x", 2) or request.session.save(),
}
# What a page that goes on in production must not be able to believe it did.
IDENTITY = {
    "logout": logout,
    "rotate": lambda request: request.session.cycle_key(),
    "delete": lambda request: request.session.delete(),
    "login": lambda request: login(request, make_user()),
}


@pytest.mark.parametrize("place", OFF)
def test_view_without_session_asks_nothing_and_sets_nothing(place, session_id, django_assert_num_queries):
    for known in (None, session_id):
        with django_assert_num_queries(0):
            response = visit(place, None, known, issued=time.time() - 2 * WEEK)  # due to be sent again, else
        assert (response.status_code, dict(response.cookies), response.get("Vary")) == (200, {}, None)


@pytest.mark.parametrize("place", OFF)
@pytest.mark.parametrize(
    "use",
    [
        lambda request: request.session["x"],
        lambda request: request.session.get("x"),
        lambda request: "x" in request.session,
        lambda request: request.session.increment("x"),
        lambda request: bool(request.session),
        lambda request: list(request.session),
        lambda request: request.user.pk,
        *WRITES.values(),
    ],
)
def test_view_without_session_cannot_use_it(place, use, session_id):
    with pytest.raises(SessionOffError, match=r"@session_off"):
        visit(place, use, session_id)
    assert stored(session_id) == {"x": 1, "list": [1]}


@pytest.fixture
def exception_log():
    """Who logs exceptions asks who the visitor is and what is in the session, wherever Django answers them."""
    heard = []

    def note(request, **_kwargs):
        heard.append((request.user.is_authenticated, request.session.get("list")))

    got_request_exception.connect(note)
    yield heard
    got_request_exception.disconnect(note)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("place", [*OFF, *READONLY])
def test_who_logs_the_exception_of_a_view_can_read_the_session(place, session_id, exception_log):
    with pytest.raises((SessionOffError, ReadOnlySessionError)):
        visit(place, WRITES["set"], session_id)
    assert exception_log == [(False, [1])]


def test_error_page_of_a_view_without_session_has_it(session_id):
    response = visit("missing", None, session_id)
    assert (response.status_code, response.content, response["Vary"]) == (404, b"Nothing here for 1.", "Cookie")


@pytest.mark.django_db(transaction=True)  # an event loop touches by a connection of its own
@pytest.mark.parametrize("place", READONLY)
def test_readonly_view_reads_and_slides(place, session_id):
    Session.objects.update(seen_ms=0)
    response = visit(place, lambda request: [request.session["x"], request.user.pk], session_id)
    assert (response.content, dict(response.cookies), response["Vary"]) == (b"[1, None]", {}, "Cookie")
    assert Session.objects.get().seen_ms > 0


@pytest.mark.parametrize("place", READONLY)
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_write_in_a_readonly_view_is_an_error_in_tests(place, write, session_id):
    with pytest.raises(ReadOnlySessionError, match=r"@session_readonly"):
        visit(place, write, session_id)
    assert stored(session_id) == {"x": 1, "list": [1]}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_control_the_same_write_in_a_free_view_is_kept(write, session_id):
    visit("free", write, session_id)
    assert stored(session_id) != {"x": 1, "list": [1]}


@pytest.mark.parametrize("place", READONLY)
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_write_in_a_readonly_view_is_dropped_and_logged_in_production(production, place, write, session_id, caplog):
    version = Session.objects.get().version
    with caplog.at_level(logging.WARNING, "sessions_farm.web.decorators"):
        response = visit(place, write, session_id)
    assert (response.status_code, dict(response.cookies)) == (200, {})
    assert stored(session_id) == {"x": 1, "list": [1]}
    assert Session.objects.get().version == version
    assert "@session_readonly" in caplog.text


def test_dropped_step_answers_as_if_it_had_been_kept(production, session_id):
    """The page goes on: what it shows is right for this once."""
    seen = visit(
        "readonly",
        lambda request: [
            request.session.increment("x", 3),
            request.session.append("list", 2),
            request.session.compare_and_set("x", 4, 5),
            request.session.compare_and_set("x", 4, 6),
            request.session["x"],
        ],
        session_id,
    )
    assert seen.content == b"[4, [1, 2], True, False, 5]"


def test_readonly_view_makes_no_session(production):
    before = rows()
    for write in (WRITES["set"], WRITES["increment"], WRITES["append"]):
        for known in (None, ids.new_id()):
            assert dict(visit("readonly", write if known else WRITES["set"], known).cookies) == {}
    assert rows() == before


@pytest.mark.parametrize("raises", [True, False])
@pytest.mark.parametrize("act", IDENTITY.values(), ids=IDENTITY)
def test_who_the_visitor_is_cannot_change_in_a_readonly_view(settings, session_id, act, raises):
    """A logout that is dropped quietly would leave somebody signed in who believes to be out."""
    settings.SESSIONS_FARM = settings.SESSIONS_FARM | {"READONLY_RAISES": raises}
    with pytest.raises(ReadOnlySessionError):
        visit("readonly", act, session_id)
    assert stored(session_id) == {"x": 1, "list": [1]}


@pytest.mark.parametrize(
    ("debug", "tests", "strict"), [(True, False, True), (False, True, True), (False, False, False)]
)
def test_strictness_follows_debug_and_tests(settings, monkeypatch, session_id, debug, tests, strict):
    settings.DEBUG = debug
    if not tests:
        monkeypatch.delattr("django.core.mail.outbox")
    if strict:
        with pytest.raises(ReadOnlySessionError):
            visit("readonly", WRITES["set"], session_id)
    else:
        assert visit("readonly", WRITES["set"], session_id).status_code == 200


def test_change_by_a_middleware_before_the_view_is_kept(settings, session_id):
    settings.MIDDLEWARE = [*session_site.MIDDLEWARE, f"{__name__}.CountPages"]
    for place in ("readonly", "off"):
        visit(place, None, session_id)
    assert stored(session_id)["pages"] == 2


class CountPages:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.session["pages"] = request.session.get("pages", 0) + 1
        return self.get_response(request)

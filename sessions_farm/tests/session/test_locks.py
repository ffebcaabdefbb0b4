"""A view that holds the session alone: others that ask wait, the dead hold nobody up, and the late write nothing."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from django.conf import settings
from django.db import connections
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.urls import path

from sessions_farm.session.audience import SITE
from sessions_farm.stores import current_store
from sessions_farm.stores.base import now_ms
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.tests.support import session_site
from sessions_farm.tests.support.declared_farm import NAMES, again, handle, saved, use
from sessions_farm.web import cookies
from sessions_farm.web.decorators import session_exclusive, session_off, session_readonly

EVERY_THREADED = [
    pytest.param(name, marks=pytest.mark.django_db(transaction=True, available_apps=["sessions_farm"]))
    for name in NAMES
]
WORK = []
VISITS = 6
MEETING = threading.Barrier(VISITS)


def count_slowly(request):
    """Read, take a while, write: what loses steps unless one waits for the other."""
    found = request.session.get("n", 0)
    time.sleep(0.02)
    request.session["n"] = found + 1
    return HttpResponse()


def count_together(request):
    """The same, where nobody writes before all have read."""
    found = request.session.get("n", 0)
    MEETING.wait(20)
    request.session["n"] = found + 1
    return HttpResponse()


@session_exclusive(wait=0.05)
def impatient(request):
    return HttpResponse("entered")


@session_exclusive(lease=0.05)
def overdue(request):
    WORK[0]()
    request.session["n"] = "late"
    return HttpResponse()


@session_exclusive()
async def alone_async(request):
    found = await request.session.aget("n", 0)
    await request.session.aset("n", found + 1)
    return HttpResponse(str(found + 1))


urlpatterns = [
    path("together", count_together),
    path("alone", session_exclusive(wait=30)(count_slowly)),
    path("impatient", impatient),
    path("overdue", overdue),
    path("async", alone_async),
]


@pytest.fixture(params=EVERY_THREADED, autouse=True)
def farm(request, settings, tmp_path):
    use(settings, request.param, tmp_path)
    settings.MIDDLEWARE = session_site.MIDDLEWARE[:2]
    settings.ROOT_URLCONF = __name__
    yield
    WORK.clear()


@pytest.fixture
def session():
    return saved(n=0)


def client_of(session):
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return client


def at_once(session, page):
    def visit():
        try:
            client_of(session).post(page)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=visit) for _ in range(VISITS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return again(session)["n"]


def test_visits_that_hold_the_session_alone_lose_nothing(session):
    assert at_once(session, "/alone") == VISITS


def test_visits_that_do_not_lose_steps(session):
    """The control."""
    assert at_once(session, "/together") < VISITS


def test_waiting_is_bounded_and_then_the_answer_is_503(session):
    run_sync(current_store().acquire(handle(session), "somebody", now_ms(), 60_000))
    response = client_of(session).get("/impatient")
    assert (response.status_code, response["Retry-After"]) == (503, "1")
    run_sync(current_store().release(handle(session), "somebody"))
    assert client_of(session).get("/impatient").content == b"entered"


def test_lease_is_given_back(session):
    client = client_of(session)
    assert [client.get("/impatient").status_code for _ in range(3)] == [200] * 3


def test_visitor_without_a_session_is_alone_anyway():
    assert Client().get("/impatient").status_code == 200


def test_who_is_late_writes_nothing(session):
    def somebody_else():
        time.sleep(0.1)
        assert run_sync(current_store().acquire(handle(session), "somebody", now_ms(), 60_000))

    WORK[:] = [somebody_else]
    assert client_of(session).post("/overdue").status_code == 400
    assert again(session)["n"] == 0


def test_async_views_hold_it_too(session):
    async def visit():
        client = AsyncClient()
        client.cookies["mall"] = cookies.seal(SITE, session.session_key, host="testserver")
        return (await client.get("/async")).content

    assert asyncio.run(visit()) == b"1"
    assert again(session)["n"] == 1


def test_off_wins_and_readonly_contradicts():
    def view(request): ...

    assert session_off(session_exclusive()(view)).session_mode == session_off(view).session_mode
    with pytest.raises(TypeError, match="readonly"):
        session_exclusive()(session_readonly(view))

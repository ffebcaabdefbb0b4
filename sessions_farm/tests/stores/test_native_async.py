"""Under ASGI a session is loaded and saved in the event loop itself, without a thread."""

from __future__ import annotations

import asyncio
import sys

import pytest
from asgiref.sync import SyncToAsync
from django.contrib.sessions.middleware import SessionMiddleware as StockMiddleware
from django.http import HttpResponse
from django.test import AsyncClient
from django.urls import path

from sessions_farm.session import audience
from sessions_farm.session.audience import SITE
from sessions_farm.testing.stock_clients import wire_client
from sessions_farm.tests.support import session_site
from sessions_farm.tests.support.declared_farm import again, saved, use
from sessions_farm.tests.support.stores_fixtures import REDIS_URL
from sessions_farm.web import cookies
from sessions_farm.web.decorators import session_off, session_readonly

COMMITTED = pytest.mark.django_db(transaction=True, available_apps=["sessions_farm"])
NATIVE = [
    "memory",
    pytest.param("database", marks=COMMITTED),
    *(["redis", pytest.param("tiered", marks=COMMITTED)] if REDIS_URL else []),
]


async def everything(request):
    session = request.session
    await session.aset("x", await session.aget("x", 0) + 1)
    await session.aincrement("n", 2)
    await session.aappend("log", "a")
    await session.acompare_and_set("log", ["a"], ["b"])
    return HttpResponse(str(await session.aget("x")))


@session_readonly
async def reading(request):
    return HttpResponse(str(await request.session.aget("x")))


@session_off
async def without(request):
    return HttpResponse("nothing")


urlpatterns = [path("", everything), path("reading", reading), path("without", without)]


@pytest.fixture(params=NATIVE)
def farm(request, settings, tmp_path, monkeypatch):
    monkeypatch.setattr(audience, "_finders", [])  # a site without communities
    if request.param == "database" and settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        pytest.skip("SQLite has no asynchronous driver: its work goes to a thread.")
    use(settings, request.param, tmp_path)
    settings.MIDDLEWARE = session_site.MIDDLEWARE[:2]
    settings.ROOT_URLCONF = __name__
    return request.param


@pytest.fixture
def hops(monkeypatch):
    """Return the work that asgiref or asyncio sends to a thread."""
    sent, hop = [], SyncToAsync.__call__

    def noted(self, *args, **kwargs):
        caller = sys._getframe(1).f_code.co_filename
        if "django/test" not in caller and "sessions_farm/testing" not in caller:  # neither is there in production
            sent.append(self.func)
        return hop(self, *args, **kwargs)

    monkeypatch.setattr(SyncToAsync, "__call__", noted)
    monkeypatch.setattr(asyncio, "to_thread", lambda *args: sent.append(args))
    return sent


def visit(session, page):
    async def go():
        client = wire_client(AsyncClient)()
        client.cookies["mall"] = cookies.seal(SITE, session.session_key, host="testserver")
        return await client.get(page)

    return asyncio.run(go())


def test_no_thread_is_asked(farm, hops):
    session = saved(x=1)
    hops.clear()
    contents = [visit(session, page).content for page in ("/", "/reading", "/without")]
    # Django itself sends one of its signals, request_finished, to a thread.
    ours = [func for func in hops if "sessions_farm" in getattr(func, "__module__", "sessions_farm")]
    assert (contents, ours) == ([b"2", b"2", b"nothing"], [])
    found = again(session)
    assert (found["x"], found["n"], found["log"]) == (2, 2, ["b"])


@pytest.mark.django_db(transaction=True)
def test_djangos_own_middleware_asks_one(hops, settings):
    """The control: the same site behind Django's middleware and engine."""
    settings.MIDDLEWARE = [f"{StockMiddleware.__module__}.{StockMiddleware.__qualname__}"]
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
    settings.ROOT_URLCONF = __name__

    async def go():
        return await AsyncClient().get("/reading")

    asyncio.run(go())
    assert [func for func in hops if getattr(func, "__name__", "") in {"process_request", "process_response"}]

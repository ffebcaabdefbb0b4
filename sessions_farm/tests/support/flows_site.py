"""A site with one view, in both ways, that does what the test says; and browsers that go there."""

from __future__ import annotations

from django.contrib import auth
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import AsyncClient
from django.test import Client as StockClient
from django.urls import path

from sessions_farm.tests.support.both_ways import Told

MIDDLEWARE = [
    "sessions_farm.web.middleware.StrictCookies",
    "sessions_farm.web.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

TO_DO = []


class Page:
    """What a view has: the request, and each of Django's functions by the name that fits the view."""

    def __init__(self, request: HttpRequest, way: str) -> None:
        self.request = request
        self.session = Told(request.session, way)
        self._way = way

    async def auth(self, name, *args):
        if self._way == "async":
            return await getattr(auth, f"a{name}")(self.request, *args)
        return getattr(auth, name)(self.request, *args)

    async def login(self, user):
        await self.auth("login", user, "django.contrib.auth.backends.ModelBackend")

    async def user(self):
        """Who is signed in, by primary key."""
        return (await self.request.auser() if self._way == "async" else self.request.user).pk

    async def new_password(self, user):
        assert await self.user() == user.pk  # asked for afterwards, the new password would end this session too
        user.set_password("another")
        await Told(user, self._way).save()
        await self.auth("update_session_auth_hash", user)


def page(request):
    try:
        TO_DO[0](Page(request, "sync")).send(None)
    except StopIteration as done:
        return answer(done.value)
    raise AssertionError("A sync view has nothing to wait for.")


async def page_async(request):
    return answer(await TO_DO[0](Page(request, "async")))


def answer(value):
    return value if isinstance(value, HttpResponse) else JsonResponse({"seen": value})


urlpatterns = [path("sync", page), path("async", page_async)]


class Browser:
    """Does something in a view, and returns what the view saw."""

    def __init__(self, farm, *, strict=False):
        self._way = farm.way
        self.client = (AsyncClient if farm.way == "async" else StockClient)(enforce_csrf_checks=strict)

    async def send(self, do, method="get", data=None):
        TO_DO[:] = [do]
        response = getattr(self.client, method)(f"/{self._way}", data)
        return await response if self._way == "async" else response

    async def visit(self, do):
        response = await self.send(do)
        assert response.status_code == 200
        return response.json()["seen"]

    def copy(self, farm):
        """Somebody who has stolen the cookies."""
        other = Browser(farm)
        other.client.cookies.update(self.client.cookies)
        return other

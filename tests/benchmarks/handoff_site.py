"""The site that hand-offs are measured on: one page, behind the farm's middleware, behind Django's, behind nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.test import RequestFactory, override_settings
from django.urls import include, path

from sessions_farm.communities.handoff.circuit_breakers import breakers
from sessions_farm.communities.models import Community, Domain
from sessions_farm.communities.registry import registry
from sessions_farm.conf import options
from sessions_farm.testing.browser import Outgoing, environ_of
from tests.benchmarks.engines import stock
from tests.benchmarks.table import STOCK_CACHED_DB, STOCK_CORE, STOCK_DB, STOCK_DJANGO_REDIS
from tests.benchmarks.wire import Meter, metered_database, metered_redis

MASTER, SHOPS = "mall.example", ("fern-and-thistle.example", "lamplighter.example")

HANDOFF = "sessions_farm.communities.handoff.middleware.HandoffMiddleware"
FARM = [
    "sessions_farm.communities.middleware.HostMiddleware",
    "sessions_farm.web.middleware.StrictCookies",
    "sessions_farm.web.middleware.SessionMiddleware",
    HANDOFF,
]


class StockSessions(SessionMiddleware):
    """Django's middleware on the engine of one column of the table: SESSION_ENGINE names only one for a process."""

    column: ClassVar[str]

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        self.SessionStore = stock(options().redis_url)[self.column]  # type: ignore[assignment]  # as it is called


class OnDb(StockSessions):
    column = STOCK_DB


class OnDjangoRedis(StockSessions):
    column = STOCK_DJANGO_REDIS


class OnCoreCache(StockSessions):
    column = STOCK_CORE


class OnCachedDb(StockSessions):
    column = STOCK_CACHED_DB


THEIRS = {kind.column: f"{__name__}.{kind.__name__}" for kind in (OnDb, OnDjangoRedis, OnCoreCache, OnCachedDb)}


def page(request: HttpRequest) -> HttpResponse:
    session = getattr(request, "session", None)
    return HttpResponse(f"Seen before: {session.get('page')}" if session is not None else "Seen before: nobody knows.")


urlpatterns = [path(".mall/", include("sessions_farm.communities.handoff.urls")), path("", page)]


def handler_of(*middleware: str) -> WSGIHandler:
    with override_settings(MIDDLEWARE=list(middleware)):
        return WSGIHandler()


def serve(handler: WSGIHandler, environ: dict[str, Any]) -> HttpResponseBase:
    """One request, as a WSGI server makes it and sends what is answered."""
    response = handler(environ.copy(), start_response)
    b"".join(response)
    response.close()
    return response


def start_response(*_told: object) -> Callable[[bytes], object]:
    """WSGI's write function; a response writes all of its content itself."""
    return len


class Stopwatch:
    """Django in this process as the way of a test's browser; ``took``: milliseconds of each request."""

    def __init__(self, handler: WSGIHandler) -> None:
        self.handler = handler
        self.took: list[float] = []

    def send(self, request: Outgoing) -> HttpResponseBase:
        secure = request.url.scheme == "https"
        said = environ_of(request.url, request.headers) | {"REMOTE_ADDR": request.address}
        environ = RequestFactory().generic(request.method, request.target, secure=secure, **said).environ
        begun = perf_counter_ns()
        response = serve(self.handler, environ)
        self.took.append((perf_counter_ns() - begun) / 1e6)
        return response


class Counting:
    """Another way, with meters in place of the stopwatch; ``spent``: the trips of each request."""

    def __init__(self, handler: WSGIHandler, meters: Meters) -> None:
        self.watch = Stopwatch(handler)
        self.meters = meters
        self.spent: list[Trips] = []

    def send(self, request: Outgoing) -> HttpResponseBase:
        before = self.meters.read()
        response = self.watch.send(request)
        self.spent.append(self.meters.read() - before)
        return response


@dataclass(frozen=True)
class Trips:
    sessions: int = 0
    cache: int = 0
    sql: int = 0

    @property
    def total(self) -> int:
        return self.sessions + self.cache + self.sql

    def __add__(self, other: Trips) -> Trips:
        return Trips(self.sessions + other.sessions, self.cache + other.cache, self.sql + other.sql)

    def __sub__(self, other: Trips) -> Trips:
        return Trips(self.sessions - other.sessions, self.cache - other.cache, self.sql - other.sql)

    def __str__(self) -> str:
        return f"{self.sessions} Redis, {self.cache} cache, {self.sql} SQL"


@dataclass(frozen=True)
class Meters:
    """On the lines to the Redis of the sessions, to that of the cache, to the database."""

    sessions: Meter
    cache: Meter
    sql: Meter

    def read(self) -> Trips:
        return Trips(self.sessions.trips, self.cache.trips, self.sql.trips)


@contextmanager
def metered_farm_on(store: str) -> Iterator[Meters]:
    """As ``farm_on``; nothing polls the registry meanwhile, so what is counted are the requests' own trips."""
    url = options().redis_url
    with (
        metered_redis(url) as (redis_url, sessions),
        metered_redis(url) as (cache_url, cache),
        metered_database() as sql,
    ):
        caches = {"default": settings.CACHES["default"] | {"LOCATION": cache_url}}
        with override_settings(CACHES=caches), farm_on(store, poll=0, REDIS_URL=redis_url):
            yield Meters(sessions, cache, sql)


@contextmanager
def farm_on(store: str, *, poll: float | None = None, **given: Any) -> Iterator[None]:
    """The farm's sessions are in that store while the block runs; nothing of its own goes on after it."""
    breakers.clear()
    communities = settings.SESSIONS_FARM_COMMUNITIES | ({} if poll is None else {"REGISTRY_POLL_SECONDS": poll})
    farm = settings.SESSIONS_FARM | {"STORE": store} | given
    with override_settings(SESSIONS_FARM=farm, SESSIONS_FARM_COMMUNITIES=communities):
        try:
            yield
        finally:
            registry.stop()
            registry.forget()


def make_community(slug: str, master: str, *hosts: str) -> Community:
    community: Community = Community.objects.create(slug=slug, name=slug.title(), cookie_name=slug)
    domains = [Domain(community=community, host=host, status=Domain.Status.ACTIVE) for host in (master, *hosts)]
    community.master = Domain.objects.bulk_create(domains)[0]
    community.save()
    return community

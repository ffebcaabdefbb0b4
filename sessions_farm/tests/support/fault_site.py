"""A small site under load: signed-in visitors who read and write in threads while the test harms a server.

Each visitor keeps the book: what was acknowledged, and what the site must never have done.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import threading
import time
from dataclasses import dataclass, field

from django.contrib.auth import get_user_model, login
from django.db import DatabaseError, InterfaceError, close_old_connections, connections
from django.http import HttpRequest, JsonResponse
from django.test import Client
from django.test import Client as StockClient
from django.urls import path

from sessions_farm.conf import Options
from sessions_farm.stores import current_store
from sessions_farm.tests.support.redis_servers import until

THREADS, VISITORS_EACH = 4, 3
TIMEOUT = 0.5  # at the first scale: so long that a busy machine's own delays are not taken for it
REST = 0.6  # longer than that: a call that waits although the breaker is open fails within the rest
BACKEND = "django.contrib.auth.backends.ModelBackend"
STOCK_MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
MIDDLEWARE = [
    "sessions_farm.tests.support.fault_site.ApplicationsOwnDatabase",
    "sessions_farm.web.middleware.StrictCookies",
    "sessions_farm.web.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]


class ApplicationsOwnDatabase:
    """Answer 503 where the view's own query fails: whose user it is stands in SQL, whatever the session's store is."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, _request, exception):
        if isinstance(exception, (DatabaseError, InterfaceError)):
            return JsonResponse({}, status=503, headers={"Retry-After": "5"})
        return None


def sign_in(request: HttpRequest, user: int) -> JsonResponse:
    login(request, get_user_model().objects.get(pk=user), BACKEND)
    return JsonResponse({})


def read(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"signed_in": request.user.is_authenticated, **numbers(request)})


def write(request: HttpRequest, number: int) -> JsonResponse:
    request.session["number"] = number
    return JsonResponse({})


def hit(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"hits": request.session.increment("hits")})


def numbers(request):
    return {name: request.session.get(name, 0) for name in ("number", "hits")}


urlpatterns = [
    path("sign-in/<int:user>", sign_in),
    path("", read),
    path("write/<int:number>", write),
    path("hit", hit),
]


@dataclass
class Times:
    """When the harm began and ended (monotonic)."""

    begin: float
    end: float = 0.0


@dataclass
class Answer:
    """``at`` is when the request began (monotonic)."""

    at: float
    seconds: float
    path: str
    status: int
    said: dict
    cookie_deleted: bool
    cookie_changed: bool
    retry_after: str | None

    @property
    def signed_out(self):
        return self.status == 200 and self.said.get("signed_in") is False


@dataclass
class Visitor:
    client: StockClient
    reconnects: bool = False  # whether a broken connection to the database is given up between requests, as servers do
    answers: list[Answer] = field(default_factory=list)
    number: int = 0  # the last that was acknowledged
    hits: int = 0  # acknowledged
    tried: int = 0  # numbers and hits that were asked for
    went_back: int = 0  # how often a page showed less than was acknowledged

    def sign_in(self, user):
        until(lambda: self.client.get(f"/sign-in/{user.pk}").status_code == 200, "the sign-in is answered")

    def go(self, turn):
        kind = turn % 3
        if kind == 0:
            self.look()
            return
        self.tried += 1
        if kind == 1 and self.ask(f"/write/{self.tried}").status == 200:
            self.number = self.tried
        if kind == 2 and self.ask("/hit").status == 200:
            self.hits += 1

    def look(self):
        answer = self.ask("/")
        if answer.status == 200 and not answer.signed_out:
            self.went_back += answer.said["number"] < self.number or answer.said["hits"] < self.hits
        return answer

    def see(self):
        """Look until the page comes: where nothing is harmed, only a busy machine's delay is taken for an outage."""
        until(lambda: self.look().status == 200, "the page is answered")
        return self.answers[-1]

    def ask(self, url):
        if self.reconnects:
            close_old_connections()
        before, begun = self.cookie(), time.monotonic()
        response = (self.client.get if url == "/" else self.client.post)(url)
        seconds = time.monotonic() - begun
        sent = response.cookies.values()
        answer = Answer(
            begun,
            seconds,
            url.split("/")[1],
            response.status_code,
            response.json() if response.status_code == 200 else {},
            cookie_deleted=any(morsel.value == "" or morsel["max-age"] == 0 for morsel in sent),
            cookie_changed=bool(sent) and self.cookie() != before,
            retry_after=response.get("Retry-After"),
        )
        self.answers.append(answer)
        return answer

    def cookie(self):
        if isinstance(self.client, Client):
            return self.client.cookies["sessionid"].value
        morsel = self.client.cookies.get("sessionid")
        return morsel and morsel.value


class Crowd:
    """Visitors who come as long as the block runs."""

    def __init__(self, user, scale, client=Client, *, reconnects=False):
        self.scale = scale
        count = THREADS * VISITORS_EACH
        self.visitors = [Visitor(client(raise_request_exception=False), reconnects) for _ in range(count)]
        for visitor in self.visitors:
            visitor.sign_in(user)
            assert visitor.see().said["signed_in"]
        self._over = threading.Event()
        self._faults = []
        parts = [self.visitors[each::THREADS] for each in range(THREADS)]
        self._threads = [threading.Thread(target=self._walk, args=[part]) for part in parts]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        self.stay(0.2)
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()
        if self._faults:
            raise self._faults[0]

    def stay(self, seconds):
        """Let them go on."""
        time.sleep(seconds * (1 if self.scale == 1 else 8))

    def _walk(self, visitors):
        try:
            turn = 0
            while not self._over.is_set():
                for visitor in visitors:
                    visitor.go(turn)
                turn += 1
        except Exception as error:  # noqa: BLE001  # raised again in the test's own thread
            self._faults.append(error)
        finally:
            connections.close_all()

    @property
    def answers(self):
        return sorted((each for visitor in self.visitors for each in visitor.answers), key=lambda each: each.at)

    def between(self, begin, end):
        return [each for each in self.answers if begin <= each.at < end]

    def assert_nobody_noticed(self):
        """No page failed, showed a stranger, or showed less than was acknowledged."""
        assert [each for each in self.answers if each.status != 200] == []
        assert [each for each in self.answers if each.signed_out] == []
        assert sum(visitor.went_back for visitor in self.visitors) == 0
        self.assert_nobody_lost_the_cookie()

    def assert_nobody_lost_the_cookie(self):
        assert not [each for each in self.answers if each.cookie_deleted or each.cookie_changed]

    def assert_everybody_is_signed_in(self):
        assert [visitor.see().signed_out for visitor in self.visitors] == [False] * len(self.visitors)

    def lost(self):
        """How many visitors no longer have what was acknowledged."""
        for visitor in self.visitors:
            visitor.went_back = 0
            visitor.see()
        return sum(visitor.went_back for visitor in self.visitors)

    def doubled(self):
        """How many visitors have more hits than they asked for."""
        return sum(
            visitor.see().said["hits"] > sum(each.path == "hit" for each in visitor.answers)
            for visitor in self.visitors
        )


def p99(answers):
    """Milliseconds."""
    times = sorted(each.seconds for each in answers)
    return 1000 * times[int(len(times) * 0.99)] if times else 0.0


class Failures:
    """Which thread met a failed call of Redis, and when (monotonic)."""

    def __init__(self, breaker):
        self.met = []
        record = breaker.record_failure

        def note(*args):
            self.met.append((threading.get_ident(), time.monotonic()))
            record(*args)

        breaker.record_failure = note

    def assert_no_second_wait(self):
        """Each thread meets the first failure at most, and then one probes for all after each rest."""
        for thread in {each for each, _ in self.met}:
            moments = [moment for each, moment in self.met if each == thread]
            assert [late - soon for soon, late in itertools.pairwise(moments) if late - soon < REST] == []


@contextlib.contextmanager
def serving(settings, url, scale, store="tiered"):
    """The site on the farm's engine."""
    serve_on(settings, MIDDLEWARE)
    settings.SESSIONS_FARM = {
        "STORE": store,
        "REDIS_URL": url,
        "REDIS_TIMEOUT": timeout_at(scale),
        "BREAKER_REST": REST,
    }
    yield
    current_store.cache_clear()


def serve_stock(settings, cache):
    """The same site on Django's own engine over django-redis."""
    serve_on(settings, STOCK_MIDDLEWARE)
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    settings.SESSION_COOKIE_NAME = "sessionid"
    settings.CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", **cache}}


def serve_on(settings, middleware):
    settings.MIDDLEWARE = middleware
    settings.ROOT_URLCONF = "sessions_farm.tests.support.fault_site"
    settings.SESSION_COOKIE_SECURE = False
    settings.AUTHENTICATION_BACKENDS = [BACKEND]


def timeout_at(scale):
    """Seconds; at larger scales the default, whose latency is reported."""
    return TIMEOUT if scale == 1 else Options().redis_timeout


def say_latency(capsys, scale):
    """At prove's scale, say what latency a fault added."""

    def say(what, crowd, times):
        if scale == 1:
            return
        before, during = crowd.between(0, times.begin), crowd.between(times.begin + 2 * timeout_at(scale), times.end)
        with capsys.disabled():
            sys.stdout.write(
                f"\n{what}: p99 {p99(before):.1f} ms before, {p99(during):.1f} ms after the first failure"
                f" ({len(during)} requests, slowest {1000 * max(each.seconds for each in crowd.answers):.0f} ms)\n"
            )

    return say

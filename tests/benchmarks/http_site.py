"""A site of four pages, served over HTTP by one process: under the first part of a path, each engine of sessions.

``python -m tests.benchmarks.http_site`` prints its port and serves until its standard input ends.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import django

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.http_settings"
    django.setup()

from django.contrib import auth
from django.contrib.sessions.backends.signed_cookies import SessionStore as StockSignedCookies
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from sessions_farm.conf import options
from sessions_farm.web.middleware import SessionMiddleware
from tests.benchmarks.engines import make_store, stock
from tests.benchmarks.subjects import VARIABLES
from tests.benchmarks.table import STOCK_CACHED_DB, STOCK_DB, STOCK_DJANGO_REDIS, STOCK_SIGNED

if TYPE_CHECKING:
    from sessions_farm.stores.protocol import Store

    type Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

COMMON = "django.middleware.common.CommonMiddleware"  # says the content's length, so that connections are kept
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
STRICT = "sessions_farm.web.middleware.StrictCookies"
BACKEND = "django.contrib.auth.backends.ModelBackend"
OURS = ("database", "redis", "tiered")
THEIRS = (STOCK_DB, STOCK_DJANGO_REDIS, STOCK_CACHED_DB, STOCK_SIGNED)


def begin(request: HttpRequest) -> HttpResponse:
    """Begin the session of a visitor who has a cart already."""
    request.session.update(VARIABLES)
    return HttpResponse()


def log_in(request: HttpRequest, user: str) -> HttpResponse:
    """Log in as a form does that has checked the password: that takes as long with every engine."""
    auth.login(request, auth.get_user_model().objects.get_by_natural_key(user), BACKEND)
    return HttpResponse()


def read(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.session["page"])


def read_as_user(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.user.get_username())


def write(request: HttpRequest) -> HttpResponse:
    request.session["hits"] += 1
    return HttpResponse(str(request.session["hits"]))


def untouched(_request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [
    path("begin", begin),
    path("login/<str:user>", log_in),
    path("read", read),
    path("user", read_as_user),
    path("write", write),
    path("untouched", untouched),
]


def middleware_of_store(store: Store) -> type[SessionMiddleware]:
    """Return our middleware on a store of its own: SESSIONS_FARM names one for a process."""

    class OnStore(SessionMiddleware):
        def process_request(self, request: HttpRequest) -> None:
            super().process_request(request)
            request.session.store = store  # type: ignore[attr-defined]  # it is our session

    return OnStore


def middleware_of_engine(column: str) -> type[DjangoSessionMiddleware]:
    """Return Django's middleware on one of Django's engines: SESSION_ENGINE names one for a process."""
    engine = StockSignedCookies if column == STOCK_SIGNED else stock(options().redis_url)[column]

    class OnEngine(DjangoSessionMiddleware):
        def __init__(self, get_response: Any) -> None:
            super().__init__(get_response)
            self.SessionStore = engine  # type: ignore[assignment]  # it is only called

    return OnEngine


def applications() -> dict[str, Application]:
    """Return a whole Django for each engine, by the name that its paths begin with."""
    found: dict[str, Application] = {}
    for name in (*OURS, *THEIRS):
        sessions = middleware_of_store(make_store(name)) if name in OURS else middleware_of_engine(name)
        listed = sessions.__name__ + name.replace("-", "_")
        globals()[listed] = sessions  # MIDDLEWARE names classes by their paths
        with override_settings(MIDDLEWARE=[*([STRICT] if name in OURS else []), f"{__name__}.{listed}", COMMON, AUTH]):
            found[name] = WSGIHandler()
    return found


class Quiet(WSGIRequestHandler):
    """Says nothing of each request, and sends each answer at once."""

    disable_nagle_algorithm = True

    def log_message(self, *_args: object) -> None:
        return


def main() -> None:
    by_name = applications()

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        _, name, rest = environ["PATH_INFO"].split("/", 2)
        return by_name[name](environ | {"PATH_INFO": f"/{rest}"}, start_response)

    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.daemon_threads = True
    server.set_app(application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()

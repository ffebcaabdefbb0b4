"""Two hosts of one site and a foreign one, told to the engine by its port (session.audience), as an app does it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponseBase

from sessions_farm.session import ids
from sessions_farm.session.audience import register_finder


@dataclass(frozen=True, slots=True)
class Host:
    """An audience. The cookie's signature covers ``cookie_scope`` besides the host."""

    host: str
    cookie_scope: tuple[str, ...] = ("mall",)
    sees_guarded: bool = True
    issues_ids: bool = True
    cookie_name: str = "mall"

    def new_id(self) -> str:
        return ids.new_id()


MASTER = Host("mall.test")
STORE = Host("a.test", sees_guarded=False, issues_ids=False)
FOREIGN = Host("c.test", cookie_scope=("fair",))
ASYNC = Host("testserver")  # the one that AsyncClient can ask
HOSTS = {audience.host: audience for audience in (MASTER, STORE, FOREIGN, ASYNC)}
MIDDLEWARE = f"{__name__}.TwoHostsMiddleware"


class TwoHostsMiddleware:
    """Puts the host's audience on the request, as an app with several hosts does."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.session_audience = HOSTS[request.get_host()]
        return self.get_response(request)


def serve(settings) -> None:
    """Put the hosts before the site's middleware, and let the stock clients know them, until the test ends."""
    settings.MIDDLEWARE = [MIDDLEWARE, *settings.MIDDLEWARE]
    settings.ALLOWED_HOSTS = list(HOSTS)
    register_finder(HOSTS.get)

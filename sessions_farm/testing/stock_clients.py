"""Let Django's stock test clients keep sessions: ``Client`` and ``AsyncClient``, and pytest-django's fixtures of them.

Django's clients keep the bare session key in the cookie SESSION_COOKIE_NAME. The engine's cookie has another name, and
its value is sealed for the host of each request. ``install`` translates between the two where a client builds a request
and takes a response; ``login``, ``force_login``, ``logout`` and ``session`` work as Django documents them. Where
SESSION_ENGINE is another engine, the clients are Django's own.

Sessions go by the clock of the tests' process then, not by their store's: a test that travels in time takes them along,
and one that counts queries counts none for the time.

``pytest`` loads this as a plugin (``sessions_farm.testing.pytest_plugin``). With another runner, call ``install()``
before the first test.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http.request import split_domain_port
from django.test import AsyncClient, Client
from django.test.client import ClientMixin

from sessions_farm.clock import STORE_CLOCK
from sessions_farm.session.audience import audience_of_host
from sessions_farm.session.session import SessionStore
from sessions_farm.web import cookies

ENGINE = "sessions_farm.engine"


def install() -> None:
    """Change Django's test clients, once for the process."""
    mixin, client_class, async_client_class = stock_classes()
    if getattr(mixin, "keeps_sealed_sessions", False):
        return
    mixin.keeps_sealed_sessions = True
    STORE_CLOCK.is_followed = False
    stock_session, stock_asession = mixin.session.fget, mixin.asession
    mixin.session = property(lambda client: proved_session(client) or stock_session(client))

    async def asession(client: Any) -> Any:
        return await sync_to_async(proved_session)(client) or await stock_asession(client)

    mixin.asession = asession
    environ_builder, scope_builder = client_class._base_environ, async_client_class._base_scope  # noqa: SLF001
    client_class._base_environ = sealing(environ_builder, environ_host, seal_environ)  # noqa: SLF001 -- no public hook
    async_client_class._base_scope = sealing(scope_builder, scope_host, seal_scope)  # noqa: SLF001 -- no public hook
    client_class.request = unsealing(client_class.request)
    async_client_class.request = unsealing_async(async_client_class.request)


def stock_classes() -> tuple[Any, Any, Any]:
    """Return Django's classes, untyped: their methods are replaced here."""
    return ClientMixin, Client, AsyncClient


def wire_client(client_class: Any) -> Any:
    """Return a class of clients that keep each cookie as it came, as before ``install``."""
    builder = "_base_environ" if issubclass(client_class, Client) else "_base_scope"
    stock = {name: getattr(client_class, name).__wrapped__ for name in (builder, "request")}
    return type(f"Wire{client_class.__name__}", (client_class,), stock)


def is_ours() -> bool:
    return settings.SESSION_ENGINE == ENGINE


def proved_session(client: Any) -> SessionStore | None:
    """Return the session of the client's cookie, as if the cookie proved it; None where there is no such cookie."""
    cookie = client.cookies.get(settings.SESSION_COOKIE_NAME) if is_ours() else None
    return SessionStore(proof=cookies.fresh_proof(cookie.value)) if cookie and cookie.value else None


def sealing(
    build: Callable[..., Any], host_of: Callable[[Any], str], put: Callable[[Any, str], None]
) -> Callable[..., Any]:
    """Return a builder of requests whose Cookie header holds the sealed cookie of the request's host."""

    @wraps(build)
    def built(client: Any, **request: Any) -> Any:
        base = build(client, **request)
        cookie = client.cookies.get(settings.SESSION_COOKIE_NAME)
        if is_ours() and cookie and cookie.value:
            host = host_of(base)
            audience = audience_of_host(host)
            sealed = cookies.seal(audience, cookie.value, host=host)
            put(base, f"{cookies.name_for(audience)}={sealed}")
        return base

    return built


def environ_host(environ: dict[str, Any]) -> str:
    return split_domain_port(environ.get("HTTP_HOST") or environ["SERVER_NAME"])[0]


def seal_environ(environ: dict[str, Any], sealed: str) -> None:
    environ["HTTP_COOKIE"] = with_cookie(environ.get("HTTP_COOKIE", ""), sealed)


def scope_host(scope: dict[str, Any]) -> str:
    named = [value for name, value in scope["headers"] if name == b"host"]
    return split_domain_port(named[-1].decode() if named else scope["server"][0])[0]


def seal_scope(scope: dict[str, Any], sealed: str) -> None:
    header = "; ".join(value.decode() for name, value in scope["headers"] if name == b"cookie")
    others = [(name, value) for name, value in scope["headers"] if name != b"cookie"]
    scope["headers"] = [*others, (b"cookie", with_cookie(header, sealed).encode())]


def with_cookie(header: str, sealed: str) -> str:
    """Return the header with the sealed cookie in the place of the bare one."""
    bare = f"{settings.SESSION_COOKIE_NAME}="
    pairs = [pair for pair in header.split("; ") if pair and not pair.startswith(bare)]
    return "; ".join([*pairs, sealed])


def unsealing(request: Callable[..., Any]) -> Callable[..., Any]:
    """Return a ``Client.request`` that keeps the id of a sealed cookie as Django's clients keep it."""

    @wraps(request)
    def requested(client: Any, **more: Any) -> Any:
        response = request(client, **more)
        if is_ours() and response.cookies:
            environ = client._base_environ(**response.request)  # noqa: SLF001 -- as in install
            keep_id(client, response, environ_host(environ))
        return response

    return requested


def unsealing_async(request: Callable[..., Any]) -> Callable[..., Any]:
    """Return an ``AsyncClient.request`` that keeps the id of a sealed cookie as Django's clients keep it."""

    @wraps(request)
    async def requested(client: Any, **more: Any) -> Any:
        if is_ours():
            await sync_to_async(audience_of_host)("")  # an app may have to ask the database, once
        response = await request(client, **more)
        if is_ours() and response.cookies:
            scope = client._base_scope(**response.request)  # noqa: SLF001 -- as in install
            await sync_to_async(keep_id)(client, response, scope_host(scope))
        return response

    return requested


def keep_id(client: Any, response: Any, host: str) -> None:
    """Move the id from the response's sealed cookie to the client's bare one."""
    audience = audience_of_host(host)
    morsel = response.cookies.get(cookies.name_for(audience))
    if morsel is None:
        return
    client.cookies.pop(morsel.key, None)
    client.cookies.pop(settings.SESSION_COOKIE_NAME, None)
    if proof := cookies.prove(audience, morsel.value, host=host):
        client.cookies[settings.SESSION_COOKIE_NAME] = proof.id

"""Sockets: the same cookie, the same host, the same strictness as for pages."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections

from sessions_farm.communities.asgi import HostScope
from sessions_farm.communities.registry import registry
from sessions_farm.session import ids
from sessions_farm.session.ids import Proof
from sessions_farm.session.session import SessionStore
from sessions_farm.web import cookies


@pytest.fixture(autouse=True)
def farm(transactional_db, two_communities, settings):
    settings.SESSIONS_FARM = {"STORE": "database"}
    settings.SESSION_COOKIE_SECURE = False
    yield
    async_to_sync(sync_to_async(connections.close_all))()


@pytest.fixture
def session_id():
    session = SessionStore(proof=Proof(ids.new_id(), 0))
    session.update({"x": 1, "_auth_user_id": "7"})
    session.save()
    return session.session_key


def opened(host=b"mall.test:8000", cookie=b"", **more):
    """The scope that the inner application gets, or what the browser is sent instead."""
    seen = []

    async def inner(scope, receive, send):
        seen.append(scope)

    async def send(message):
        seen.append(message)

    headers = [(b"host", host), (b"cookie", cookie), *more.pop("headers", [])]
    async_to_sync(HostScope(inner))({"type": "websocket", "headers": headers, **more}, None, send)
    return seen[0]


def signed(session_id, host="mall.test"):
    return f"mall={cookies.seal(registry.resolve(host), session_id)}".encode()


def test_socket_gets_the_session(session_id):
    scope = opened(cookie=signed(session_id), path="/ws")
    assert (scope["path"], scope["mall"].member.host, scope["mall"].id) == ("/ws", "mall.test", session_id)
    assert dict(scope["session"].items()) == {"x": 1, "_auth_user_id": "7"}


def test_socket_on_a_store_sees_no_guarded_variable(session_id):
    scope = opened(b"a.test", signed(session_id, "a.test"))
    assert dict(scope["session"].items()) == {"x": 1}


@pytest.mark.parametrize("host", [b"a.test", b"c.test"])
def test_cookie_of_another_host_opens_nothing(session_id, host):
    assert opened(host, signed(session_id))["mall"].id is None


def test_smuggled_doubled_and_bare_cookies_open_nothing(session_id):
    value = signed(session_id)
    for cookie in (b"\xa0" + value, value + b"; " + value, b"mall=" + session_id.encode(), b"sessionid=x"):
        assert opened(cookie=cookie)["mall"].id is None


@pytest.mark.parametrize("host", [b"evil.test", b"", b"mall.test/x", b"mall.test:80:80"])
def test_host_that_is_not_served_is_closed(host):
    assert opened(host)["type"] == "websocket.close"


def test_two_host_headers_are_closed():
    assert opened(headers=[(b"host", b"a.test")])["type"] == "websocket.close"


def test_ended_session_opens_nothing(session_id):
    SessionStore(session_id).delete()
    scope = opened(cookie=signed(session_id))
    assert (scope["mall"].id, dict(scope["session"].items())) == (None, {})

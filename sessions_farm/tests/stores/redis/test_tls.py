"""TLS to Redis: a private authority, the host's name, a client's certificate; whoever else answers is refused."""

from __future__ import annotations

import asyncio
import secrets
import ssl

import pytest
import redis

from sessions_farm.conf import Options
from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.stores.effects.effects import run_async, run_sync
from sessions_farm.stores.redis.connections import Connections
from sessions_farm.stores.redis.store import RedisStore
from sessions_farm.tests.support.redis_servers import Server, TlsFront, needs_servers, running
from sessions_farm.tests.support.stores_fixtures import LIFE, NOW

pytest.importorskip("cryptography")
from sessions_farm.tests.support.authority import Authority

pytestmark = needs_servers


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """A server behind two fronts, for ``localhost``: one for all, one for who has a certificate; and a stranger."""
    folder = tmp_path_factory.mktemp("tls")
    ours, stranger = Authority(folder / "ours"), Authority(folder / "stranger")
    with running(Server(folder)) as (server,):
        server.ours, server.stranger = ours, stranger
        server.fronts = {
            "open": TlsFront(server.port, context(ours)),
            "closed": TlsFront(server.port, context(ours, clients_of=ours)),
            "strange": TlsFront(server.port, context(stranger)),
            "misnamed": TlsFront(server.port, context(ours, name="elsewhere.test")),
        }
        yield server
        for front in server.fronts.values():
            front.close()


def context(authority, name="localhost", clients_of=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*authority.issue(name))
    if clients_of:
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(clients_of.file)
    return made


def options(tls, front, query="", **more):
    return Options(redis_url=url(tls, front, query), redis_prefix="farm-tls", redis_timeout=5, **more)


def url(tls, front, query=""):
    login = tls.url.rpartition("@")[0].replace("redis", "rediss", 1)
    return f"{login}@localhost:{tls.fronts[front].port}/0{query}"


def ping(options):
    connections = Connections(options)

    async def ask():
        return await connections.async_client.ping()

    answers = [connections.client.ping(), asyncio.run(ask())]
    connections.close()
    return answers


def refused(options):
    """Whether the blocking client and the async one refuse to talk there."""
    connections = Connections(options)

    async def ask():
        with pytest.raises(redis.ConnectionError):
            await connections.async_client.ping()

    with pytest.raises(redis.ConnectionError):
        connections.client.ping()
    asyncio.run(ask())
    return True


def test_private_authority_by_setting_or_url(tls):
    assert ping(options(tls, "open", redis_tls_ca=tls.ours.file)) == [True, True]
    assert ping(options(tls, "open", f"?ssl_ca_certs={tls.ours.file}")) == [True, True]


def test_sessions_over_tls(tls):
    store, key = RedisStore(options(tls, "open", redis_tls_ca=tls.ours.file)), secrets.token_urlsafe(32)
    run_sync(store.create(key, {"a": "1"}, LIFE, NOW))
    assert run_sync(store.load(key, NOW)).variables == {"a": "1"}
    assert asyncio.run(run_async(store.load(key, NOW))).variables == {"a": "1"}


@pytest.mark.parametrize("front", ["strange", "misnamed"])
def test_another_authority_and_another_name_are_refused(tls, front):
    assert refused(options(tls, front, redis_tls_ca=tls.ours.file))


def test_private_authority_that_is_not_given_is_refused(tls):
    """It is not among the machine's own, so nobody vouches for the server."""
    assert refused(options(tls, "open"))


def test_store_that_is_not_believed_is_away(tls):
    store = RedisStore(options(tls, "strange", redis_tls_ca=tls.ours.file))
    with pytest.raises(StoreUnavailableError, match="certificate"):
        run_sync(store.load("x", NOW))


def test_clients_certificate(tls):
    certificate, key = tls.ours.issue("farm")
    mine = {"redis_tls_ca": tls.ours.file, "redis_tls_cert": certificate, "redis_tls_key": key}
    assert ping(options(tls, "closed", **mine)) == [True, True]
    assert refused(options(tls, "closed", redis_tls_ca=tls.ours.file))

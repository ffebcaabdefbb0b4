"""Redis with a replica through Sentinels: the primary changes while visitors come, and each client finds the next."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
import threading
import time

import pytest
import redis
from django.db import connection
from django.test import Client as StockClient
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from sessions_farm.conf import Options
from sessions_farm.stores import current_store
from sessions_farm.stores.redis.acl import acl_lines
from sessions_farm.stores.redis.connections import Connections
from sessions_farm.stores.redis.redis_py import Sentinels
from sessions_farm.tests.support import fault_site
from sessions_farm.tests.support.fault_site import Crowd, Failures, Times, say_latency, serve_stock, serving
from sessions_farm.tests.support.people import make_user
from sessions_farm.tests.support.redis_servers import PASSWORD, Service, needs_servers, until

pytestmark = needs_servers

with_visitors = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one visitor write at a time.")
LOGIN = "farm-user:its%20own"
AT_SENTINELS = "?sentinel_username=farm-asks&sentinel_password=its%20own"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """Everybody has the least rights: the visitors' farm is another user than the servers among themselves."""
    draft = Options(redis_url=f"redis+sentinel://{LOGIN}@one/{Service.NAME}{AT_SENTINELS}")
    servers, sentinels = acl_lines(draft)
    service = Service(tmp_path_factory.mktemp("service"), servers, sentinel_config=[sentinels])
    with service.running():
        yield service


@pytest.fixture
def whole(service):
    service.heal()
    return service


@pytest.fixture
def mine(whole):
    yield (made := connections(whole, redis_timeout=5))
    made.close()


def connections(service, redis_timeout):
    return Connections(Options(redis_url=service.url(LOGIN, AT_SENTINELS), redis_timeout=redis_timeout))


def name():
    return f"farm:c:{secrets.token_hex(4)}"


def test_blocking_and_async_clients_find_the_primary(mine):
    key = name()
    assert mine.client.set(key, 1)

    async def ask():
        return await mine.async_client.getdel(key)

    assert asyncio.run(ask()) == "1"


def test_they_find_the_next_one(mine, whole):
    """A planned fail-over, with open connections of both kinds: the command after a failed one is at the next."""
    key, old = name(), whole.primary

    async def follow():
        assert await mine.async_client.set(key, 1)
        assert mine.client.set(key, 2)
        whole.fail_over()
        until(lambda: role_of(old) == "slave", "the old primary follows")
        for client in (mine.client, mine.async_client):
            with contextlib.suppress(redis.ConnectionError):
                await said(client.set(key, 3))
            assert await said(client.set(key, 4))
        return await mine.async_client.set(key, 5)

    assert asyncio.run(follow())
    with whole.primary.admin() as client:
        assert client.get(key) == "5"
    put_in_front(mine.client.connection_pool, old)
    with pytest.raises(redis.ConnectionError, match="now a slave"):
        mine.client.set(key, 6)
    assert mine.client.set(key, 6)


def put_in_front(pool, server):
    """A connection to the old primary that nothing has told of the change."""
    line = pool.make_connection()
    line.connect_to(("127.0.0.1", server.port))
    pool.pool.get()
    pool.pool.put(line)


def role_of(server):
    with server.admin() as client:
        return client.info("replication")["role"]


async def said(answer):
    return await answer if hasattr(answer, "__await__") else answer


def test_dead_and_frozen_sentinels_are_passed_over(whole):
    """The first is asked first: it costs one time-out, once, and the others are asked first from then on."""
    mine = connections(whole, redis_timeout=1)
    first, second, third = whole.sentinels
    first.freeze()
    second.kill()
    try:
        until(lambda: mine.client.set(name(), 1), "the third answers within the time-out")
        asked = [each.connection_pool.connection_kwargs["port"] for each in manager(mine).sentinels]
        assert asked[0] == third.port
        assert sorted(asked) == sorted(each.port for each in whole.sentinels)
    finally:
        first.thaw()
        mine.close()


def manager(connections):
    return connections.client.connection_pool.sentinel_manager


def test_no_sentinel_is_lost_when_threads_ask_at_once(whole):
    assert ports_after_asking_at_once(Sentinels, whole) == sorted(each.port for each in whole.sentinels)


def test_control_redis_py_loses_one(whole):
    assert ports_after_asking_at_once(Sentinel, whole) != sorted(each.port for each in whole.sentinels)


def ports_after_asking_at_once(kind, service):
    """Two threads find the first Sentinel dead and have both been told by the second when they note it."""
    both = threading.Barrier(2)

    class Meeting(kind):
        def check_master_state(self, *args):
            both.wait(10)
            return super().check_master_state(*args)

    free = [("127.0.0.1", 1), *(("127.0.0.1", each.port) for each in service.sentinels[1:])]
    asking = {"username": "farm-asks", "password": "its own", "socket_timeout": 5, "retry": Retry(NoBackoff(), 0)}
    sentinels = Meeting(free, sentinel_kwargs=asking)
    threads = [threading.Thread(target=sentinels.discover_master, args=[Service.NAME]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ports = [each.connection_pool.connection_kwargs["port"] for each in sentinels.sentinels]
    sentinels.close()
    return sorted(service.sentinels[0].port if port == 1 else port for port in ports)


class InterruptedWaitError(Exception):
    pass


def interrupted(do, server):
    """Call it in this thread and interrupt it from outside while it waits at the server, as a task's limit does."""

    def interrupt(*_):
        raise InterruptedWaitError

    def interrupt_once_it_waits(waiting):
        with server.admin() as client:
            until(lambda: client.info("clients")["blocked_clients"] > 0, "the command waits at the server")
        signal.pthread_kill(waiting, signal.SIGUSR1)

    with server.admin() as client:
        until(lambda: client.info("clients")["blocked_clients"] == 0, "no command of before waits at the server")
    before = signal.signal(signal.SIGUSR1, interrupt)
    timer = threading.Thread(target=interrupt_once_it_waits, args=[threading.get_ident()])
    timer.start()
    try:
        with pytest.raises(InterruptedWaitError):
            do()
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)


def test_answer_to_an_interrupted_command_is_nobodys(whole):
    """Else a visitor would read another's session."""
    mine = Connections(Options(redis_url=whole.url(), redis_timeout=5, redis_block=30))
    client, mine_key, others = mine.waiting_client, name(), name()
    client.set(mine_key, "mine")
    interrupted(lambda: client.blpop(others, 30), whole.primary)
    assert client.get(mine_key) == "mine"

    async def cancelled():
        client = mine.async_waiting_client
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.blpop(others, 30), 0.2)
        return await client.get(mine_key)

    assert asyncio.run(cancelled()) == "mine"
    mine.close()


def test_control_redis_py_gives_it_to_the_next(whole):
    hosts = [("127.0.0.1", each.port) for each in whole.sentinels]
    stock = Sentinel(hosts).master_for(Service.NAME, password=PASSWORD, decode_responses=True, socket_timeout=5)
    mine_key, others = name(), name()
    stock.set(mine_key, "mine")
    interrupted(lambda: stock.blpop(others, 30), whole.primary)
    with whole.primary.admin() as other:
        other.rpush(others, "another's")
    answer = stock.get(mine_key)
    stock.connection_pool.disconnect()
    assert answer != "mine"


# Under load


@pytest.fixture
def report(capsys, scale):
    return say_latency(capsys, scale)


def crowd_through_a_fail_over(service, harm, scale):
    """Visitors come before it, in it and after it; what the time of the harm was."""
    crowd = Crowd(make_user(), scale)
    service.replicate()  # the log-ins: what is lost without is Redis' affair, and the report says how much it was
    with crowd:
        times, old = Times(time.monotonic()), service.primary
        harm(old)
        until(lambda: service.primary is not old, "the Sentinels choose another primary")
        crowd.stay(0.3)
        times.end = time.monotonic()
        crowd.stay(0.3)
    return crowd, times


@with_visitors
@pytest.mark.django_db(transaction=True)
def test_nobody_notices_a_fail_over_on_tiered(whole, settings, report, scale):
    with serving(settings, whole.url(LOGIN, AT_SENTINELS), scale):
        failures = Failures(current_store().breaker)
        crowd, times = crowd_through_a_fail_over(whole, lambda primary: primary.kill(), scale)
        report("Primary killed, tiered", crowd, times)
        crowd.assert_nobody_noticed()
        failures.assert_no_second_wait()
        assert failures.met, "the control"
        current_store.cache_clear()  # another node
        crowd.assert_everybody_is_signed_in()
        assert (crowd.lost(), crowd.doubled()) == (0, 0)


@with_visitors
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("harm", ["freeze", "kill"])
def test_nobody_is_logged_out_by_a_fail_over_on_redis_alone(whole, settings, harm, report, scale):
    """Pages between the failure and the new primary have no session, and writes are refused; the visit goes on."""
    if harm == "kill" and scale == 1:
        pytest.skip("One of the two is enough at the first scale.")
    with serving(settings, whole.url(LOGIN, AT_SENTINELS), scale, "redis"):
        old = whole.primary
        try:
            crowd, times = crowd_through_a_fail_over(whole, lambda primary: getattr(primary, harm)(), scale)
            assert {each.status for each in crowd.answers} <= {200, 503}
            crowd.assert_nobody_lost_the_cookie()
            crowd.assert_everybody_is_signed_in()
            assert crowd.doubled() == 0
            report(f"Primary: {harm}, redis alone ({crowd.lost()} visitors lost a write)", crowd, times)
        finally:
            if harm == "freeze":
                old.thaw()


@with_visitors
@pytest.mark.django_db(transaction=True)
def test_control_stock_engine_logs_out(whole, settings, monkeypatch, scale):
    """The same fail-over, the same Sentinels, Django's engine over django-redis."""
    if scale == 1:
        pytest.skip("test_redis_faults has the quick one.")
    pytest.importorskip("django_redis")
    monkeypatch.setattr(
        settings, "DJANGO_REDIS_CONNECTION_FACTORY", "django_redis.pool.SentinelConnectionFactory", raising=False
    )
    sentinels = [("127.0.0.1", each.port) for each in whole.sentinels]
    options = {"SENTINELS": sentinels, "PASSWORD": PASSWORD}
    serve_stock(settings, {"LOCATION": f"redis://{Service.NAME}/0?is_master=1", "OPTIONS": options})
    visitor = fault_site.Visitor(StockClient(raise_request_exception=False))
    visitor.sign_in(make_user())
    assert visitor.look().said["signed_in"]
    old = whole.primary
    old.kill()
    answer = visitor.look()
    assert (answer.status, answer.signed_out, answer.cookie_deleted) == (200, True, True)
    until(lambda: whole.primary is not old, "the Sentinels choose another primary")
    assert visitor.look().signed_out

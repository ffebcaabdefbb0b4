"""The clients of Redis: what they wait for, what they never do twice, and whose they are."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import secrets
import threading

import pytest
import redis
from django.core.exceptions import ImproperlyConfigured

from sessions_farm.conf import Options
from sessions_farm.stores.redis.client import is_away
from sessions_farm.stores.redis.connections import Connections
from sessions_farm.tests.support.cable import RedisCable
from sessions_farm.tests.support.redis_servers import PASSWORD, Server, needs_servers, running, until

pytestmark = needs_servers


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("redis")
    with running(Server(folder, f'unixsocket "{folder}/redis.sock"')) as (one,):
        one.socket = f"{one.url.replace('redis', 'unix', 1).rpartition('@')[0]}@{folder}/redis.sock?db=0"
        yield one


@pytest.fixture
def cable(server):
    line = RedisCable(server.url)
    yield line
    line.clogged = False
    line.cut()


def connections(url, **options):
    return Connections(Options(redis_url=url, **{"redis_timeout": 10, "redis_block": 2} | options))


def both(connections, *command):
    """The answers to one command of the blocking client and of the async one."""

    async def ask():
        return await connections.async_client.execute_command(*command)

    return [connections.client.execute_command(*command), asyncio.run(ask())]


@pytest.mark.parametrize("url", ["redis://x?sl_ca_certs=1", "rediss://x?ssl_cert_reqs=perhaps"])
def test_option_that_redis_py_refuses_is_said_at_once(url):
    with pytest.raises(ImproperlyConfigured, match="redis-py refuses"):
        _ = connections(url).client


# Limits


def test_nothing_is_sent_twice(server, cable):
    """The answer to an increment is lost: it may have counted, and it counts once."""
    name, mine = secrets.token_hex(4), connections(cable.url)
    both(mine, "PING")
    cable.lose_answer()
    with pytest.raises(redis.ConnectionError):
        mine.client.incr(name)
    assert mine.client.get(name) == "1"

    async def lose():
        await mine.async_client.ping()
        cable.lose_answer()
        with pytest.raises(redis.ConnectionError):
            await mine.async_client.incr(name)
        return await mine.async_client.get(name)

    assert asyncio.run(lose()) == "2"


def test_control_redis_py_sends_it_twice(server, cable):
    name = secrets.token_hex(4)
    with redis.Redis(port=cable.address[1], password=PASSWORD) as stock:
        stock.ping()
        cable.lose_answer()
        stock.incr(name)
        assert stock.get(name) == b"2"


@pytest.mark.parametrize("query", ["?retry_on_timeout=1", "?retry_on_error=1&socket_timeout=600&max_connections=1"])
def test_url_cannot_lift_the_limits(server, cable, query):
    name, mine = secrets.token_hex(4), connections(cable.url + query, redis_timeout=0.2)
    until(mine.client.ping, "it is connected within so short a time-out")
    cable.clogged = True
    with pytest.raises(redis.TimeoutError):
        mine.client.incr(name)
    cable.clogged = False
    with server.admin() as client:
        assert client.get(name) in {None, "1"}


def test_silent_redis_is_left_after_the_time_out(server):
    mine = connections(server.url, redis_timeout=0.2)
    until(lambda: both(mine, "PING") == [True, True], "both are connected within so short a time-out")
    server.freeze()
    try:
        with pytest.raises(redis.TimeoutError):
            mine.client.ping()
        with pytest.raises(redis.TimeoutError):
            asyncio.run(ask_once(mine))
    finally:
        server.thaw()
    until(lambda: both(mine, "PING") == [True, True], "both are connected again")


async def ask_once(mine):
    return await mine.async_client.ping()


def test_a_hundred_and_fifty_connections_at_once(server):
    pool = connections(server.url).client.connection_pool
    held = [pool.get_connection() for _ in range(150)]
    assert len({each._sock.fileno() for each in held}) == 150
    for each in held:
        pool.release(each)
    pool.disconnect()

    async def hold():
        pool = connections(server.url).async_client.connection_pool
        held = [await pool.get_connection() for _ in range(150)]
        for each in held:
            await pool.release(each)
        return len(held)

    assert asyncio.run(hold()) == 150


def test_control_redis_py_fails_the_hundred_and_first(server):
    with redis.Redis.from_url(server.url) as stock:
        pool = stock.connection_pool
        held = []
        with pytest.raises(redis.ConnectionError, match="Too many"):
            held.extend(pool.get_connection() for _ in range(101))
        pool.disconnect()


def test_who_finds_none_free_waits_for_one(server):
    """Forty threads and five connections: slower, not broken."""
    mine = connections(server.url, redis_max_connections=5, redis_timeout=5)
    name, faults = secrets.token_hex(4), []

    def count():
        try:
            mine.client.incr(name)
        except redis.RedisError as error:
            faults.append(error)

    threads = [threading.Thread(target=count) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (faults, mine.client.get(name)) == ([], "40")

    async def crowd():
        return await asyncio.gather(*(mine.async_client.incr(name) for _ in range(40)))

    assert max(asyncio.run(crowd())) == 80
    mine.close()


def test_none_free_in_time_is_an_error_of_redis(server):
    pool, held = connections(server.url, redis_max_connections=1, redis_timeout=0.1).client.connection_pool, []
    until(lambda: held.append(pool.get_connection()) or held, "it is connected within so short a time-out")
    with pytest.raises(redis.ConnectionError, match="No connection"):
        pool.get_connection()
    pool.release(held[0])


def test_waiting_clients_outwait_the_time_out(server):
    mine = connections(server.url, redis_timeout=0.1, redis_block=30)
    name = secrets.token_hex(4)
    with pytest.raises(redis.TimeoutError):
        mine.client.blpop(name, 30)  # the answer is nowhere near, however late we look for it
    until(mine.waiting_client.ping, "it is connected within so short a time-out")
    assert mine.waiting_client.blpop(name, 0.3) is None

    async def wait():
        with pytest.raises(redis.TimeoutError):
            await mine.async_client.blpop(name, 30)
        connected = False
        while not connected:
            with contextlib.suppress(redis.TimeoutError):
                connected = await mine.async_waiting_client.ping()
        return await mine.async_waiting_client.blpop(name, 0.3)

    assert asyncio.run(wait()) is None


def test_state_of_redis_is_told_from_a_wrong_command(server):
    with server.admin() as admin, connections(server.url).client as client:
        for setting, value, usual in [("maxmemory", 1, 0), ("min-replicas-to-write", 1, 0)]:
            admin.config_set(setting, value)
            with pytest.raises(redis.ResponseError) as caught:
                client.set("x", 1)
            admin.config_set(setting, usual)
            assert is_away(caught.value), setting
        with pytest.raises(redis.ResponseError) as caught:
            client.execute_command("SET", "x")
        assert not is_away(caught.value)


# Loops


def open_connections(server):
    with server.admin() as client:
        return client.info("clients")["connected_clients"]


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request):
    return pytest.importorskip(request.param).new_event_loop


def test_each_loop_has_its_own_client_closed_at_its_end(server, loop):
    mine, before = connections(server.url), open_connections(server)
    clients = []

    async def use():
        assert mine.async_client is mine.async_client
        clients.append(mine.async_client)
        return await mine.async_client.ping()

    assert [asyncio.run(use(), loop_factory=loop) for _ in range(3)] == [True] * 3
    assert len({id(each) for each in clients}) == 3
    assert not mine._of_loops
    until(lambda: open_connections(server) <= before, "its connections are closed")


def test_loop_that_was_closed_rudely_is_forgotten(server):
    """Without asyncio.run, and so without the end of its generators."""
    mine, before = connections(server.url), open_connections(server)
    loop = asyncio.new_event_loop()
    assert loop.run_until_complete(ask_once(mine))
    loop.close()
    assert asyncio.run(ask_once(mine))
    assert not mine._of_loops
    until(lambda: open_connections(server) <= before, "its connections are closed")


def test_store_that_is_thrown_away_in_a_running_loop_leaves_nothing_open(server):
    before = open_connections(server)

    async def use():
        for _ in range(3):
            await ask_once(connections(server.url))
            gc.collect()

    asyncio.run(use())
    until(lambda: open_connections(server) <= before, "its connections are closed")


def test_unix_socket(server):
    assert both(connections(server.socket), "PING") == [True, True]

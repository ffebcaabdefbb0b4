"""The pool of blocking connections: what is taken from it is open, has no answer left, and is this process's own."""

from __future__ import annotations

import os
import secrets
import threading
import warnings
from queue import Empty, Full

import pytest
import redis

from sessions_farm.conf import Options
from sessions_farm.stores.redis.client import execute
from sessions_farm.stores.redis.connections import Connections
from sessions_farm.stores.redis.pool import Stack
from sessions_farm.tests.support.stores_fixtures import REDIS_URL

pytestmark = pytest.mark.skipif(not REDIS_URL, reason="Connections are to a Redis: set REDIS_URL.")


@pytest.fixture
def client():
    mine = Connections(Options(redis_url=REDIS_URL, redis_timeout=5, redis_max_connections=3))
    yield mine.client
    mine.close()


@pytest.fixture
def name(client):
    name = f"farm-{secrets.token_hex(4)}"
    yield name
    client.delete(name)


def number_of(client):
    return execute(client, "CLIENT", "ID")


def test_one_after_the_other_is_the_same_connection(client):
    assert number_of(client) == number_of(client)


def test_connection_that_was_closed_meanwhile_is_found_out_before_it_is_used(client):
    """So a Redis that was restarted costs nobody a page."""
    first = number_of(client)
    with redis.Redis.from_url(REDIS_URL) as admin:
        admin.client_kill_filter(_id=first)
    assert number_of(client) not in {None, first}


def test_answer_that_was_left_is_nobodys(client):
    pool = client.connection_pool
    line = pool.get_connection()
    line.send_command("ECHO", "another's")
    assert line.can_read(timeout=5)
    pool.release(line)
    assert execute(client, "ECHO", "mine") == "mine"


def test_answer_that_was_read_into_the_buffer_is_nobodys(client):
    pool = client.connection_pool
    line = pool.get_connection()
    line.send_packed_command(line.pack_commands([("ECHO", "one"), ("ECHO", "two"), ("ECHO", "three")]))
    assert line.read_response() == "one"
    pool.release(line)
    assert execute(client, "ECHO", "mine") == "mine"


def test_refusal_gives_the_connection_back(client):
    first = number_of(client)
    for _ in range(5):
        with pytest.raises(redis.ResponseError):
            execute(client, "NO SUCH COMMAND")
    assert number_of(client) == first


def test_child_of_a_fork_has_connections_of_its_own(client, name):
    first, (reader, writer) = number_of(client), os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other tests may have left threads; the child needs none
        child = os.fork()
    if not child:
        os.write(writer, str(number_of(client)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert int(os.read(reader, 100)) != first
    os.close(reader)
    os.close(writer)
    assert number_of(client) == first


def test_threads_share_few_connections(client, name):
    def count():
        for _ in range(50):
            execute(client, "INCR", name)

    threads = [threading.Thread(target=count) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.get(name) == "600"
    assert len(client.connection_pool._connections) <= 3


def test_stack_gives_the_last_one_first_and_waits_for_one():
    stack = Stack(2)
    stack.put_nowait("a")
    stack.put_nowait("b")
    with pytest.raises(Full):
        stack.put_nowait("c")
    assert [stack.get(), stack.get(block=False)] == ["b", "a"]
    for wait in ({"block": False}, {"timeout": 0.01}):
        with pytest.raises(Empty):
            stack.get(**wait)
    later = threading.Timer(0.05, stack.put_nowait, ["d"])
    later.start()
    assert stack.get(timeout=10) == "d"
    later.join()


def test_nobody_sleeps_while_one_is_free():
    """Takers and givers at once: each wake-up arrives."""
    stack = Stack(2)
    for item in range(2):
        stack.put_nowait(item)
    late = []

    def use():
        for _ in range(3000):
            try:
                stack.put_nowait(stack.get(timeout=5))
            except Empty:
                late.append(True)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not late
    assert sorted(stack.queue) == [0, 1]

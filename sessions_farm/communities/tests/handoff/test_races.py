"""Many browsers redeem one code at once: one wins, on every store."""

import contextlib
import threading

import pytest
from django.db import connection

from sessions_farm.communities.handoff import codes
from sessions_farm.stores import current_store
from sessions_farm.stores.effects.effects import InPlace
from sessions_farm.tests.support.stores_fixtures import REDIS_URL, STORES


class ReadThenDelete:
    """A store whose take is two steps, as GET and DEL are: what the race test must be able to see."""

    def __init__(self):
        self.barrier = threading.Barrier(2)
        self.seen = {}

    def put_code(self, digest, payload, ttl):
        yield InPlace(lambda: self.seen.update({digest: payload}))

    def take_code(self, digest):
        payload = yield InPlace(lambda: self.seen.get(digest))
        with contextlib.suppress(threading.BrokenBarrierError):
            self.barrier.wait(timeout=0.2)
        self.seen.pop(digest, None)
        return payload


def race(store, contenders=50):
    """How many of so many redeem one code."""
    code = codes.issue_code(store, codes.Grant("mall", "i" * 32, "a.test", "c" * 43, "mall.test"))
    start, winners = threading.Barrier(contenders), []

    def redeem():
        try:
            start.wait()
            if codes.redeem_code(store, code):
                winners.append(1)
        finally:
            connection.close()

    threads = [threading.Thread(target=redeem) for _ in range(contenders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(winners)


@pytest.mark.parametrize("name", STORES)
def test_fifty_at_once_redeem_a_code_once(committed_mall, settings, name):
    settings.SESSIONS_FARM = {**settings.SESSIONS_FARM, "STORE": name, "REDIS_URL": REDIS_URL}

    assert race(current_store()) == 1


def test_fifty_at_once_would_redeem_twice_from_a_store_of_two_steps():
    assert race(ReadThenDelete()) > 1

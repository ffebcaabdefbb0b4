"""Many browsers redeem one code at once: one wins, on every store."""

import threading

import pytest
from django.db import connection

from sessions_farm.communities.handoff import codes
from sessions_farm.stores import current_store
from sessions_farm.stores.effects.effects import InPlace
from sessions_farm.tests.support.named_stores import options_of
from sessions_farm.tests.support.stores_fixtures import STORES

CONTENDERS = 50


class ReadThenDelete:
    """A store whose take is two steps, as GET and DEL are; here all get before any deletes."""

    def __init__(self, contenders):
        self.together = threading.Barrier(contenders)
        self.seen = {}

    def put_code(self, digest, payload, ttl):
        yield InPlace(lambda: self.seen.update({digest: payload}))

    def take_code(self, digest):
        payload = yield InPlace(lambda: self.seen.get(digest))
        self.together.wait()
        self.seen.pop(digest, None)
        return payload


def race(store):
    """How many of the contenders redeem one code."""
    code = codes.issue_code(store, codes.Grant("mall", "i" * 32, "a.test", "c" * 43, "mall.test"))
    start, winners = threading.Barrier(CONTENDERS), []

    def redeem():
        try:
            start.wait()
            if codes.redeem_code(store, code):
                winners.append(1)
        finally:
            connection.close()

    threads = [threading.Thread(target=redeem) for _ in range(CONTENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(winners)


@pytest.mark.parametrize("name", STORES)
def test_fifty_at_once_redeem_a_code_once(committed_mall, settings, tmp_path, name):
    settings.SESSIONS_FARM = options_of(name, tmp_path)

    assert race(current_store()) == 1


def test_fifty_at_once_would_redeem_twice_from_a_store_of_two_steps():
    assert race(ReadThenDelete(CONTENDERS)) == CONTENDERS

"""Writes in the application's transaction, which is then undone: each store says what becomes of them."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction

from sessions_farm.session.session import SessionStore
from sessions_farm.stores import current_store
from sessions_farm.tests.support.named_stores import RUNNABLE, options_of

STORES = [pytest.param(name, marks=pytest.mark.django_db(transaction=True)) for name in RUNNABLE]
UNDONE = {"memory": False, "file": False, "database": True, "redis": False, "tiered": True}


class OutOfStockError(Exception):
    """Of the application."""


@pytest.fixture(params=STORES)
def name(request, settings, tmp_path):
    settings.SESSIONS_FARM = options_of(request.param, tmp_path, VARIABLES={"hits": {"counter": True}})
    yield request.param
    current_store.cache_clear()


@transaction.atomic
def write_and_fail(key):
    session = SessionStore(key)
    session.increment("n")
    session.append("seen", 1)
    session.compare_and_set("step", None, "pay")
    session["hits"] = 1
    session.save()
    raise OutOfStockError


def test_write_in_a_transaction_that_is_undone(name):
    session = SessionStore()
    session["a"] = 1
    session.save()
    for _ in range(2):
        with pytest.raises(OutOfStockError):
            write_and_fail(session.session_key)
    kept = {"a": 1, "n": 2, "seen": [1, 1], "step": "pay", "hits": 1}
    assert dict(SessionStore(session.session_key).items()) == ({"a": 1} if UNDONE[name] else kept)
    assert current_store().joins_transactions is UNDONE[name]


def test_write_in_an_event_loop_is_part_of_no_transaction(name):
    session = SessionStore()
    session["a"] = 1
    session.save()
    assert async_to_sync(SessionStore(session.session_key).aincrement)("n") == 1
    assert SessionStore(session.session_key)["n"] == 1

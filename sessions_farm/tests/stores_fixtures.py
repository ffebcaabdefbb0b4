"""Every store the machine has, ready to be used by several threads: what the tests of stores share."""

from __future__ import annotations

import os
import threading

import pytest
from django.db import connections

from sessions_farm.conf import Options
from sessions_farm.stores.base import Lifetime
from sessions_farm.stores.database import DatabaseStore
from sessions_farm.stores.memory import MemoryStore
from sessions_farm.stores.redis import RedisStore
from sessions_farm.stores.tiered import TieredStore

REDIS_URL = os.environ.get("REDIS_URL", "")
STORES = {"memory": MemoryStore, "database": DatabaseStore}
if REDIS_URL:
    STORES |= {"redis": RedisStore, "tiered": TieredStore}

# As parameters. Inside a transaction ``tiered`` does as ``database``, so its tests run without one, as threads' do.
EVERY = [pytest.param(name, marks=pytest.mark.django_db(transaction=name == "tiered")) for name in STORES]
THREADED = [pytest.param(name, marks=pytest.mark.django_db(transaction=True)) for name in STORES]

HOUR = 3_600_000
NOW = 1_800_000_000_000
LIFE = Lifetime(idle=HOUR, ends=NOW + 10 * HOUR)


def make_store(name: str):
    """A generous time-out: these tests are about what happens, and a busy machine is not a broken Redis."""
    return STORES[name](Options(store=name, redis_url=REDIS_URL, redis_prefix="farm-tests", redis_timeout=5))


def make_node(url, prefix, **options):
    """A node of the farm; its breaker rests a moment only, its knowledge of the epoch is as asked."""
    given = {"redis_timeout": 1, "breaker_rest": 0.05, "tier_poll": 0.0} | options
    return TieredStore(Options(store="tiered", redis_url=url, redis_prefix=prefix, **given))


def read(store, key):
    return dict(store.load(key, NOW).variables)


def copy_of(store, key):
    return dict(RedisStore.load(store.redis, key, NOW).variables)


def in_threads(functions):
    """Run all at once; return their results, or raise the first exception."""
    barrier = threading.Barrier(len(functions))
    results, faults = [None] * len(functions), []

    def run(place, function):
        barrier.wait()
        try:
            results[place] = function()
        except Exception as error:  # noqa: BLE001  # raised again in the test's own thread
            faults.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return results

"""Every store the machine has, ready to be used by several threads: what the tests of stores share."""

from __future__ import annotations

import os
import secrets
import tempfile
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection, connections, transaction
from django.utils.module_loading import import_string

from sessions_farm.conf import Options
from sessions_farm.declarations import Declarations
from sessions_farm.stores import NAMED
from sessions_farm.stores.base import Lifetime
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.tests.support.driven import Driven, Loop

REDIS_URL = os.environ.get("REDIS_URL", "")
STORES = ["memory", "database", *(["redis", "tiered"] if REDIS_URL else [])]
IN_SQL = ("database", "tiered")

# As parameters. Inside a transaction ``tiered`` does as ``database``, so its tests run without one, as threads' do.
EVERY = [pytest.param(name, marks=pytest.mark.django_db(transaction=name == "tiered")) for name in STORES]
THREADED = [pytest.param(name, marks=pytest.mark.django_db(transaction=True)) for name in STORES]

# Each store in both ways: its steps made by a thread, and by an event loop. An event loop has connections of its own,
# so what these tests write in SQL is committed. They delete it themselves (farm_of): of "available apps" without a
# table pytest-django flushes nothing, and its flush of all tables takes a tenth of a second.
COMMITTED = pytest.mark.django_db(transaction=True, available_apps=["django.contrib.messages"])
BOTH_WAYS = [
    pytest.param((name, way), id=f"{name}-{way}", marks=[COMMITTED] if name in IN_SQL else [])
    for name in (*(["file"] if "file" in NAMED else []), *STORES)
    for way in ("blocking", "async")
]

MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

HOUR = 3_600_000
NOW = 4_000_000_000_000  # in 2096: what a test says lasts has not ended by the store's own clock
LIFE = Lifetime(idle=HOUR, ends=NOW + 10 * HOUR)
DECLARED = {
    "page": {"indexed": True, "shared": True},
    "owner": {"indexed": True},
    "mood": {"shared": True},
    "hits": {"counter": True},
}


def make_store(name: str, drive=run_sync, folder="", prefix="", **options):
    """A generous time-out: these tests are about what happens, and a busy machine is not a broken Redis."""
    given = {
        "store": name,
        "folder": str(folder),
        "redis_url": REDIS_URL,
        "redis_prefix": prefix or f"farm-{secrets.token_hex(4)}",
        "redis_timeout": 5,
        "variables": Declarations(DECLARED),
    } | options
    return Driven(import_string(NAMED[name])(Options(**given)), drive)


def make_node(url, prefix, **options):
    """A node of the farm; its breaker rests a moment only, its knowledge of the epoch is as asked.

    A generous time-out here too: after one the node goes on in SQL, and no copy is as the test has it.
    """
    given = {"redis_url": url, "redis_timeout": 10, "breaker_rest": 0.05, "tier_poll": 0.0} | options
    return make_store("tiered", prefix=prefix, **given)


class Farm:
    """One place for sessions, and as many stores on it as a test asks for, as the nodes of a farm have them."""

    def __init__(self, name, way):
        self.name = name
        self.drive = run_sync if way == "blocking" else Loop()
        self._kept = ExitStack()
        folder = self._kept.enter_context(file_folder()) if name == "file" else ""
        self.place = {"folder": folder, "prefix": f"farm-{secrets.token_hex(4)}"}

    def node(self, **options):
        return make_store(self.name, self.drive, **self.place, **options)

    def two_nodes(self):
        """Two stores on the same place. What is in this process's memory only one store knows."""
        node = self.node()
        return node, (node if self.name == "memory" else self.node())

    def close(self):
        if self.drive is not run_sync:
            self.drive.close()
        self._kept.close()


@contextmanager
def file_folder():
    """Where the file store may make its folder. Files of a test need no disk, where the machine has one in memory."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as parent:
        yield Path(parent) / "sessions"


@contextmanager
def farm_of(request):
    """The farm that the parameter of a fixture (of BOTH_WAYS) names."""
    farm = Farm(*request.param)
    try:
        yield farm
    finally:
        farm.close()
        if farm.name in IN_SQL:
            delete_rows()


def delete_rows():
    """Empty the farm's tables, in one trip where the database takes several statements at once."""
    models = reversed(apps.all_models["sessions_farm"].values())
    statements = [f"DELETE FROM {model._meta.db_table}" for model in models]
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in ["; ".join(statements)] if connection.vendor == "postgresql" else statements:
            cursor.execute(statement)


def new_key():
    return secrets.token_urlsafe(32)


def started(store, variables=None, lifetime=LIFE, now=NOW):
    """The key of a session that lives now."""
    key = new_key()
    store.create(key, {"a": "1", "page": '"/x"', "mood": '"fine"'} if variables is None else variables, lifetime, now)
    return key


def read(store, key):
    return dict(store.load(key, NOW).variables)


def copy_of(store, key):
    return dict(store.redis.load(key, NOW).variables)


def in_threads(functions):
    """Run all at once; return their results, or raise the first exception."""
    barrier = threading.Barrier(len(functions))
    results, faults = [None] * len(functions), []

    def act(place, function):
        barrier.wait()
        try:
            results[place] = function()
        except Exception as error:  # noqa: BLE001  # raised again in the test's own thread
            faults.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=act, args=pair) for pair in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return results

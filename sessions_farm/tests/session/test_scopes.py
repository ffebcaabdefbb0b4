"""One dictionary for every scope, on every store: shared, kept, locked, and copied on the node for a second."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from asgiref.sync import async_to_sync

from sessions_farm.session import queries, scopes, sweeper
from sessions_farm.session.locks import LockTimeoutError
from sessions_farm.session.scopes import Scope
from sessions_farm.tests.support.declared_farm import EVERY_STORE, saved, use


@pytest.fixture(params=EVERY_STORE, autouse=True)
def farm(request, settings, tmp_path):
    use(settings, request.param, tmp_path)


@pytest.fixture
def name():
    return uuid.uuid4().hex


def on_another_node(scope_name):
    return Scope("application", scope_name, fresh_for=0)


def test_dictionary_of_an_application(name):
    scope = Scope("application", name)
    assert dict(scope) == {}
    scope["open"] = True
    scope.update(motto="Ní neart go cur le chéile", shelves=[1, 2])
    del scope["open"]
    assert dict(on_another_node(name)) == {"motto": "Ní neart go cur le chéile", "shelves": [1, 2]}
    with pytest.raises(KeyError):
        del scope["open"]
    scope.clear()
    assert len(on_another_node(name)) == 0


def test_scopes_are_apart(name):
    Scope("application", name)["x"] = 1
    assert dict(Scope("visitor", name)) == dict(Scope("application", name + "2")) == {}


def test_steps_of_all_nodes_count(name):
    here, there = Scope("application", name), on_another_node(name)
    assert [here.increment("n"), there.increment("n", 5), here.increment("n")] == [1, 6, 7]
    assert there.append("log", {"a": 1}) == [{"a": 1}]
    assert here.compare_and_set("n", 7, 8)
    assert not there.compare_and_set("n", 7, 9)
    assert here["n"] == 8


def test_node_reads_its_copy_for_a_while(name):
    here, there = Scope("application", name, fresh_for=60), on_another_node(name)
    there["x"] = 1
    assert here["x"] == 1
    there["x"] = 2
    assert here["x"] == 1
    here["y"] = 1  # whoever writes reads anew
    assert here["x"] == 2
    there["x"] = 3
    here.refresh()
    assert here["x"] == 3


def test_lock_keeps_others_out(name):
    here, there = Scope("application", name), on_another_node(name)
    with here.lock(), pytest.raises(LockTimeoutError), there.lock(wait=0.01):
        pass
    with there.lock(wait=0.01):
        there["x"] = 1


def test_lock_of_the_dead_ends_by_itself(name):
    scope = on_another_node(name)
    held = scope.lock(lease=0.05)
    held.__enter__()
    with scope.lock(wait=60):
        pass


def test_event_loops_have_it_all(name):
    scope = on_another_node(name)

    async def use_it():
        await scope.aset("x", 1)
        async with scope.alock():
            pass
        found = [await scope.aget("x"), await scope.aincrement("n", 2), await scope.aget("none", 7)]
        await scope.adelete("x")
        return found, await scope.aget("x")

    assert async_to_sync(use_it)() == ([1, 2, 7], None)
    assert asyncio.run(use_it()) == ([1, 4, 7], None)


def test_scopes_are_no_sessions_and_are_never_swept(name):
    scopes.Scope("visitor", name, fresh_for=0)["theme"] = "dark"
    saved(x=1)
    sweeper.sweep()
    assert queries.count() == len(queries.find()) == 1
    assert scopes.Scope("visitor", name, fresh_for=0)["theme"] == "dark"

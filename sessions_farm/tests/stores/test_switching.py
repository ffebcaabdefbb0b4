"""Switch of stores: no session is lost or ended, and a node may die at any moment of a move."""

from __future__ import annotations

import itertools
import secrets
import time

import pytest
from django.db import transaction

from sessions_farm.session import ids, queries, scopes, sweeper
from sessions_farm.session.ids import Proof
from sessions_farm.session.session import SessionStore
from sessions_farm.signals import session_ended
from sessions_farm.stores import current_store, store_named
from sessions_farm.stores.base import Change, SessionEndedError, State, now_ms
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.stores.switching import FollowingStore, SwitchingStore, frozen_key
from sessions_farm.tests.support.declared_farm import NAMES, again, handle, saved, use

PLACES = [name for name in NAMES if name != "memory"]
PAIRS = [
    (old, new) for old, new in itertools.permutations(PLACES, 2) if "tiered" not in {old, new} or "redis" in {old, new}
]
pytestmark = pytest.mark.django_db(transaction=True, available_apps=["sessions_farm"])


@pytest.fixture(params=PAIRS, ids="-to-".join)
def switch(request, settings, tmp_path):
    """Turns this node's settings: before, following, switching, after."""
    old, new = request.param
    prefix = secrets.token_hex(4)

    def turn(store, **options):
        use(settings, store, tmp_path, REDIS_PREFIX=prefix, **options)

    stages = {
        "before": lambda: turn(old),
        "following": lambda: turn(old, SWITCH_TO=new),
        "switching": lambda: turn(new, SWITCH_FROM=old),
        "after": lambda: turn(new),
    }

    def to(stage):
        stages[stage]()
        return current_store()

    return to


def test_rollback_of_the_application_undoes_no_move(switch):
    """Redis would not come back with the database: the session moves when the transaction is over."""
    switch("before")
    session, frozen = saved(x=1), saved(x=2)
    store = switch("switching")
    run_sync(
        store.old.rotate(handle(frozen), frozen_key(handle(frozen)), Change(put={"_farm_origin": '"x"'}), now_ms(), 0)
    )
    with transaction.atomic():
        assert dict(again(session).items()) == {"x": 1}
        assert dict(again(frozen).items()) == {"x": 2}
        writer = again(session)
        writer["y"] = 1
        writer.save()
        transaction.set_rollback(True)
    for number, one in enumerate((session, frozen), 1):
        assert run_sync(store.new.load(handle(one), now_ms())).state is State.ABSENT
        assert again(one)["x"] == number
        assert run_sync(store.new.load(handle(one), now_ms())).state is State.LIVE


def test_session_that_was_read_in_a_transaction_moves_when_it_is_touched(switch):
    switch("before")
    session = saved(x=1)
    store = switch("switching")
    with transaction.atomic():
        assert run_sync(store.load(handle(session), now_ms())).touch_due
    assert run_sync(store.touch(handle(session), now_ms()))
    assert dict(run_sync(store.new.load(handle(session), now_ms())).variables) == {"x": "1"}


def test_everybody_stays_signed_in(switch):
    switch("before")
    read, written, idle = saved(x=1, page="/tea"), saved(x=2), saved(x=3)
    scopes.Scope("visitor", "somebody", fresh_for=0)["theme"] = "dark"
    store = switch("switching")
    assert again(read)["x"] == 1
    assert again(written).increment("x") == 3
    assert queries.count() == 3
    assert {one.handle for one in queries.find(page="/tea")} == {handle(read)}
    assert scopes.Scope("visitor", "somebody", fresh_for=0)["theme"] == "dark"
    run_sync(store.moving(handle(idle), now_ms()))
    assert run_sync(store.old.find({}, now_ms(), 10)) == []
    assert run_sync(store.old.scope_keys(10)) == []
    switch("after")
    assert [again(session)["x"] for session in (read, written, idle)] == [1, 3, 3]
    assert scopes.Scope("visitor", "somebody", fresh_for=0)["theme"] == "dark"


def test_what_ended_before_stays_ended(switch):
    switch("before")
    session = saved(x=1)
    again(session).delete()
    switch("switching")
    assert again(session).get("x") is None
    late = SessionStore(proof=Proof(session.session_key, int(time.time())))
    assert late.ended


def test_late_writer_on_a_node_that_follows_reaches_what_has_moved(switch):
    switch("following")
    session = saved(x=1)
    late = again(session)
    late["late"] = 1  # loaded from the old store
    following = current_store()
    switch("switching")
    assert again(session)["x"] == 1  # moved
    late.store = following
    late.save()
    assert dict(again(session).items()) == {"x": 1, "late": 1}
    switch("following")
    assert dict(again(session).items()) == {"x": 1, "late": 1}


def test_late_writer_on_a_node_that_knows_one_store_is_refused(switch):
    """Why a farm goes through SWITCH_TO first."""
    old = switch("before")
    session = saved(x=1)
    switch("switching")
    assert again(session)["x"] == 1
    with pytest.raises(SessionEndedError):
        run_sync(old.apply(handle(session), Change(put={"x": "2"}), now_ms()))


def test_move_of_a_node_that_died_is_completed(switch):
    switch("before")
    sessions = [saved(x=number) for number in range(3)]
    store = switch("switching")
    for steps_made, session in enumerate(sessions):
        moving = store.moving(handle(session), now_ms())
        step = next(moving)
        for _ in range(steps_made * 2):  # it dies after some of its steps
            try:
                step = moving.send(step.run_sync())
            except StopIteration:
                break
        moving.close()
    assert [again(session)["x"] for session in sessions] == [0, 1, 2]
    switch("following")
    assert [again(session)["x"] for session in sessions] == [0, 1, 2]


def test_session_that_moved_and_timed_out_may_begin_again(switch):
    switch("before")
    session = saved(x=1)
    store = switch("switching")
    assert again(session)["x"] == 1
    later = now_ms() + 3_600_000
    assert run_sync(store.load(handle(session), later)).state is State.ABSENT
    assert run_sync(store.old.load(frozen_key(handle(session)), later)).state is State.ENDED


def test_logout_during_the_switch_is_final(switch):
    switch("before")
    moved, unmoved = saved(x=1), saved(x=2)
    switch("switching")
    again(moved).load()
    for session in (moved, unmoved):
        again(session).delete()
    for stage in ("switching", "after", "following", "before"):
        switch(stage)
        assert [again(session).get("x") for session in (moved, unmoved)] == [None, None]


def test_move_is_no_end(switch):
    told = []

    def receive(*, handle, reason, **_):
        told.append((handle, reason))

    session_ended.connect(receive)
    try:
        switch("before")
        session = saved(x=1)
        switch("switching")
        again(session).load()
        sweeper.sweep()
        assert told == []
        again(session).delete()
        sweeper.sweep()
        assert told == [(handle(session), "ended")]
    finally:
        session_ended.disconnect(receive)


def test_leases_hold_over_the_whole_switch(switch):
    stores = [switch(stage) for stage in ("before", "switching", "after")]
    held = run_sync(stores[1].acquire("x", "mine", now_ms(), 60_000))
    assert held
    for other in (stores[0], stores[2]):
        assert not run_sync(other.acquire("x", "theirs", now_ms(), 60_000))
    assert run_sync(stores[1].release("x", "mine"))


def test_settings_name_the_stage(switch):
    assert isinstance(switch("switching"), SwitchingStore)
    assert isinstance(switch("following"), FollowingStore)
    assert not isinstance(switch("after"), SwitchingStore)
    assert store_named("memory") is not store_named("memory")
    assert ids.ID.fullmatch(SessionStore().session_key or ids.new_id())

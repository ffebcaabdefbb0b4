"""The contract of a store, held against every store: writes are kept, and ended sessions stay ended."""

from __future__ import annotations

import inspect
import secrets
import time

import pytest

from sessions_farm.stores.base import (
    Append,
    Change,
    CompareAndSet,
    ConflictError,
    Increment,
    KeyTakenError,
    Lifetime,
    Reading,
    SessionEndedError,
    SessionMissingError,
    State,
)
from sessions_farm.stores.protocol import Store
from sessions_farm.tests.support.stores_fixtures import BOTH_WAYS, HOUR, LIFE, NOW, farm_of, in_threads

STEPS = 25
METHODS = [name for name in dir(Store) if not name.startswith("_")]


@pytest.fixture(params=BOTH_WAYS)
def store(request):
    with farm_of(request) as farm:
        yield farm.node()


@pytest.fixture
def key():
    return secrets.token_urlsafe(32)


@pytest.fixture
def live(store, key):
    return started(store, key)


def started(store, key):
    store.create(key, {"a": "1", "b": '"two"'}, LIFE, NOW)
    return key


def test_every_method_yields_effects_and_does_no_work_before_the_first(store):
    for name in METHODS:
        method = getattr(store, name).method
        needed = [given for given in inspect.signature(method).parameters.values() if given.default is given.empty]
        assert inspect.isgenerator(method(*[None] * len(needed))), name


def test_load_absent_session(store, key):
    assert store.load(key, NOW).state is State.ABSENT


def test_create_keeps_variables_and_header(store, live):
    reading = store.load(live, NOW)
    assert (reading.state, dict(reading.variables)) == (State.LIVE, {"a": "1", "b": '"two"'})
    assert (reading.header.created, reading.header.expires, reading.header.ends) == (NOW, NOW + HOUR, LIFE.ends)


def test_create_keeps_odd_names_and_values(store, key):
    texts = {"=": "1", "!": "2", "?": "3", ":x": "4", "ä é\n": '"\\u0000\\ud800 %s {} \'"', "%": "null"}
    store.create(key, texts, LIFE, NOW)
    assert dict(store.load(key, NOW).variables) == texts


def test_create_empty_session_lives(store, key):
    store.create(key, {}, LIFE, NOW)
    assert store.load(key, NOW).state is State.LIVE


def test_create_refused_where_a_session_lives(store, live):
    with pytest.raises(KeyTakenError):
        store.create(live, {"a": "9"}, LIFE, NOW)
    assert store.load(live, NOW).variables["a"] == "1"


def test_create_replaces_what_has_expired(store, live):
    later = NOW + 2 * HOUR
    store.create(live, {"c": "3"}, Lifetime(HOUR, later + HOUR), later)
    assert dict(store.load(live, later).variables) == {"c": "3"}


def test_apply_puts_and_drops_only_what_is_named(store, live):
    before = store.load(live, NOW).header
    header = store.apply(live, Change(put={"c": "3"}, drop=["a"]), NOW)
    assert dict(store.load(live, NOW).variables) == {"b": '"two"', "c": "3"}
    assert header.version > before.version


def test_apply_replaces_everything(store, live):
    store.apply(live, Change(put={"z": "1"}, replace=True), NOW)
    assert dict(store.load(live, NOW).variables) == {"z": "1"}


def test_apply_changes_the_lifetime(store, live):
    store.apply(live, Change(lifetime=Lifetime(5 * HOUR, NOW + 3 * HOUR)), NOW)
    header = store.load(live, NOW).header
    assert (header.idle, header.expires, header.ends) == (5 * HOUR, NOW + 3 * HOUR, NOW + 3 * HOUR)


def test_apply_never_makes_a_session(store, key):
    with pytest.raises(SessionMissingError):
        store.apply(key, Change(put={"a": "1"}), NOW)
    assert store.load(key, NOW).state is State.ABSENT


def test_session_expires_when_idle(store, live):
    assert store.load(live, NOW + HOUR).state is State.ABSENT
    with pytest.raises(SessionMissingError):
        store.apply(live, Change(put={"a": "2"}), NOW + HOUR)


def test_load_begins_the_idle_time_anew(store, live):
    for moment in range(NOW, NOW + 3 * HOUR, HOUR // 2):
        assert store.load(live, moment).state is State.LIVE
    assert store.load(live, NOW + 5 * HOUR).state is State.ABSENT


def test_load_touches_after_a_tenth_of_the_idle_time_only(store, live):
    assert store.load(live, NOW + HOUR // 20).header.seen == NOW
    assert store.load(live, NOW + HOUR // 9).header.seen == NOW + HOUR // 9


def test_touch_begins_the_idle_time_anew(store, live):
    assert store.touch(live, NOW + HOUR // 2)
    assert store.load(live, NOW + HOUR + HOUR // 3).state is State.LIVE


def test_touch_of_an_absent_session_returns_false(store, key):
    assert not store.touch(key, NOW)


def test_session_ends_at_its_absolute_end(store, live):
    for moment in range(NOW, LIFE.ends, HOUR // 2):
        assert store.load(live, moment).state is State.LIVE
    assert store.load(live, LIFE.ends).state is State.ABSENT


def test_deleted_session_stays_deleted(store, live):
    store.delete(live, "ended", NOW)
    assert store.load(live, NOW).state is State.ENDED
    for revive in (
        lambda: store.apply(live, Change(put={"a": "2"}), NOW),
        lambda: store.create(live, {"a": "2"}, LIFE, NOW),
        lambda: store.modify(live, Increment("a", 1), NOW),
        lambda: store.rotate(live, "x" * 43, Change(), NOW, 1000),
    ):
        with pytest.raises(SessionEndedError):
            revive()
    assert not store.touch(live, NOW)
    assert (store.load(live, NOW).state, store.load("x" * 43, NOW).state) == (State.ENDED, State.ABSENT)


def test_delete_of_a_key_without_session_ends_it(store, key):
    store.delete(key, "ended", NOW)
    with pytest.raises(SessionEndedError):
        store.create(key, {"a": "1"}, LIFE, NOW)


def test_delete_twice_is_no_error(store, live):
    store.delete(live, "ended", NOW)
    store.delete(live, "ended", NOW)


def test_rotate_moves_the_session_and_ends_the_old_key(store, live, key):
    new = key[::-1]
    store.rotate(live, new, Change(put={"user": "7"}, drop=["b"]), NOW, 10_000)
    assert dict(store.load(new, NOW).variables) == {"a": "1", "user": "7"}
    for late in (lambda: store.apply(live, Change(put={"a": "2"}), NOW), lambda: store.create(live, {}, LIFE, NOW)):
        with pytest.raises(SessionEndedError):
            late()


def test_rotate_keeps_the_age(store, live, key):
    store.rotate(live, key[::-1], Change(), NOW + HOUR // 2, 0)
    assert store.load(key[::-1], NOW + HOUR // 2).header.created == NOW


def test_rotate_with_replace_moves_no_variable(store, live, key):
    store.rotate(live, key[::-1], Change(put={"z": "1"}, replace=True), NOW, 10_000)
    assert dict(store.load(key[::-1], NOW).variables) == {"z": "1"}


def test_rotate_without_session_is_refused(store, key):
    with pytest.raises(SessionMissingError):
        store.rotate(key, key[::-1], Change(), NOW, 0)


def test_grace_shows_the_old_variables_and_not_the_new(store, live, key):
    store.rotate(live, key[::-1], Change(put={"user": "7"}), NOW, 10_000)
    reading = store.load(live, NOW + 1)
    assert (reading.state, reading.in_grace) == (State.ENDED, True)
    assert dict(reading.variables) == {"a": "1", "b": '"two"'}


def test_grace_shows_the_successor(store, live, key):
    store.rotate(live, key[::-1], Change(), NOW, 10_000, "sealed")
    assert store.load(live, NOW + 1).successor == "sealed"
    assert store.load(key[::-1], NOW + 1).successor == ""


def test_delete_ends_the_successor(store, live, key):
    store.rotate(live, key[::-1], Change(), NOW, 10_000, "sealed")
    store.delete(live, "ended", NOW)
    reading = store.load(live, NOW + 1)
    assert (reading.state, reading.successor) == (State.ENDED, "")


def test_rotated_session_without_variables_has_a_grace(store, key):
    store.create(key, {}, LIFE, NOW)
    store.rotate(key, key[::-1], Change(put={"user": "7"}), NOW, 10_000, "sealed")
    assert store.load(key, NOW + 1) == Reading(State.ENDED, {}, in_grace=True, successor="sealed")


def test_delete_ends_the_grace(store, live, key):
    store.rotate(live, key[::-1], Change(), NOW, 10_000)
    store.delete(live, "ended", NOW)
    reading = store.load(live, NOW + 1)
    assert (reading.in_grace, dict(reading.variables)) == (False, {})


def test_modify_increments_and_appends(store, live):
    assert store.modify(live, Increment("a", 4), NOW) == "5"
    assert store.modify(live, Increment("new", -2), NOW) == "-2"
    assert store.modify(live, Append("list", '{"x":[]}'), NOW) == '[{"x":[]}]'
    assert store.modify(live, Append("list", '"y"'), NOW) == '[{"x":[]},"y"]'
    assert store.load(live, NOW).variables["list"] == '[{"x":[]},"y"]'


@pytest.mark.parametrize("operation", [Increment("b", 1), Append("a", "1"), Append("b", "1")])
def test_modify_refuses_another_type(store, live, operation):
    with pytest.raises(TypeError):
        store.modify(live, operation, NOW)
    assert dict(store.load(live, NOW).variables) == {"a": "1", "b": '"two"'}


def test_compare_and_set_takes_place_once(store, live):
    assert store.modify(live, CompareAndSet("a", "1", "2"), NOW) == "2"
    with pytest.raises(ConflictError):
        store.modify(live, CompareAndSet("a", "1", "3"), NOW)
    assert store.modify(live, CompareAndSet("new", None, "1"), NOW) == "1"
    assert store.modify(live, CompareAndSet("a", "2", None), NOW) is None
    assert dict(store.load(live, NOW).variables) == {"b": '"two"', "new": "1"}


def test_concurrent_writers_of_different_variables_have_no_lost_updates(store, key):
    live = started(store, key)

    def writer(number):
        for step in range(STEPS):
            store.apply(live, Change(put={f"v{number}-{step}": "1"}, drop=["b"] if step % 5 == 0 else ()), NOW)

    in_threads([lambda number=number: writer(number) for number in range(4)])
    reading = store.load(live, NOW)
    assert len([name for name in reading.variables if name.startswith("v")]) == 4 * STEPS
    assert reading.header.version == 1 + 4 * STEPS


def test_concurrent_increments_have_no_lost_updates(store, key):
    live = started(store, key)
    in_threads([lambda: [store.modify(live, Increment("n", 1), NOW) for _ in range(STEPS)]] * 4)
    assert store.load(live, NOW).variables["n"] == str(4 * STEPS)


def test_race_of_delete_and_write_leaves_an_ended_session(store):
    """In either order the key has ended afterwards."""
    for _ in range(STEPS):
        key = secrets.token_urlsafe(32)
        store.create(key, {"a": "1"}, LIFE, NOW)

        def late_write(key=key):
            try:
                store.load(key, NOW)
                store.apply(key, Change(put={"late": "1"}), NOW)
            except SessionEndedError:
                return

        in_threads([late_write, lambda key=key: store.delete(key, "ended", NOW), lambda key=key: store.load(key, NOW)])
        assert store.load(key, NOW).state is State.ENDED


def test_concurrent_creates_make_one_session(store, key):

    def create(number):
        try:
            store.create(key, {"by": str(number)}, LIFE, NOW)
        except KeyTakenError:
            return 0
        return 1

    assert sum(in_threads([lambda number=number: create(number) for number in range(4)])) == 1


def test_code_is_taken_once(store):
    digest = secrets.token_hex(32)
    store.put_code(digest, "payload", 60)
    with pytest.raises(KeyTakenError):
        store.put_code(digest, "other", 60)
    assert sorted(in_threads([lambda: store.take_code(digest) or ""] * 6)) == ["", "", "", "", "", "payload"]


def test_code_is_worthless_after_its_time(store):
    digest = secrets.token_hex(32)
    store.put_code(digest, "payload", 0.001)
    time.sleep(0.01)
    assert store.take_code(digest) is None

"""The contract of a store's leases and idempotency keys: one holder a lease, no late writes, deduplicated retries."""

from __future__ import annotations

import threading
import time

import pytest

from sessions_farm.stores.base import (
    IDEMPOTENCY_KEYS_KEPT,
    Append,
    Change,
    CompareAndSet,
    ConflictError,
    Increment,
    LeaseLostError,
    Lifetime,
    SessionEndedError,
    SessionMissingError,
    State,
    now_ms,
)
from sessions_farm.tests.support.stores_fixtures import (
    BOTH_WAYS,
    HOUR,
    LIFE,
    NOW,
    farm_of,
    in_threads,
    new_key,
    read,
    started,
)

MINUTE = 60_000


@pytest.fixture(params=BOTH_WAYS)
def farm(request):
    with farm_of(request) as farm:
        yield farm


@pytest.fixture
def store(farm):
    return farm.node()


@pytest.fixture
def live(store):
    return started(store)


def test_lease_is_one_holders(store):
    name = new_key()
    assert store.acquire(name, "me", NOW, MINUTE)
    assert not store.acquire(name, "other", NOW, MINUTE)
    assert store.acquire(new_key(), "other", NOW, MINUTE)


def test_lease_ends_by_itself(store):
    name = new_key()
    store.acquire(name, "me", NOW, MINUTE)
    assert not store.acquire(name, "other", NOW + MINUTE - 1, MINUTE)
    assert store.acquire(name, "other", NOW + MINUTE, MINUTE)
    assert not store.acquire(name, "me", NOW + MINUTE, MINUTE)


def test_holder_prolongs_its_own_lease(store):
    name = new_key()
    store.acquire(name, "me", NOW, MINUTE)
    assert store.acquire(name, "me", NOW + MINUTE // 2, MINUTE)
    assert not store.acquire(name, "other", NOW + MINUTE, MINUTE)


def test_lease_is_given_back_by_its_holder_only(store):
    name = new_key()
    assert not store.release(name, "me")
    store.acquire(name, "me", NOW, MINUTE)
    assert not store.release(name, "other")
    assert not store.acquire(name, "other", NOW, MINUTE)
    assert store.release(name, "me")
    assert not store.release(name, "me")
    assert store.acquire(name, "other", NOW, MINUTE)


def test_lease_needs_no_session_and_goes_with_no_session(store, live):
    store.acquire(live, "me", NOW, MINUTE)
    store.delete(live, "ended", NOW)
    assert store.release(live, "me")


def test_sweep_leaves_leases_that_are_held(store):
    name = new_key()
    now = now_ms()
    store.acquire(name, "me", now, MINUTE)
    store.sweep(now, 10)
    assert not store.acquire(name, "other", now, MINUTE)


def test_one_of_many_gets_the_lease(store):
    name = new_key()
    held = in_threads([lambda token=token: store.acquire(name, token, NOW, MINUTE) for token in "abcdef"])
    assert sum(held) == 1


def test_wait_for_a_free_lease_ends_at_once(store):
    """A wait to the end would be longer than a test may take."""
    store.wait(new_key(), 300)


def test_wait_for_a_lease_ends(store):
    name = new_key()
    store.acquire(name, "me", now_ms(), MINUTE)
    begun = time.monotonic()
    store.wait(name, 0.2)
    assert time.monotonic() - begun > 0.15


def test_waiters_are_woken_and_get_the_lease_one_after_another(farm):
    """Waits are for a minute, so only a woken waiter is done in time."""
    first, second = farm.two_nodes()
    name, inside, most = new_key(), [], []
    first.acquire(name, "me", now_ms(), MINUTE)
    waiting = threading.Barrier(4)

    def enter(store, token):
        waiting.wait()
        until = time.monotonic() + 50
        while not store.acquire(name, token, now_ms(), MINUTE):
            assert time.monotonic() < until
            store.wait(name, 60)
        inside.append(token)
        most.append(len(inside))
        inside.remove(token)
        assert store.release(name, token)

    def leave():
        waiting.wait()
        time.sleep(0.2)
        assert first.release(name, "me")

    in_threads([leave, *[lambda s=s, t=t: enter(s, t) for s, t in ((first, "a"), (second, "b"), (second, "c"))]])
    assert most == [1, 1, 1]


def test_holder_writes(store, live):
    store.acquire(live, "me", NOW, MINUTE)
    store.apply(live, Change(put={"a": "2"}, holder="me"), NOW)
    new = new_key()
    store.rotate(live, new, Change(put={"b": "3"}, holder="me"), NOW, 0)
    assert read(store, new) == {"a": "2", "b": "3", "page": '"/x"', "mood": '"fine"'}


def test_holder_writes_under_a_prolonged_lease(store, live):
    store.acquire(live, "me", NOW, MINUTE)
    store.acquire(live, "me", NOW + MINUTE // 2, MINUTE)
    store.apply(live, Change(put={"a": "2"}, holder="me"), NOW + MINUTE)
    assert store.load(live, NOW + MINUTE).variables["a"] == "2"


@pytest.mark.parametrize("why", ["never held", "ended", "another's", "given back"])
def test_late_holder_is_refused(store, live, why):
    if why != "never held":
        store.acquire(live, "me", NOW, MINUTE)
    if why == "given back":
        store.release(live, "me")
    now = NOW + MINUTE if why in {"ended", "another's"} else NOW
    if why == "another's":
        store.acquire(live, "other", now, MINUTE)
    before = read(store, live)
    change = Change(put={"a": "2"}, add={"n": 1}, replace=True, holder="me")
    with pytest.raises(LeaseLostError):
        store.apply(live, change, now)
    with pytest.raises(LeaseLostError):
        store.rotate(live, new_key(), change, now, 0)
    assert read(store, live) == before


def test_holder_of_an_ended_session_is_refused(store):
    key = new_key()
    store.acquire(key, "me", NOW, MINUTE)
    with pytest.raises(SessionMissingError):
        store.apply(key, Change(put={"a": "2"}, holder="me"), NOW)
    store.delete(key, "ended", NOW)
    with pytest.raises(SessionEndedError):
        store.apply(key, Change(put={"a": "2"}, holder="me"), NOW)


def test_others_write_beside_a_lease(store, live):
    store.acquire(live, "me", NOW, MINUTE)
    store.apply(live, Change(put={"a": "2"}), NOW)
    assert read(store, live)["a"] == "2"


def test_add_counts_from_the_present_value(store, live):
    store.apply(live, Change(add={"a": 4, "new": -2}), NOW)
    assert (read(store, live)["a"], read(store, live)["new"]) == ("5", "-2")
    store.apply(live, Change(put={"a": "10"}, drop=["new"], add={"a": 1, "new": 7}), NOW)
    assert (read(store, live)["a"], read(store, live)["new"]) == ("11", "7")
    store.apply(live, Change(put={"b": "1"}, add={"a": 3}, replace=True), NOW)
    assert read(store, live) == {"a": "3", "b": "1"}


@pytest.mark.parametrize("text", ['"two"', "1.5", "[1]", "null", "true", '"1"', "1e3"])
def test_add_to_another_value_than_a_whole_number_is_refused(store, live, text):
    store.apply(live, Change(put={"t": text}), NOW)
    before, version = read(store, live), store.load(live, NOW).header.version
    with pytest.raises(TypeError):
        store.apply(live, Change(put={"c": "3"}, drop=["a"], add={"n": 1, "t": 1}), NOW)
    with pytest.raises(TypeError):
        store.rotate(live, new_key(), Change(put={"c": "3"}, add={"t": 1}), NOW, 0)
    assert (read(store, live), store.load(live, NOW).header.version) == (before, version)


def test_rotation_adds(store, live):
    new = new_key()
    store.rotate(live, new, Change(add={"a": 4, "n": 2}), NOW, 10_000)
    assert (read(store, new)["a"], read(store, new)["n"]) == ("5", "2")
    assert store.load(live, NOW + 1).variables["a"] == "1"


def test_concurrent_additions_have_no_lost_updates(store, live):
    in_threads([lambda: [store.apply(live, Change(put={"z": "1"}, add={"n": 2}), NOW) for _ in range(10)]] * 4)
    assert read(store, live)["n"] == "80"


def test_change_with_an_idempotency_key_is_applied_once(store, live):
    change = Change(put={"z": "1"}, add={"n": 1}, idempotency_key="s1")
    first = store.apply(live, change, NOW)
    again = store.apply(live, change, NOW + 1)
    assert (read(store, live)["n"], again.version) == ("1", first.version)
    store.apply(live, Change(add={"n": 1}, idempotency_key="s2"), NOW)
    store.apply(live, change, NOW)
    assert read(store, live)["n"] == "2"


def test_change_without_an_idempotency_key_is_applied_each_time(store, live):
    for _ in range(3):
        store.apply(live, Change(add={"n": 1}), NOW)
        store.modify(live, Increment("n", 1), NOW)
    assert read(store, live)["n"] == "6"


def test_retried_operation_is_deduplicated_and_returns_the_present_text(store, live):
    assert [store.modify(live, Increment("n", 2), NOW, "s1") for _ in range(2)] == ["2", "2"]
    assert [store.modify(live, Append("list", "1"), NOW, "s2") for _ in range(2)] == ["[1]", "[1]"]
    assert [store.modify(live, CompareAndSet("a", "1", "9"), NOW, "s3") for _ in range(2)] == ["9", "9"]
    assert [store.modify(live, CompareAndSet("a", "9", None), NOW, "s4") for _ in range(2)] == [None, None]
    assert store.modify(live, Increment("n", 2), NOW, "s5") == "4"
    assert store.modify(live, Increment("n", 2), NOW, "s1") == "4"


def test_refused_operation_may_be_retried_under_its_idempotency_key(store, live):
    with pytest.raises(ConflictError):
        store.modify(live, CompareAndSet("a", "7", "8"), NOW, "s1")
    store.apply(live, Change(put={"a": "7"}), NOW)
    assert store.modify(live, CompareAndSet("a", "7", "8"), NOW, "s1") == "8"


def test_session_keeps_its_latest_idempotency_keys(store, live):
    for number in range(IDEMPOTENCY_KEYS_KEPT):
        store.apply(live, Change(add={"n": 1}, idempotency_key=f"s{number}"), NOW)
    store.apply(live, Change(add={"n": 1}, idempotency_key="s0"), NOW)
    assert read(store, live)["n"] == str(IDEMPOTENCY_KEYS_KEPT)
    store.apply(live, Change(put={"z": "1"}, replace=True), NOW)
    store.modify(live, Increment("n", 1), NOW, f"s{IDEMPOTENCY_KEYS_KEPT - 1}")
    assert "n" not in read(store, live)


def test_idempotency_keys_go_with_a_rotation(store, live):
    new = new_key()
    store.apply(live, Change(add={"n": 1}, idempotency_key="s1"), NOW)
    store.rotate(live, new, Change(), NOW, 0)
    store.apply(new, Change(add={"n": 1}, idempotency_key="s1"), NOW)
    assert read(store, new)["n"] == "1"


def test_idempotency_keys_of_an_expired_session_are_forgotten(store, live):
    store.apply(live, Change(add={"n": 1}, idempotency_key="s1"), NOW)
    later = NOW + 2 * HOUR
    store.create(live, {}, Lifetime(HOUR, LIFE.ends), later)
    store.apply(live, Change(add={"n": 1}, idempotency_key="s1"), later)
    assert dict(store.load(live, later).variables) == {"n": "1"}
    assert store.load(live, later).state is State.LIVE


def test_race_of_equal_idempotency_keys_applies_one(store, live):
    in_threads([lambda: store.modify(live, Increment("n", 1), NOW, "s1")] * 4)
    in_threads([lambda: store.apply(live, Change(add={"n": 1}, idempotency_key="s2"), NOW)] * 4)
    assert read(store, live)["n"] == "2"

"""The contract of a store's outbox: one start and one end of each session, in every interleaving."""

from __future__ import annotations

import pytest

from sessions_farm.declarations import OWNER
from sessions_farm.stores.base import (
    NEVER,
    Change,
    KeyTakenError,
    Lifetime,
    SessionEndedError,
    SessionMissingError,
)
from sessions_farm.tests.support.stores_fixtures import (
    BOTH_WAYS,
    HOUR,
    LIFE,
    NOW,
    farm_of,
    in_threads,
    new_key,
    started,
)

LATER = NOW + 2 * HOUR
LATER_LIFE = Lifetime(HOUR, LATER + 10 * HOUR)


@pytest.fixture(params=BOTH_WAYS)
def farm(request):
    with farm_of(request) as farm:
        yield farm


@pytest.fixture
def store(farm):
    return farm.node()


def pending(store):
    """Return the pending events, the oldest first: kind, key, reason."""
    return [(event.kind, event.key, event.reason) for event in store.read_events(1000)]


def swept(store, now):
    while store.sweep(now, 10) >= 10:
        pass


def test_start_and_end_are_events_once_in_order(store):
    key = started(store)
    store.apply(key, Change(put={"a": "2"}), NOW)
    store.delete(key, "logout", NOW + 5)
    store.delete(key, "logout", NOW + 6)
    swept(store, LATER)
    begun, ended = store.read_events(10)
    assert (begun.kind, begun.key, begun.at, begun.reason) == ("started", key, NOW, "")
    assert (ended.kind, ended.key, ended.at, ended.reason) == ("ended", key, NOW + 5, "logout")
    assert dict(ended.shared) == {"page": '"/x"', "mood": '"fine"'}


def test_refused_creation_adds_no_event(store):
    key = started(store)
    with pytest.raises(KeyTakenError):
        store.create(key, {}, LIFE, NOW)
    store.delete(key, "ended", NOW)
    with pytest.raises(SessionEndedError):
        store.create(key, {}, LIFE, NOW)
    assert len(pending(store)) == 2


def test_end_of_an_absent_session_adds_no_event(store):
    store.delete(new_key(), "ended", NOW)
    assert pending(store) == []


def test_expiry_becomes_an_event_at_the_sweep(store):
    key = started(store)
    store.load(key, LATER)
    swept(store, LATER)
    swept(store, LATER)
    assert pending(store) == [("started", key, ""), ("ended", key, "expired")]
    assert dict(store.read_events(10)[1].shared) == {"page": '"/x"', "mood": '"fine"'}


def test_expired_session_that_is_deleted_ends_once(store):
    key = started(store)
    store.delete(key, "logout", LATER)
    swept(store, LATER)
    assert pending(store) == [("started", key, ""), ("ended", key, "logout")]


def test_session_over_an_expired_one_ends_that_one_first(store):
    key = started(store)
    store.create(key, {"page": '"/new"'}, LATER_LIFE, LATER)
    swept(store, LATER)
    assert pending(store) == [("started", key, ""), ("ended", key, "expired"), ("started", key, "")]
    assert store.read_events(10)[1].shared["page"] == '"/x"'


def test_rotation_is_an_event_and_no_end(store):
    old, new = started(store), new_key()
    store.rotate(old, new, Change(put={"a": "2"}), NOW + 1, 10_000)
    store.delete(old, "ended", NOW + 2)
    (_, rotated) = store.read_events(10)
    assert (rotated.kind, rotated.key, rotated.other, rotated.at) == ("rotated", old, new, NOW + 1)
    swept(store, LATER)
    assert pending(store)[2:] == [("ended", new, "expired")]


def test_rotation_onto_an_expired_session_ends_that_one(store):
    old, new = started(store, now=LATER), started(store)
    store.rotate(old, new, Change(), LATER, 0)
    swept(store, LATER)
    assert sorted(pending(store)) == sorted(
        [("started", old, ""), ("started", new, ""), ("ended", new, "expired"), ("rotated", old, "")]
    )


def test_refused_rotation_adds_no_event(store):
    with pytest.raises(SessionMissingError):
        store.rotate(new_key(), new_key(), Change(), NOW, 0)
    assert pending(store) == []


def test_end_where_adds_an_event_for_each_session(store):
    keys = {started(store, {"owner": "7"}) for _ in range(5)}
    store.end_where("owner", "7", "", "everywhere", NOW)
    swept(store, LATER)
    ends = [(key, reason) for kind, key, reason in pending(store) if kind == "ended"]
    assert sorted(ends) == sorted((key, "everywhere") for key in keys)


def test_eviction_over_the_limit_is_one_event(farm):
    store = farm.node(max_live=1)
    evicted, kept = started(store), started(store, {OWNER: '"7"'})
    swept(store, NOW + 1)
    swept(store, LATER)
    ends = {(key, reason) for kind, key, reason in pending(store) if kind == "ended"}
    assert ends == {(evicted, "evicted"), (kept, "expired")}
    assert len(pending(store)) == 4


def test_scopes_dictionary_has_no_events(store):
    key = "a:scope"
    store.create(key, {"page": "1"}, Lifetime(NEVER, NEVER), NOW)
    store.apply(key, Change(put={"page": "2"}), NOW)
    store.delete(key, "ended", NOW)
    assert pending(store) == []


def test_outbox_stays_empty_without_events(farm):
    store = farm.node(events=False)
    store.delete(started(store), "ended", NOW)
    started(store)
    swept(store, LATER)
    assert pending(store) == []


def test_events_stay_pending_until_they_are_forgotten(store):
    keys = [started(store) for _ in range(3)]
    first = store.read_events(2)
    assert [event.key for event in first] == keys[:2]
    assert [event.id for event in store.read_events(2)] == [event.id for event in first]
    store.forget_events([event.id for event in first])
    store.forget_events([event.id for event in first])
    store.forget_events([])
    assert [event.key for event in store.read_events(10)] == keys[2:]


def test_race_of_ends_adds_one_event(store):
    for _ in range(5):
        key = started(store)
        in_threads(
            [
                lambda key=key: store.delete(key, "logout", NOW),
                lambda key=key: store.delete(key, "ended", NOW),
                lambda: store.end_where("page", '"/x"', "", "everywhere", NOW),
                lambda: store.sweep(LATER, 10),
            ]
        )
        kinds = [(kind, event_key) for kind, event_key, _ in pending(store) if event_key == key]
        assert kinds == [("started", key), ("ended", key)]


def test_race_of_rotation_and_end_has_events_in_their_order(store):
    """Each session that was started ends once, under the key that it had then."""
    for _ in range(5):
        key, new = started(store), new_key()

        def rotate(key=key, new=new):
            try:
                store.rotate(key, new, Change(), NOW, 0)
            except SessionEndedError:
                return
            store.delete(new, "ended", NOW)

        in_threads([rotate, lambda key=key: store.delete(key, "ended", NOW)])
        ends = [event_key for kind, event_key, _ in pending(store) if kind == "ended" and event_key in {key, new}]
        rotated = [event_key for kind, event_key, _ in pending(store) if kind == "rotated" and event_key == key]
        assert ends == ([new] if rotated else [key])

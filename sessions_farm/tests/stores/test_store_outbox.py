"""The contract of a store, as to what it tells: each session's one start and one end, whatever happens between."""

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


def told(store):
    """All that happened, the oldest first: kind, key, reason."""
    return [(event.kind, event.key, event.reason) for event in store.read_events(1000)]


def swept(store, now):
    while store.sweep(now, 10) >= 10:
        pass


def test_start_and_end_are_told_once_in_order(store):
    key = started(store)
    store.apply(key, Change(put={"a": "2"}), NOW)
    store.delete(key, "logout", NOW + 5)
    store.delete(key, "logout", NOW + 6)
    swept(store, LATER)
    begun, ended = store.read_events(10)
    assert (begun.kind, begun.key, begun.at, begun.reason) == ("started", key, NOW, "")
    assert (ended.kind, ended.key, ended.at, ended.reason) == ("ended", key, NOW + 5, "logout")
    assert dict(ended.shared) == {"page": '"/x"', "mood": '"fine"'}


def test_refused_creation_tells_nothing(store):
    key = started(store)
    with pytest.raises(KeyTakenError):
        store.create(key, {}, LIFE, NOW)
    store.delete(key, "ended", NOW)
    with pytest.raises(SessionEndedError):
        store.create(key, {}, LIFE, NOW)
    assert len(told(store)) == 2


def test_end_of_nothing_is_not_told(store):
    store.delete(new_key(), "ended", NOW)
    assert told(store) == []


def test_expiry_is_told_at_the_sweep(store):
    key = started(store)
    store.load(key, LATER)
    swept(store, LATER)
    swept(store, LATER)
    assert told(store) == [("started", key, ""), ("ended", key, "expired")]
    assert dict(store.read_events(10)[1].shared) == {"page": '"/x"', "mood": '"fine"'}


def test_expired_session_that_is_deleted_ends_once(store):
    key = started(store)
    store.delete(key, "logout", LATER)
    swept(store, LATER)
    assert told(store) == [("started", key, ""), ("ended", key, "logout")]


def test_session_over_an_expired_one_ends_that_one_first(store):
    key = started(store)
    store.create(key, {"page": '"/new"'}, LATER_LIFE, LATER)
    swept(store, LATER)
    assert told(store) == [("started", key, ""), ("ended", key, "expired"), ("started", key, "")]
    assert store.read_events(10)[1].shared["page"] == '"/x"'


def test_rotation_is_told_and_ends_nothing(store):
    old, new = started(store), new_key()
    store.rotate(old, new, Change(put={"a": "2"}), NOW + 1, 10_000)
    store.delete(old, "ended", NOW + 2)
    (_, rotated) = store.read_events(10)
    assert (rotated.kind, rotated.key, rotated.other, rotated.at) == ("rotated", old, new, NOW + 1)
    swept(store, LATER)
    assert told(store)[2:] == [("ended", new, "expired")]


def test_rotation_onto_an_expired_session_ends_that_one(store):
    old, new = started(store, now=LATER), started(store)
    store.rotate(old, new, Change(), LATER, 0)
    swept(store, LATER)
    assert sorted(told(store)) == sorted(
        [("started", old, ""), ("started", new, ""), ("ended", new, "expired"), ("rotated", old, "")]
    )


def test_refused_rotation_tells_nothing(store):
    with pytest.raises(SessionMissingError):
        store.rotate(new_key(), new_key(), Change(), NOW, 0)
    assert told(store) == []


def test_end_of_many_is_told_of_each(store):
    keys = {started(store, {"owner": "7"}) for _ in range(5)}
    store.end_where("owner", "7", "", "everywhere", NOW)
    swept(store, LATER)
    ends = [(key, reason) for kind, key, reason in told(store) if kind == "ended"]
    assert sorted(ends) == sorted((key, "everywhere") for key in keys)


def test_end_by_the_cap_is_told_once(farm):
    store = farm.node(max_live=1)
    crowded, kept = started(store), started(store, {OWNER: '"7"'})
    swept(store, NOW + 1)
    swept(store, LATER)
    ends = {(key, reason) for kind, key, reason in told(store) if kind == "ended"}
    assert ends == {(crowded, "crowded"), (kept, "expired")}
    assert len(told(store)) == 4


def test_scopes_dictionary_tells_nothing(store):
    key = "a:scope"
    store.create(key, {"page": "1"}, Lifetime(NEVER, NEVER), NOW)
    store.apply(key, Change(put={"page": "2"}), NOW)
    store.delete(key, "ended", NOW)
    assert told(store) == []


def test_without_events_nothing_is_told(farm):
    store = farm.node(events=False)
    store.delete(started(store), "ended", NOW)
    started(store)
    swept(store, LATER)
    assert told(store) == []


def test_events_are_read_until_they_are_forgotten(store):
    keys = [started(store) for _ in range(3)]
    first = store.read_events(2)
    assert [event.key for event in first] == keys[:2]
    assert [event.id for event in store.read_events(2)] == [event.id for event in first]
    store.forget_events([event.id for event in first])
    store.forget_events([event.id for event in first])
    store.forget_events([])
    assert [event.key for event in store.read_events(10)] == keys[2:]


def test_concurrent_ends_are_told_once(store):
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
        kinds = [(kind, told_key) for kind, told_key, _ in told(store) if told_key == key]
        assert kinds == [("started", key), ("ended", key)]


def test_concurrent_rotation_and_end_are_told_as_they_happened(store):
    """Each session that was started ends once, under whichever key it had then."""
    for _ in range(5):
        key, new = started(store), new_key()

        def rotate(key=key, new=new):
            try:
                store.rotate(key, new, Change(), NOW, 0)
            except SessionEndedError:
                return
            store.delete(new, "ended", NOW)

        in_threads([rotate, lambda key=key: store.delete(key, "ended", NOW)])
        ends = [told_key for kind, told_key, _ in told(store) if kind == "ended" and told_key in {key, new}]
        rotated = [told_key for kind, told_key, _ in told(store) if kind == "rotated" and told_key == key]
        assert ends == ([new] if rotated else [key])

"""The contract of a store, over all sessions: count, look, find, end many, sweep, cap; scopes' dictionaries apart."""

from __future__ import annotations

import secrets

import pytest

from sessions_farm.declarations import OWNER
from sessions_farm.stores.base import NEVER, Append, Change, Increment, Lifetime, SessionEndedError, State
from sessions_farm.tests.support.stores_fixtures import BOTH_WAYS, HOUR, LIFE, NOW, farm_of, new_key, read, started

EVER = Lifetime(NEVER, NEVER)
LATER = NOW + 2 * HOUR
LONG = "x" * 5000


@pytest.fixture(params=BOTH_WAYS)
def farm(request):
    with farm_of(request) as farm:
        yield farm


@pytest.fixture
def store(farm):
    return farm.node()


def keys_of(found):
    return {one.key for one in found}


def swept(store, now, limit=10):
    """Sweep to the end; how many batches that took."""
    batches = 1
    while store.sweep(now, limit) >= limit:
        batches += 1
    return batches


def test_count_is_of_those_who_live(store):
    keys = [started(store, {}) for _ in range(4)]
    store.delete(keys[0], "ended", NOW)
    store.rotate(keys[1], new_key(), Change(), NOW, 10_000)
    started(store, {}, Lifetime(3 * HOUR, LIFE.ends))
    assert (store.count(NOW), store.count(LATER)) == (4, 1)


def test_look_shows_shared_variables_of_those_who_live(store):
    here, gone, expired = started(store), started(store), started(store, {}, Lifetime(1, LIFE.ends))
    store.delete(gone, "ended", NOW)
    assert store.get_many([], NOW) == []
    (found,) = store.get_many([here, gone, expired, new_key()], NOW + 1)
    assert (found.key, dict(found.shared)) == (here, {"page": '"/x"', "mood": '"fine"'})
    assert (found.header.created, found.header.expires) == (NOW, NOW + HOUR)


def test_get_many_touches_no_session(store):
    key = started(store)
    store.get_many([key], NOW + HOUR // 2)
    assert store.load(key, NOW + HOUR).state is State.ABSENT


def test_find_by_one_and_by_all_of_several(store):
    first, second = started(store, {"page": '"/x"', "owner": "1"}), started(store, {"page": '"/x"', "owner": "2"})
    started(store, {"page": '"/y"', "owner": "1"})
    assert keys_of(store.find({"page": '"/x"'}, NOW, 10)) == {first, second}
    assert keys_of(store.find({"page": '"/x"', "owner": "2"}, NOW, 10)) == {second}
    assert store.find({"page": '"/z"'}, NOW, 10) == []
    assert len(store.find({}, NOW, 10)) == 3
    assert len(store.find({"page": '"/x"'}, NOW, 1)) == 1


def test_find_shows_shared_variables_only(store):
    started(store, {"page": '"/x"', "owner": "1", "secret": "1"})
    (found,) = store.find({"owner": "1"}, NOW, 10)
    assert dict(found.shared) == {"page": '"/x"'}


def test_find_follows_every_change(store):
    key = started(store, {"page": '"/x"'})
    changes = [
        (lambda: store.apply(key, Change(put={"page": '"/y"'}), NOW), '"/y"'),
        (lambda: store.modify(key, Increment("owner", 3), NOW), '"/y"'),
        (lambda: store.apply(key, Change(put={"page": '"/z"'}, replace=True), NOW), '"/z"'),
        (lambda: store.apply(key, Change(drop=["page"]), NOW), None),
        (lambda: store.modify(key, Append("page", "1"), NOW), "[1]"),
        (lambda: store.apply(key, Change(add={"owner": 5}), NOW), "[1]"),
    ]
    for change, page in changes:
        change()
        assert [text for text in ('"/x"', '"/y"', '"/z"', "[1]") if store.find({"page": text}, NOW, 9)] == (
            [page] if page else []
        )
    assert keys_of(store.find({"owner": "5"}, NOW, 9)) == {key}


def test_find_finds_a_rotated_session_under_its_new_key_only(store):
    old, new = started(store, {"page": '"/x"'}), new_key()
    store.rotate(old, new, Change(put={"owner": "7"}), NOW, 10_000)
    assert keys_of(store.find({"page": '"/x"'}, NOW, 9)) == keys_of(store.find({"owner": "7"}, NOW, 9)) == {new}


def test_find_finds_no_expired_and_no_ended_session(store):
    ended, expired, alive = (started(store, {"page": '"/x"'}) for _ in range(3))
    store.delete(ended, "ended", NOW)
    store.touch(alive, NOW + HOUR // 2)
    assert keys_of(store.find({"page": '"/x"'}, NOW + HOUR, 9)) == {alive}
    assert expired not in keys_of(store.find({}, NOW + HOUR, 9))


def test_find_distinguishes_long_texts(store):
    first, second = started(store, {"page": f'"{LONG}1"'}), started(store, {"page": f'"{LONG}2"'})
    assert keys_of(store.find({"page": f'"{LONG}2"'}, NOW, 9)) == {second} != {first}


@pytest.mark.parametrize("name", ["mood", "a", "page*"])
def test_find_and_end_by_an_undeclared_variable_are_refused(store, name):
    key = started(store, {name: "1"})
    with pytest.raises(ValueError, match="VARIABLES"):
        store.find({"page": "1", name: "1"}, NOW, 9)
    with pytest.raises(ValueError, match="VARIABLES"):
        store.end_where(name, "1", "", "ended", NOW)
    assert store.load(key, NOW).state is State.LIVE


def test_end_where_ends_all_but_the_spared_for_good(store):
    keys = [started(store, {"owner": "7"}) for _ in range(5)]
    other, expired = started(store, {"owner": "8"}), started(store, {"owner": "7"}, Lifetime(1, LIFE.ends))
    assert store.end_where("owner", "7", keys[0], "everywhere", NOW + 1) == 4
    assert [store.load(key, NOW + 1).state for key in keys] == [State.LIVE, *[State.ENDED] * 4]
    with pytest.raises(SessionEndedError):
        store.create(keys[1], {}, LIFE, NOW + 1)
    assert (store.load(other, NOW + 1).state, store.load(expired, NOW + 1).state) == (State.LIVE, State.ABSENT)
    assert store.end_where("owner", "7", keys[0], "everywhere", NOW + 1) == 0


def test_sweep_is_done_in_batches(store):
    for _ in range(7):
        started(store, {}, Lifetime(1, LIFE.ends))
    alive = started(store)
    assert swept(store, NOW + 10, limit=3) >= 3
    assert store.sweep(NOW + 10, 3) == 0
    assert store.load(alive, NOW + 10).state is State.LIVE


def test_sweep_removes_only_what_has_expired(store):
    later = NOW + 5 * HOUR
    expired, ended = started(store), new_key()
    alive = started(store, {"x": "1"}, Lifetime(HOUR, NOW + 90 * HOUR), later)
    store.delete(ended, "ended", NOW)
    swept(store, later)
    states = [store.load(key, later).state for key in (alive, expired, ended)]
    assert states == [State.LIVE, State.ABSENT, State.ENDED]


def test_swept_key_may_live_again_and_ended_one_may_not(store):
    expired, ended = started(store), started(store)
    store.delete(ended, "ended", NOW)
    swept(store, LATER)
    store.create(expired, {"b": "2"}, Lifetime(HOUR, LATER + HOUR), LATER)
    assert dict(store.load(expired, LATER).variables) == {"b": "2"}
    with pytest.raises(SessionEndedError):
        store.create(ended, {}, LIFE, LATER)


def test_cap_ends_anonymous_sessions_that_were_seen_longest_ago(farm):
    store = farm.node(max_live=3)
    oldest = started(store, {OWNER: '"7"'})
    keys = [started(store, now=NOW + 1000 * number) for number in range(1, 5)]
    store.touch(keys[0], NOW + 9000)
    swept(store, NOW + 10_000)
    alive = [key for key in (oldest, *keys) if store.load(key, NOW + 10_000).state is State.LIVE]
    assert alive == [oldest, keys[0], keys[3]]
    assert store.count(NOW + 10_000) == 3


def test_cap_ends_no_signed_in_session(farm):
    store = farm.node(max_live=1)
    keys = [started(store, {OWNER: f'"{number}"'}) for number in range(3)]
    swept(store, NOW)
    assert [store.load(key, NOW).state for key in keys] == [State.LIVE] * 3


def test_scopes_dictionary_is_no_session(farm):
    """Dictionaries that never end are not counted, found, swept or evicted; all else works as on a session."""
    store = farm.node(max_live=1)
    scope, far = f"a:{secrets.token_urlsafe(30)}", NOW + 10**12
    store.create(scope, {"page": '"/x"', "n": "1"}, EVER, NOW)
    session = started(store, {"page": '"/x"'})
    assert store.count(NOW) == 1
    assert keys_of(store.find({"page": '"/x"'}, NOW, 9)) == keys_of(store.find({}, NOW, 9)) == {session}
    assert store.get_many([scope], NOW) == []
    assert store.end_where("page", '"/x"', "", "ended", NOW) == 1
    assert store.modify(scope, Increment("n", 4), far) == "5"
    store.apply(scope, Change(put={"m": "2"}, drop=["page"]), far)
    swept(store, far)
    assert read(store, scope) == {"n": "5", "m": "2"}
    assert store.load(scope, far).state is State.LIVE
    store.delete(scope, "ended", far)
    assert store.load(scope, far).state is not State.LIVE


def test_dictionaries_of_scopes_are_listed_apart(store):
    scopes = {f"a:{secrets.token_urlsafe(30)}" for _ in range(3)}
    for scope in scopes:
        store.create(scope, {"n": "1"}, EVER, NOW)
    started(store)
    assert set(store.scope_keys(9)) == scopes
    assert len(store.scope_keys(2)) == 2

"""Redis alone: indexes that are what the sessions are, and one end for each session, whoever is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from sessions_farm.stores.base import NEVER, Change, Lifetime, State
from sessions_farm.stores.redis.scripts import MARGIN_MS, Script
from sessions_farm.tests.support import redis_hammer
from sessions_farm.tests.support.stores_fixtures import HOUR, LIFE, NOW, REDIS_URL, make_store

pytestmark = pytest.mark.skipif(not REDIS_URL, reason="The indexes are Redis's: set REDIS_URL.")
ROOT = Path(redis_hammer.__file__).parents[3]
FAR = NOW + 1000 * HOUR


@pytest.fixture
def store(prefix):
    return make_store("redis", prefix=prefix, max_live=25)


def kept(store):
    """What the indexes say: key and score by index."""
    redis = store.client
    names = [*redis.scan_iter(match=store.name("i", "*")), store.name("live")]
    return {name: dict(redis.zrange(name, 0, -1, withscores=True)) for name in names if redis.exists(name)}


def due(store):
    """What they should say, by the sessions themselves."""
    redis, expected = store.client, {}
    for name in redis.scan_iter(match=store.name("s", "*")):
        fields = redis.hgetall(name)
        if "=" in fields and float(fields["="].split()[4]) < NEVER:
            key, expires = name.removeprefix(store.name("s") + ":"), float(fields["="].split()[3])
            expected.setdefault(store.name("live"), {})[key] = expires
            for variable in ("page", "owner", "_farm_owner"):
                if f":{variable}" in fields:
                    index = store.name("i", f"{len(variable)}:{variable}:{fields[f':{variable}']}")
                    expected.setdefault(index, {})[key] = expires
    return expected


def hammer(store, prefix, number, acts):
    """Let clients act until each has done so much and all ends were seen; kill them in the middle of something."""
    clients = [
        subprocess.Popen(
            [sys.executable, "-m", redis_hammer.__name__, REDIS_URL, prefix, str(NOW)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(number)
    ]
    while True:
        for client in clients:
            assert all(client.stdout.readline() for _ in range(acts))
        if {event.reason for event in store.read_events(1_000_000)} >= {"", "expired", "ended", "left"}:
            break
    for client in clients:
        client.kill()
        client.communicate()


def test_killed_clients_leave_indexes_true_and_each_session_ends_once(store, prefix):
    hammer(store, prefix, 2, 300)
    assert kept(store) == due(store)
    while store.sweep(FAR, 100):
        pass
    assert kept(store) == {}
    events = store.read_events(1_000_000)
    lives = Counter(event.key for event in events if event.kind == "started")
    lives.update(event.other for event in events if event.kind == "rotated")
    ends = Counter(event.key for event in events if event.kind == "ended")
    ends.update(event.key for event in events if event.kind == "rotated")
    assert lives == ends


def test_control_index_that_another_trip_keeps_drifts(store, prefix):
    """The same with a script that forgets its index: the comparison sees it."""
    script = store.scripts["apply"]
    store.scripts["apply"] = Script(script.text.replace("update_indexes(KEYS[1], h, before, now)\nreturn", "return"))
    store.create("a", {"page": "1"}, LIFE, NOW)
    assert kept(store) == due(store)
    store.apply("a", Change(put={"page": "2"}), NOW)
    assert kept(store) != due(store)


def test_session_whose_hash_was_lost_ends_once(store):
    store.create("a", {"page": "1"}, LIFE, NOW)
    store.create("b", {"page": "1"}, LIFE, NOW)
    store.client.delete(store.session_name("a"), store.session_name("b"))
    later = NOW + HOUR + MARGIN_MS // 4  # before new sessions remove old ones
    store.create("b", {}, Lifetime(HOUR, FAR), later)
    assert store.sweep(later, 10) == 1
    store.delete("a", "ended", later)
    seen = [(event.kind, event.key, event.reason) for event in store.read_events(10)]
    assert seen[2:] == [("ended", "b", "expired"), ("started", "b", ""), ("ended", "a", "expired")]
    assert store.find({"page": "1"}, later, 10) == []


def test_index_goes_with_its_last_session_though_nobody_sweeps(store):
    store.create("a", {"page": "1"}, LIFE, NOW)
    left = store.client.pttl(store.name("i", "4:page:1"))
    assert HOUR < left <= HOUR + MARGIN_MS


def test_search_of_several_terms_goes_on_where_a_trip_stopped(store, monkeypatch):
    monkeypatch.setattr("sessions_farm.stores.redis.queries.SCAN", 7)
    for number in range(40):
        variables = {"page": "1", "owner": str(number % 10)}
        store.create(f"k{number}", variables, Lifetime(HOUR + number // 4, FAR), NOW)
    for number in range(100, 140):
        store.create(f"k{number}", {"owner": "3"}, LIFE, NOW)
    assert {found.key for found in store.find({"page": "1", "owner": "3"}, NOW, 10)} == {"k3", "k13", "k23", "k33"}
    assert len(store.find({"page": "1"}, NOW, 100)) == 40
    assert len(store.find({}, NOW, 33)) == 33


def test_ending_of_more_than_a_trip_ends_all(store, monkeypatch):
    monkeypatch.setattr("sessions_farm.stores.redis.queries.ENDING", 3)
    for number in range(10):
        store.create(f"k{number}", {"owner": "1"}, LIFE, NOW)
    assert store.end_where("owner", "1", "k4", "everywhere", NOW) == 9
    assert [found.key for found in store.find({"owner": "1"}, NOW, 100)] == ["k4"]
    assert store.load("k3", NOW).state is State.ENDED


def test_crowd_goes_longest_unseen_first_and_leaves_who_is_signed_in(store):
    for number in range(30):
        variables = {"_farm_owner": '"u"'} if number < 3 else {}
        store.create(f"k{number}", variables, LIFE, NOW + number)
    later = NOW + HOUR // 2
    store.load("k3", later)
    assert store.sweep(later, 100) == 5
    gone = {f"k{number}" for number in range(30) if store.load(f"k{number}", later).state is State.ABSENT}
    assert gone == {"k4", "k5", "k6", "k7", "k8"}
    assert store.sweep(later, 100) == 0


def test_sum_that_cannot_be_made_writes_nothing(store):
    store.create("a", {"big": "9" * 18, "huge": "9" * 30, "n": "1"}, LIFE, NOW)
    with pytest.raises(TypeError):
        store.apply("a", Change(put={"x": "1"}, add={"n": 1, "huge": 1}), NOW)
    with pytest.raises(TypeError):
        store.apply("a", Change(put={"x": "1"}, add={"n": 10**30}), NOW)
    store.apply("a", Change(add={"big": 10**17}), NOW)
    assert dict(store.load("a", NOW).variables) == {"big": "1099999999999999999", "huge": "9" * 30, "n": "1"}


def test_where_nobody_sweeps_new_sessions_remove_old_ones(store):
    old = [started_at(store, number, NOW) for number in range(40)]
    soon = NOW + HOUR + MARGIN_MS // 4  # the sweeper has time to come first
    started_at(store, 0, soon)
    assert store.client.zcard(store.name("live")) == len(old) + 1
    later = NOW + 2 * HOUR
    new = [started_at(store, number, later) for number in range(30)]
    store.client.delete(*[store.session_name(key) for key in old])
    assert kept(store) == due(store)
    assert set(store.client.zrange(store.name("live"), 0, -1)) >= set(new)
    ended = Counter(event.key for event in store.read_events(1000) if event.kind == "ended")
    assert ended == Counter(old)


def started_at(store, number, now):
    key = f"{now}-{number}"
    store.create(key, {"page": f'"/{number}"'}, Lifetime(HOUR, now + 10 * HOUR), now)
    return key


def test_stream_of_events_keeps_those_of_a_day(store):
    events = store.name("events")
    for number in range(1, 1001):
        store.client.xadd(events, {"kind": "started"}, id=f"{number}-1")
    started_at(store, 1, NOW)
    assert store.client.xlen(events) <= 101  # Redis trims by nodes of a hundred
    assert store.client.xrevrange(events, count=1)[0][1]["key"] == f"{NOW}-1"

"""Redis over SQL when a mark vanishes (emptied, evicted) before what it was to keep out arrives: nothing comes back.

Each test lets something happen between what a node asks of SQL and what it then tells Redis.
"""

from __future__ import annotations

import contextlib
import secrets

import pytest
import redis

from sessions_farm.stores.base import Change, State
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.stores.redis.scripts import Script
from sessions_farm.stores.tiered.copies import copy_of as copy_of_answer
from sessions_farm.tests.support.stores_fixtures import LIFE, NOW, REDIS_URL, copy_of, make_node, read

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not REDIS_URL, reason="The tiers need a Redis: set REDIS_URL."),
]


@pytest.fixture
def live(node):
    key = secrets.token_urlsafe(32)
    node.create(key, {"a": "1"}, LIFE, NOW)
    return key


@pytest.fixture
def forgotten(node, live):
    """A session that Redis knows nothing of."""
    empty(node)
    return live


def empty(node):
    """As FLUSHALL, for this farm alone."""
    client = node.redis.client
    client.delete(*client.scan_iter(node.redis.name("*")))


def evict(node):
    """Let Redis throw away all it has for want of memory; afterwards the farm has its eviction marker back."""
    client, name = node.redis.client, node.redis.name("eviction-marker")
    marker, usual = client.get(name), client.config_get("maxmemory*")
    client.config_set("maxmemory-policy", "allkeys-lru")
    client.config_set("maxmemory", 1)
    try:
        while client.dbsize():  # a part at a time, where other tests have left much
            with contextlib.suppress(redis.exceptions.OutOfMemoryError):
                client.set(node.redis.name("c", "one more"), 1)
    finally:
        client.config_set("maxmemory", usual["maxmemory"])
        client.config_set("maxmemory-policy", usual["maxmemory-policy"])
    client.set(name, marker)


def overtaken(node, method, do):
    """Let ``do`` happen after the next answer of SQL to this method."""
    real = getattr(node._store.sql, method)

    def late(*asked):
        found = yield from real(*asked)
        setattr(node._store.sql, method, real)
        do()
        return found

    setattr(node._store.sql, method, late)


def reader_lease(node, key):
    """Return the lease of a reader that finds no copy."""
    return copy_of_answer(*node.redis.read(key, NOW, 0)).lease


def without(node, name, condition):
    """The script as it would be if the condition never held."""
    whole = node.redis.scripts[name].text
    assert condition in whole
    node.redis.scripts[name] = Script(whole.replace(condition, "false"))


# Readers


def test_old_copy_after_a_write(node, other, forgotten):
    overtaken(node, "load", lambda: (other.apply(forgotten, Change(put={"a": "2"}), NOW), empty(other)))
    assert read(node, forgotten) == {"a": "1"}
    assert read(other, forgotten) == {"a": "2"}


def test_old_copy_after_a_logout(node, other, forgotten):
    overtaken(node, "load", lambda: (other.delete(forgotten, "ended", NOW), empty(other)))
    assert read(node, forgotten) == {"a": "1"}
    assert other.load(forgotten, NOW).state is State.ENDED


def test_old_copy_after_an_eviction(node, other, forgotten):
    overtaken(node, "load", lambda: (other.delete(forgotten, "ended", NOW), evict(other)))
    node.load(forgotten, NOW)
    assert other.load(forgotten, NOW).state is State.ENDED


def test_control_without_lease_the_session_lives_again(node, other, forgotten):
    without(node, "fill", "m[4] ~= ARGV[3]")
    overtaken(node, "load", lambda: (other.delete(forgotten, "ended", NOW), empty(other)))
    node.load(forgotten, NOW)
    assert other.load(forgotten, NOW).state is State.LIVE


def test_old_copy_after_another_reader_has_come_and_gone(node, other, forgotten):
    """There is a lease again, but the reader's own is not."""

    def write_and_be_asked_for():
        other.apply(forgotten, Change(put={"a": "2"}), NOW)
        empty(other)
        reader_lease(other, forgotten)

    overtaken(node, "load", write_and_be_asked_for)
    node.load(forgotten, NOW)
    assert copy_of(other, forgotten) == {}
    assert read(other, forgotten) == {"a": "2"}


def test_old_copy_of_the_next_epoch_after_a_write_of_the_last(node, other, live, prefix):
    """The writer has not heard of the epoch yet: the copy it writes is no copy to the reader."""
    late = make_node(REDIS_URL, prefix, tier_poll=60)
    assert read(late, live) == {"a": "1"}
    run_sync(node.epoch.bump_epoch())
    overtaken(node, "load", lambda: late.apply(live, Change(put={"a": "2"}), NOW))
    assert read(node, live) == {"a": "1"}
    assert read(other, live) == {"a": "2"}


@pytest.mark.parametrize("others", [1, 100])
def test_stampede_of_readers_gets_its_copy(node, other, forgotten, others):
    """Those who come later do not take the lease of the first away, and one is enough for all."""
    overtaken(node, "load", lambda: [reader_lease(other, forgotten) for _ in range(others)])
    assert read(node, forgotten) == {"a": "1"}
    assert copy_of(other, forgotten) == {"a": "1"}
    assert set(node.redis.client.hkeys(node.redis.session_name(forgotten))) == {"=", ":a"}


def test_lease_is_one_field_and_ends(node, forgotten):
    leases = {reader_lease(node, forgotten) for _ in range(10)}
    name = node.redis.session_name(forgotten)
    assert node.redis.client.hgetall(name) == {"~": leases.pop()}
    assert not leases
    assert 0 < node.redis.client.pttl(name) <= 10_000


# Makers and movers


def test_new_session_is_in_redis_at_once(node, other, live):
    """The control of those below: where nothing vanishes there is a copy."""
    assert copy_of(other, live) == {"a": "1"}


@pytest.mark.parametrize("vanish", [empty, evict])
def test_made_and_ended_before_its_copy_came(node, other, vanish):
    node.load("any", NOW)
    key = secrets.token_urlsafe(32)
    overtaken(node, "create", lambda: (other.delete(key, "ended", NOW), vanish(other)))
    node.create(key, {"a": "1"}, LIFE, NOW)
    assert other.load(key, NOW).state is State.ENDED


@pytest.mark.parametrize("vanish", [empty, evict])
def test_made_and_written_before_its_copy_came(node, other, vanish):
    key = secrets.token_urlsafe(32)
    overtaken(node, "create", lambda: (other.apply(key, Change(put={"a": "2"}), NOW), vanish(other)))
    node.create(key, {"a": "1"}, LIFE, NOW)
    assert read(other, key) == read(node, key) == copy_of(node, key) == {"a": "2"}


def test_control_without_eviction_marker_a_made_session_lives_again(node, other):
    without(node, "create", "ARGV[3] ~= eviction_marker()")
    key = secrets.token_urlsafe(32)
    overtaken(node, "create", lambda: (other.delete(key, "ended", NOW), empty(other)))
    node.create(key, {"a": "1"}, LIFE, NOW)
    assert other.load(key, NOW).state is State.LIVE


def test_maker_that_took_long_leaves_a_mark_only(node, other, monkeypatch):
    """By now a mark that another left could have expired."""
    monkeypatch.setattr("sessions_farm.stores.tiered.store.FILL_WITHIN", 0)
    key = secrets.token_urlsafe(32)
    node.create(key, {"a": "1"}, LIFE, NOW)
    assert copy_of(other, key) == {}
    monkeypatch.undo()
    assert read(other, key) == copy_of(other, key) == {"a": "1"}


def test_moved_and_ended_before_its_copy_came(node, other, live):
    """A person who signs in is signed out everywhere meanwhile. Nothing vanishes here."""
    new = secrets.token_urlsafe(32)
    overtaken(node, "rotate", lambda: other.delete(new, "everywhere", NOW))
    node.rotate(live, new, Change(put={"user": "7"}), NOW, 10_000)
    assert other.load(new, NOW).state is State.ENDED


def test_moved_and_ended_and_its_mark_vanished(node, other, live):
    """The copy under the old key is still there; the eviction marker tells that something is missing."""
    new = secrets.token_urlsafe(32)

    def end_and_lose_mark():
        other.delete(new, "everywhere", NOW)
        other.redis.client.delete(other.redis.session_name(new), other.redis.name("eviction-marker"))

    overtaken(node, "rotate", end_and_lose_mark)
    node.rotate(live, new, Change(put={"user": "7"}), NOW, 10_000)
    assert other.load(new, NOW).state is State.ENDED

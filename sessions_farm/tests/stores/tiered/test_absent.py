"""Redis over SQL where SQL has nothing, or a session under another key by now: one trip, and no session is hidden."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import replace

import pytest
from django.db import transaction

from sessions_farm.stores.base import Change, Lifetime, State
from sessions_farm.stores.redis.scripts import Script
from sessions_farm.stores.tiered.copies import ABSENT_MS
from sessions_farm.tests.support.stores_fixtures import (
    HOUR,
    LIFE,
    NOW,
    REDIS_URL,
    copy_of,
    in_threads,
    make_node,
    read,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not REDIS_URL, reason="The tiers need a Redis: set REDIS_URL."),
]


def nothing():
    """Steps that are none."""
    yield from ()


@pytest.fixture
def live(node):
    key = secrets.token_urlsafe(32)
    node.create(key, {"a": "1"}, LIFE, NOW)
    return key


@pytest.fixture
def nobody(node):
    """A key with nothing behind it, and Redis knows."""
    key = secrets.token_urlsafe(32)
    node.load(key, NOW)
    return key


def be_overtaken_in_sql(node, monkeypatch, act):
    """Let ``act`` happen after the node's answer from SQL and before it tells Redis."""
    real, acts = node.sql.load, [act]

    def load_then_be_overtaken(key, now):
        found = real(key, now)
        while acts:
            acts.pop()(key)
        return found

    monkeypatch.setattr(node.sql, "load", load_then_be_overtaken)


def make(store, key):
    store.create(key, {"a": "1"}, LIFE, NOW)


def make_and_be_evicted(store, key):
    make(store, key)
    store.redis.client.delete(*store.redis.session_names(key))


def believe_without_lease(node):
    """The script as it would be without its condition."""
    whole = node.redis.scripts["cache_absent"].text
    script = whole.replace("m[1] ~= ARGV[1] or m[2]", "false")
    assert script != whole
    node.redis.scripts["cache_absent"] = Script(script)


def test_nothing_is_read_from_redis_too(node, other, nobody, monkeypatch):
    monkeypatch.setattr(other.sql, "load", None)
    assert other.load(nobody, NOW).state is State.ABSENT


def test_nothing_is_known_for_a_while_only(node, nobody):
    left = node.redis.client.pttl(node.redis.session_name(nobody))
    assert 0 < left <= ABSENT_MS


def test_session_made_elsewhere_is_seen_at_once(node, other, nobody):
    make(other, nobody)
    assert read(node, nobody) == read(other, nobody) == {"a": "1"}


@pytest.mark.parametrize("act", [make, make_and_be_evicted])
def test_reader_that_was_overtaken_by_a_maker_hides_nothing(node, other, monkeypatch, act):
    key = secrets.token_urlsafe(32)
    be_overtaken_in_sql(node, monkeypatch, lambda key: act(other, key))
    assert node.load(key, NOW).state is State.ABSENT
    assert read(other, key) == read(node, key) == {"a": "1"}


@pytest.mark.parametrize("act", [make, make_and_be_evicted])
def test_control_without_lease_the_overtaken_reader_hides_the_session(node, other, monkeypatch, act):
    believe_without_lease(node)
    key = secrets.token_urlsafe(32)
    be_overtaken_in_sql(node, monkeypatch, lambda key: act(other, key))
    node.load(key, NOW)
    assert other.load(key, NOW).state is State.ABSENT


def test_maker_that_misses_redis_is_seen_by_every_node(node, other, cable, nobody):
    cable.cut()
    make(node, nobody)
    assert read(other, nobody) == {"a": "1"}


def test_control_without_epoch_the_maker_that_missed_redis_is_not_seen(node, other, cable, nobody, monkeypatch):
    monkeypatch.setattr(node.epoch, "bump_epoch", nothing)
    cable.cut()
    make(node, nobody)
    assert other.load(nobody, NOW).state is State.ABSENT


def test_expired_session_is_known_to_be_nothing_until_it_is_made_again(node, other, live, monkeypatch):
    later = NOW + 2 * HOUR
    assert node.load(live, later).state is State.ABSENT
    with monkeypatch.context() as patch:
        patch.setattr(other.sql, "load", None)
        assert other.load(live, later).state is State.ABSENT
    node.create(live, {"b": "2"}, LIFE, later)
    assert dict(other.load(live, later).variables) == {"b": "2"}


def test_copy_of_an_expired_session_is_none_of_the_next_one(node, other, live):
    """Made at once under the same id, without a load between: nothing of the old one may be in the new one's copy."""
    later = NOW + 2 * HOUR
    node.create(live, {"b": "2"}, Lifetime(HOUR, later + HOUR), later)
    assert dict(node.redis.load(live, later).variables) == {"b": "2"}
    node.apply(live, Change(put={"c": "3"}), later)
    assert dict(other.load(live, later).variables) == {"b": "2", "c": "3"}


def test_late_follower_of_an_expired_session_changes_nothing_of_the_next_one(node, other, live):
    later, header = NOW + 2 * HOUR, node.sql.load(live, NOW).header
    node.create(live, {"b": "2"}, Lifetime(HOUR, later + HOUR), later)
    epoch = int(node.redis.client.hget(node.redis.session_name(live), "=").split()[-1])
    node.redis.write_through(live, Change(put={"late": "1"}), replace(header, version=2), epoch, later)
    assert dict(other.load(live, later).variables) == {"b": "2"}


def test_ended_id_is_not_known_to_be_nothing(node, other, nobody):
    other.delete(nobody, "ended", NOW)
    assert node.load(nobody, NOW).state is State.ENDED


def test_made_in_a_transaction_is_seen_at_its_commit(node, other, nobody):
    with transaction.atomic():
        make(node, nobody)
        assert read(node, nobody) == {"a": "1"}
    assert read(other, nobody) == {"a": "1"}


def hold_first_answer(store, monkeypatch, seen, made):
    """Let a reader that SQL answered wait until the session is made before it tells Redis of that answer."""
    real, answers = store.sql.load, []

    def load(key, now):
        found = real(key, now)
        if not answers:
            answers.append(found)
            seen.set()
            made.wait(10)
        return found

    monkeypatch.setattr(store.sql, "load", load)


def look_while_made(node, other, monkeypatch):
    """Readers on two nodes while a third thread makes the session; how often it was hidden once it was made.

    The session is made after a reader of each kind has seen in SQL that there is none, and before it tells Redis so.
    """
    key, seen, made = secrets.token_urlsafe(32), threading.Event(), threading.Event()

    def look(store):
        hidden = 0
        for _ in range(8):
            known = made.is_set()
            hidden += known and store.load(key, NOW).state is not State.LIVE
            if not known:
                store.load(key, NOW)
        return hidden

    def act():
        seen.wait(10)
        make(other, key)
        made.set()
        return 0

    for store in (node, other):
        hold_first_answer(store, monkeypatch, seen, made)
    try:
        return sum(in_threads([lambda: look(node), lambda: look(other), act]))
    finally:
        monkeypatch.undo()


def test_readers_around_a_maker_always_see_what_was_made(prefix, monkeypatch):
    # The epoch is not asked for each time: that would order the threads.
    node, other = (make_node(REDIS_URL, prefix, tier_poll=60, redis_timeout=5) for _ in range(2))
    assert sum(look_while_made(node, other, monkeypatch) for _ in range(20)) == 0


def test_control_readers_around_a_maker_without_lease(prefix, monkeypatch):
    node, other = (make_node(REDIS_URL, prefix, tier_poll=60, redis_timeout=5) for _ in range(2))
    for store in (node, other):
        believe_without_lease(store)
    assert look_while_made(node, other, monkeypatch) > 0


def test_rotated_session_is_in_redis_under_its_new_key(node, other, live, monkeypatch):
    new = secrets.token_urlsafe(32)
    other.load(new, NOW)
    node.rotate(live, new, Change(put={"user": "7"}, drop=["a"]), NOW, 10_000)
    assert copy_of(other, new) == dict(other.sql.load(new, NOW).variables) == {"user": "7"}
    assert other.load(live, NOW).in_grace
    assert dict(other.load(live, NOW).variables) == {"a": "1"}


def test_rotation_over_an_old_copy_moves_no_old_variable(node, other, live):
    """The copy missed a write: it must not become the copy of the new key."""
    new = secrets.token_urlsafe(32)
    node.sql.apply(live, Change(put={"a": "2"}), NOW)
    node.rotate(live, new, Change(put={"user": "7"}), NOW, 10_000)
    assert copy_of(other, new) == {}
    assert read(other, new) == {"a": "2", "user": "7"}


def test_rotation_waits_for_a_writer_and_keeps_its_variable(node, live):
    """Last words are what was there when the rotation had its turn, not when it began to wait."""
    new = secrets.token_urlsafe(32)
    begun = threading.Event()

    def write():
        with transaction.atomic():
            node.sql.apply(live, Change(put={"late": "1"}), NOW)
            begun.set()
            time.sleep(0.2)

    def rotate():
        begun.wait()
        node.sql.rotate(live, new, Change(drop=["late"]), NOW, 10_000)

    in_threads([write, rotate])
    assert dict(node.sql.load(live, NOW).variables) == {"a": "1", "late": "1"}
    assert dict(node.sql.load(new, NOW).variables) == {"a": "1"}

"""Redis over SQL while Redis refuses, hangs, forgets and comes back: nobody is logged out, no write is lost."""

from __future__ import annotations

import contextlib
import secrets
import time

import pytest
from django.db import transaction

from sessions_farm.models import Tier
from sessions_farm.stores.base import (
    Change,
    Increment,
    SessionEndedError,
    SessionMissingError,
    State,
    StoreUnavailableError,
)
from sessions_farm.tests.support.stores_fixtures import HOUR, LIFE, NOW, REDIS_URL, copy_of, make_node, read

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


def test_reads_come_from_redis(node, live, monkeypatch):
    monkeypatch.setattr(node.sql, "load", None)
    assert read(node, live) == {"a": "1"}


def test_write_is_in_both(node, live):
    node.apply(live, Change(put={"b": "2"}), NOW)
    node.modify(live, Increment("a", 4), NOW)
    assert copy_of(node, live) == dict(node.sql.load(live, NOW).variables) == {"a": "5", "b": "2"}


def test_reads_and_writes_go_on_while_redis_refuses(node, cable, live):
    cable.cut()
    assert read(node, live) == {"a": "1"}
    node.apply(live, Change(put={"b": "2"}), NOW)
    assert read(node, live) == {"a": "1", "b": "2"}
    key = secrets.token_urlsafe(32)
    node.create(key, {"new": "1"}, LIFE, NOW)
    assert read(node, key) == {"new": "1"}


def test_hanging_redis_is_waited_for_once(cable, prefix, live):
    node = make_node(cable.url, prefix, redis_timeout=0.1, breaker_rest=60)
    assert read(node, live) == {"a": "1"}
    cable.clogged = True
    for _ in range(20):
        assert read(node, live) == {"a": "1"}
    assert node.breaker.failures == 1


def test_write_that_missed_redis_is_seen_by_every_node(node, other, cable, live):
    """Redis comes back as it was: the copy there is older than SQL."""
    assert read(other, live) == {"a": "1"}
    cable.cut()
    node.apply(live, Change(put={"a": "2"}), NOW)
    assert copy_of(other, live) == {"a": "1"}
    assert read(other, live) == {"a": "2"}
    cable.mend()
    assert read(node, live) == {"a": "2"}


def test_control_without_epoch_the_old_copy_is_believed(node, other, cable, live, monkeypatch):
    monkeypatch.setattr(node.epoch, "bump_epoch", nothing)
    cable.cut()
    node.apply(live, Change(put={"a": "2"}), NOW)
    assert read(other, live) == {"a": "1"}


def test_logout_while_redis_is_away_is_final(node, other, cable, live):
    cable.cut()
    node.delete(live, "ended", NOW)
    cable.mend()
    for store in (node, other):
        assert store.load(live, NOW).state is State.ENDED
        with pytest.raises(SessionEndedError):
            store.apply(live, Change(put={"a": "2"}), NOW)


def test_staleness_has_a_bound(node, cable, prefix, live):
    other = make_node(REDIS_URL, prefix, tier_poll=0.3)
    assert read(other, live) == {"a": "1"}
    cable.cut()
    node.apply(live, Change(put={"a": "2"}), NOW)
    time.sleep(0.35)
    assert read(other, live) == {"a": "2"}


def test_redis_that_started_anew_is_not_believed(node, live):
    """Another run id: what it holds may be from before its crash."""
    assert read(node, live) == {"a": "1"}
    epoch = Tier.objects.get().epoch
    Tier.objects.update(redis_run="the one before")
    node.sql.apply(live, Change(put={"a": "2"}), NOW)  # as if the copy of this write had been lost in the crash
    assert read(node, live) == {"a": "2"}
    assert Tier.objects.get().epoch == epoch + 1


def test_emptied_redis_is_filled_again(node, live):
    node.redis.client.delete(*node.redis.session_names(live))
    assert read(node, live) == {"a": "1"}
    assert copy_of(node, live) == {"a": "1"}


def test_late_fill_does_not_bring_an_old_version_back(node, other, live, monkeypatch):
    """A reader that found no copy is overtaken by a writer before it fills."""
    node.redis.client.delete(*node.redis.session_names(live))
    real = node.sql.load

    def load_then_be_overtaken(key, now):
        found = real(key, now)
        other.apply(live, Change(put={"a": "2"}), NOW)
        return found

    monkeypatch.setattr(node.sql, "load", load_then_be_overtaken)
    assert read(node, live) == {"a": "1"}
    assert read(other, live) == {"a": "2"}
    assert copy_of(other, live) == {"a": "2"}


def test_late_fill_does_not_bring_an_ended_session_back(node, other, live, monkeypatch):
    node.redis.client.delete(*node.redis.session_names(live))
    real = node.sql.load

    def load_then_be_overtaken(key, now):
        found = real(key, now)
        other.delete(live, "ended", NOW)
        return found

    monkeypatch.setattr(node.sql, "load", load_then_be_overtaken)
    node.load(live, NOW)
    assert other.load(live, NOW).state is State.ENDED


def test_writers_whose_copies_arrive_out_of_order(node, other, live, monkeypatch):
    """The later write's copy arrives first: no copy may hold one of them only."""
    real = node._store.redis.write_through

    def be_overtaken(*args):
        other.apply(live, Change(put={"b": "2"}), NOW)
        return real(*args)

    monkeypatch.setattr(node._store.redis, "write_through", be_overtaken)
    node.apply(live, Change(put={"c": "3"}), NOW)
    assert read(other, live) == read(node, live) == {"a": "1", "b": "2", "c": "3"}


def test_code_survives_redis_being_away_and_is_never_doubled(node, cable):
    cable.cut()
    digest = secrets.token_hex(32)
    with pytest.raises(StoreUnavailableError):
        node.put_code(digest, "payload", 60)  # Redis may have it: unknown, so said
    node.put_code(digest, "payload", 60)
    cable.mend()
    time.sleep(0.1)
    assert [node.take_code(digest), node.take_code(digest)] == ["payload", None]


def test_rolled_back_write_leaves_no_copy(node, live):
    with contextlib.suppress(ZeroDivisionError), transaction.atomic():
        node.apply(live, Change(put={"a": "2"}), NOW)
        assert read(node, live) == {"a": "2"}
        raise ZeroDivisionError
    assert read(node, live) == copy_of(node, live) == {"a": "1"}


def test_expired_session_is_no_session_in_either(node, live):
    with pytest.raises(SessionMissingError):
        node.apply(live, Change(put={"a": "2"}), NOW + 2 * HOUR)
    assert node.load(live, NOW + 2 * HOUR).state is State.ABSENT

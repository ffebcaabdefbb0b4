"""What happened to sessions is told: each event once, in order, and each session ends exactly once; on every store."""

from __future__ import annotations

import pytest
import time_machine

from sessions_farm.models import DeliveredEvent
from sessions_farm.session import events, sweeper
from sessions_farm.session.ids import Proof
from sessions_farm.session.session import SessionStore
from sessions_farm.signals import session_ended, session_merged, session_rotated, session_started
from sessions_farm.stores import current_store
from sessions_farm.stores.base import now_ms
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.tests.support.declared_farm import EVERY_STORE, again, handle, saved, use

MINUTE = 60
SIGNALS = {
    "started": session_started,
    "ended": session_ended,
    "merged": session_merged,
    "rotated": session_rotated,
}


@pytest.fixture(params=EVERY_STORE, autouse=True)
def farm(request, settings, tmp_path):
    use(settings, request.param, tmp_path)


@pytest.fixture
def told():
    """What receivers heard: kind, handle and the rest."""
    heard, receivers = [], []
    for kind, signal in SIGNALS.items():

        def receive(*, handle, reason, other, shared, kind=kind, **_):
            heard.append((kind, handle, reason or other, shared))

        signal.connect(receive)
        receivers.append((signal, receive))
    yield heard
    for signal, receive in receivers:
        signal.disconnect(receive)


def test_life_of_a_session_is_told_in_order(told):
    session = saved(page="/tea", mood="gay", secret=1)
    first = handle(session)
    session.cycle_key()
    session.save()
    second = handle(session)
    again(session).delete()
    assert told == []  # not before the sweeper comes
    sweeper.sweep()
    assert [event[:3] for event in told] == [
        ("started", first, ""),
        ("rotated", first, second),
        ("ended", second, "ended"),
    ]
    assert told[-1][3] == {"page": "/tea", "mood": "gay"}


def test_session_that_expires_ends_once(told):
    with time_machine.travel(1_800_000_000, tick=True) as clock:
        session = saved(page="/tea")
        sweeper.sweep()
        clock.shift(21 * MINUTE)
        for _ in range(3):
            sweeper.sweep()
    assert [event[:3] for event in told] == [("started", handle(session), ""), ("ended", handle(session), "expired")]
    assert told[-1][3] == {"page": "/tea"}


def test_key_that_is_used_again_ends_one_session_and_starts_another(told):
    with time_machine.travel(1_800_000_000, tick=True) as clock:
        session = saved(page="/tea")
        clock.shift(21 * MINUTE)
        later = SessionStore(proof=Proof(session.session_key, 1_800_000_000))
        later["page"] = "/soap"
        later.save()
        assert later.session_key == session.session_key
        sweeper.sweep()
    assert [(kind, reason) for kind, _, reason, _ in told] == [("started", ""), ("ended", "expired"), ("started", "")]


def test_merged_session_is_told_as_merged_and_as_ended(told):
    session = saved(x=1)
    run_sync(current_store().delete(handle(session), "merged", now_ms()))
    sweeper.sweep()
    assert [kind for kind, *_ in told] == ["started", "merged", "ended"]


def test_deleting_nothing_is_no_event(told):
    run_sync(current_store().delete("x" * 43, "ended", now_ms()))
    session = saved(x=1)
    again(session).delete()
    again(session).delete()
    sweeper.sweep()
    assert [kind for kind, *_ in told] == ["started", "ended"]


def test_crowd_ends_the_anonymous_who_were_seen_longest_ago(told, settings):
    settings.SESSIONS_FARM = {**settings.SESSIONS_FARM, "MAX_LIVE": 2}
    with time_machine.travel(1_800_000_000, tick=True) as clock:
        sessions = []
        for number in range(4):
            sessions.append(saved(number=number, **({"_farm_owner": "7"} if number == 0 else {})))
            clock.shift(1)
        sweeper.sweep()
        assert [again(session).get("number") for session in sessions] == [0, None, None, 3]
    ended = sorted((key, reason) for kind, key, reason, _ in told if kind == "ended")
    # Those of one sweep end together: only each session's own events have an order.
    assert ended == sorted((handle(session), "evicted") for session in sessions[1:3])


def test_receiver_that_fails_hears_it_again_and_stops_nobody(told, caplog):
    failing = [True]

    def receive(*, handle, **_):
        if failing:
            raise RuntimeError("not today")

    session_ended.connect(receive)
    try:
        session = saved(x=1)
        again(session).delete()
        other = saved(x=2)
        sweeper.sweep()
        assert ("started", handle(other)) in [event[:2] for event in told]
        assert "not today" in caplog.text
        failing.clear()
        told.clear()
        sweeper.sweep()
        assert [event[:2] for event in told] == [("ended", handle(session))]
    finally:
        session_ended.disconnect(receive)


def test_event_whose_teller_died_before_the_store_forgot_it_is_told_once(told, monkeypatch):
    saved(x=1)
    store = current_store()

    def dies(ids):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(store, "forget_events", dies)
    with pytest.raises(KeyboardInterrupt):
        events.deliver_events()
    monkeypatch.undo()
    assert len(told) == 1
    events.deliver_events()
    events.deliver_events()
    assert len(told) == 1
    assert DeliveredEvent.objects.count() == 1


def test_farm_without_events_writes_none(told, settings):
    settings.SESSIONS_FARM = {**settings.SESSIONS_FARM, "EVENTS": False}
    again(saved(x=1)).delete()
    sweeper.sweep()
    assert told == []
    assert run_sync(current_store().read_events(10)) == []


def test_only_one_sweeper_at_a_time():
    store = current_store()
    run_sync(store.acquire(sweeper.LOCK, "somebody", now_ms(), 60_000))
    assert sweeper.sweep() == 0
    run_sync(store.release(sweeper.LOCK, "somebody"))
    assert sweeper.sweep() > 0

"""The feed's calculations: ids, tokens, topics, ages."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import signing

from support_watch import limits, visits
from support_watch.feed.events import decode
from support_watch.feed.reads import Position
from support_watch.templatetags.watch import age
from support_watch.topics import EventMessage, Heartbeat, Lagged, ResyncRequested, Subscriber, Topic, as_position

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def event(seq, epoch="e"):
    return decode(7, f"{seq}-0", {"epoch": epoch, "type": "arrive", "visit": "abcd", "at": "5", "data": "{}"})


def drained(subscriber):
    items = []
    while not subscriber.queue.empty():
        items.append(subscriber.queue.get_nowait())
    return items


def topic_at(seq):
    subscriber = Subscriber(7)
    return Topic(7, Position("e", seq), {subscriber}), subscriber


def test_visit_ids_differ_by_vendor_shopper_and_half_hour_and_by_nothing_else():
    base = visits.candidate(1, "session:x", NOON)

    assert visits.candidate(1, "session:x", NOON + timedelta(minutes=1)) == base
    others = {
        visits.candidate(2, "session:x", NOON),
        visits.candidate(1, "session:y", NOON),
        visits.candidate(1, "session:x", NOON + timedelta(minutes=30)),
    }
    assert len(others | {base}) == 4
    assert len(base) == 26


def test_aliases_hold_nothing_of_what_they_stand_for():
    (alias,) = visits.aliases(1, ["session:secret"])
    assert "secret" not in alias
    assert visits.aliases(2, ["session:secret"]) != [alias]


def test_a_token_survives_the_trip_and_not_a_change_nor_half_a_day():
    token = visits.PageToken(1, "visit", "tab", 5, "support", "/support/", "help", counted=True, has_notice=True)
    with time_machine.travel(NOON, tick=False) as clock:
        text = token.signed()
        assert visits.read_token(text) == token
        with pytest.raises(signing.BadSignature):
            visits.read_token(text[:-1] + ("a" if text[-1] != "a" else "b"))
        clock.shift(limits.TOKEN_SECONDS + 1)
        with pytest.raises(signing.SignatureExpired):
            visits.read_token(text)


def test_a_topic_delivers_the_next_event_and_no_old_one():
    topic, subscriber = topic_at(4)
    topic.deliver(event(5))
    topic.deliver(event(5))
    topic.deliver(event(3))

    assert drained(subscriber) == [EventMessage(event(5))]
    assert topic.position == Position("e", 5)


@pytest.mark.parametrize("strange", [event(7), event(5, "other")], ids=["gap", "epoch"])
def test_a_gap_or_another_epoch_is_never_passed_over(strange):
    topic, subscriber = topic_at(4)
    topic.deliver(strange)

    assert drained(subscriber) == [Lagged()]


def test_an_answer_older_than_what_was_read_meanwhile_changes_nothing():
    topic, subscriber = topic_at(4)
    position_before = topic.position
    topic.deliver(event(5))
    drained(subscriber)
    topic.check_position(Position("e", 4), position_before)

    assert drained(subscriber) == []
    assert topic.position == Position("e", 5)


@pytest.mark.parametrize("position_before", [Position("e", 4), None])
def test_an_answer_does_not_set_back_a_topic_that_found_the_new_epoch_itself(position_before):
    topic, subscriber = topic_at(4)
    topic.deliver(event(2, "new"))
    drained(subscriber)
    topic.check_position(Position("new", 1), position_before)

    assert drained(subscriber) == []
    assert topic.position == Position("new", 2)


@pytest.mark.parametrize("there", [Position("new", 0), Position("new", 9), Position("e", 3)])
def test_a_lost_or_set_back_stream_resets_every_subscriber(there):
    topic, subscriber = topic_at(4)
    topic.check_position(there, topic.position)

    assert drained(subscriber) == [Lagged()]
    assert topic.position == there


def test_a_reader_that_stands_still_is_found_behind_and_one_that_moves_is_not():
    topic, _ = topic_at(4)
    for _ in range(4):
        topic.check_position(Position("e", 9), topic.position)
    assert topic.rounds_behind == 3
    topic.deliver(event(5))
    topic.check_position(Position("e", 9), topic.position)
    assert topic.rounds_behind == 0


def test_a_full_subscriber_loses_its_queue_and_gets_lagged(monkeypatch):
    monkeypatch.setattr(limits, "QUEUE", 3)
    subscriber = Subscriber(7)
    for seq in range(3):
        subscriber.push(Heartbeat(Position("e", seq), 0))
    subscriber.push(Heartbeat(Position("e", 3), 0))

    assert drained(subscriber) == [Lagged()]


@pytest.mark.parametrize("value", [None, 5, "x", [], {}, {"epoch": 5, "seq": 1}, {"epoch": "e", "seq": "1"}])
def test_a_position_that_makes_no_sense_is_none(value):
    assert as_position(value) is None
    assert ResyncRequested(as_position({"epoch": "e", "seq": 1})).last == Position("e", 1)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3661, "1 h 1 min"), (-9, "0 s")]
)
def test_ages(seconds, words):
    assert age(1_000, 1_000 + seconds * 1000) == words

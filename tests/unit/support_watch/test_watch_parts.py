"""The feed's calculations: ids, tokens, rooms, the breaker, ages."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core import signing

from support_watch import limits, visits
from support_watch.breaker import Breaker, Open
from support_watch.events import decode
from support_watch.feed import Position
from support_watch.rooms import Asked, Happened, Lagged, Room, Seat, Vouched, as_position
from support_watch.templatetags.watch import age

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def event(seq, epoch="e"):
    return decode(7, f"{seq}-0", {"epoch": epoch, "type": "arrive", "visit": "abcd", "at": "5", "data": "{}"})


def drained(seat):
    items = []
    while not seat.queue.empty():
        items.append(seat.queue.get_nowait())
    return items


def room_at(seq):
    seat = Seat(7)
    return Room(7, Position("e", seq), {seat}), seat


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
    token = visits.PageToken(1, "visit", "tab", 5, "/support/", "support", counted=True)
    with time_machine.travel(NOON, tick=False) as clock:
        text = token.signed()
        assert visits.read_token(text) == token
        with pytest.raises(signing.BadSignature):
            visits.read_token(text[:-1] + ("a" if text[-1] != "a" else "b"))
        clock.shift(limits.TOKEN_SECONDS + 1)
        with pytest.raises(signing.SignatureExpired):
            visits.read_token(text)


def test_a_room_passes_on_the_next_event_and_no_old_one():
    room, seat = room_at(4)
    room.take(event(5))
    room.take(event(5))
    room.take(event(3))

    assert drained(seat) == [Happened(event(5))]
    assert room.position == Position("e", 5)


@pytest.mark.parametrize("strange", [event(7), event(5, "other")], ids=["hole", "epoch"])
def test_a_hole_or_another_epoch_is_never_passed_over(strange):
    room, seat = room_at(4)
    room.take(strange)

    assert drained(seat) == [Lagged()]


def test_an_answer_older_than_what_was_read_meanwhile_changes_nothing():
    room, seat = room_at(4)
    asked_from = room.position
    room.take(event(5))
    drained(seat)
    room.compare(Position("e", 4), asked_from)

    assert drained(seat) == []
    assert room.position == Position("e", 5)


@pytest.mark.parametrize("asked_from", [Position("e", 4), None])
def test_an_answer_does_not_set_back_a_room_that_found_the_new_epoch_itself(asked_from):
    room, seat = room_at(4)
    room.take(event(2, "new"))
    drained(seat)
    room.compare(Position("new", 1), asked_from)

    assert drained(seat) == []
    assert room.position == Position("new", 2)


@pytest.mark.parametrize("there", [Position("new", 0), Position("new", 9), Position("e", 3)])
def test_a_lost_or_set_back_stream_makes_all_start_anew(there):
    room, seat = room_at(4)
    room.compare(there, room.position)

    assert drained(seat) == [Lagged()]
    assert room.position == there


def test_a_reader_that_stands_still_is_found_behind_and_one_that_moves_is_not():
    room, _ = room_at(4)
    for _ in range(4):
        room.compare(Position("e", 9), room.position)
    assert room.behind == 3
    room.take(event(5))
    room.compare(Position("e", 9), room.position)
    assert room.behind == 0


def test_a_full_seat_loses_its_queue_and_is_told_so(monkeypatch):
    monkeypatch.setattr(limits, "QUEUE", 3)
    seat = Seat(7)
    for seq in range(3):
        seat.push(Vouched(Position("e", seq), 0))
    seat.push(Vouched(Position("e", 3), 0))

    assert drained(seat) == [Lagged()]


@pytest.mark.parametrize("value", [None, 5, "x", [], {}, {"epoch": 5, "seq": 1}, {"epoch": "e", "seq": "1"}])
def test_a_position_that_makes_no_sense_is_none(value):
    assert as_position(value) is None
    assert Asked(as_position({"epoch": "e", "seq": 1})).last == Position("e", 1)


def test_the_breaker_does_not_try_while_it_is_open():
    tries = []

    def fail():
        tries.append(1)
        raise OSError

    breaker = Breaker(60, (OSError,))
    with pytest.raises(OSError):  # noqa: PT011 -- its own
        breaker.call(fail)
    with pytest.raises(Open):
        breaker.call(fail)
    assert len(tries) == 1
    breaker.reset()
    assert breaker.call(lambda: "well") == "well"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3661, "1 h 1 min"), (-9, "0 s")]
)
def test_ages(seconds, words):
    assert age(1_000, 1_000 + seconds * 1000) == words

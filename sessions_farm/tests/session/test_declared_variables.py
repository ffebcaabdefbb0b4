"""What a declaration changes: counters add, a time to live ends, budgets hold; the same on every store."""

from __future__ import annotations

import logging

import pytest
import time_machine

from sessions_farm.session.serializer import TooLargeError
from sessions_farm.session.session import SessionStore
from sessions_farm.tests.support.declared_farm import EVERY_STORE, again, saved, use

MINUTE = 60


@pytest.fixture(params=EVERY_STORE, autouse=True)
def farm(request, settings, tmp_path):
    use(settings, request.param, tmp_path, VARIABLE_LIMIT=1000, SESSION_LIMIT=1500, SESSION_WARNING=500)


def test_assignments_to_a_counter_add_up():
    session = saved(hits=10, plain=10)
    first, second = again(session), again(session)
    for one in (first, second):
        one["hits"] += 5
        one["plain"] += 5
    first.save()
    second.save()
    now = again(session)
    assert (now["hits"], now["plain"]) == (20, 15)  # what is not declared is as it was last written


def test_counter_begins_at_nothing_for_both_who_begin_it():
    session = saved(other=1)
    first, second = again(session), again(session)
    first["hits"], second["hits"] = 1, 1
    first.save()
    second.save()
    assert again(session)["hits"] == 2


def test_counter_can_go_down_and_be_dropped():
    session = saved(hits=3)
    later = again(session)
    later["hits"] -= 5
    later.save()
    assert again(session)["hits"] == -2
    later = again(session)
    del later["hits"]
    later.save()
    assert "hits" not in again(session)


@pytest.mark.parametrize("value", ["3", 3.5, True, None, [3]])
def test_counter_takes_whole_numbers_only(value):
    with pytest.raises(TypeError, match="declared a counter"):
        SessionStore()["hits"] = value


def test_variable_with_a_time_to_live_ends_by_itself():
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        session = saved(code="123", other=1)
        clock.shift(59)
        assert again(session)["code"] == "123"
        clock.shift(1)
        late = again(session)
        assert ("code" in late, list(late.keys()), late.get("code")) == (False, ["other"], None)


def test_assignment_begins_the_time_anew_and_a_look_does_not():
    with time_machine.travel(1_800_000_000, tick=False) as clock:
        session = saved(code=["a"])
        clock.shift(40)
        looking, writing = again(session), again(session)
        assert looking["code"] == ["a"]
        assert not looking.modified
        writing["code"] = ["a"]
        writing.save()
        clock.shift(40)
        assert again(session)["code"] == ["a"]
        writing = again(session)
        writing["code"].append("b")
        writing.save()
        clock.shift(59)
        assert again(session)["code"] == ["a", "b"]


def test_steps_on_a_variable_with_a_time_to_live_are_refused():
    session = saved(code=1)
    with pytest.raises(TypeError, match="time to live"):
        session.increment("code")


def test_session_beyond_its_budget_is_refused_and_stays_as_it_was():
    session = saved(a="x" * 900)
    large = again(session)
    large["b"] = "y" * 900
    with pytest.raises(TooLargeError, match="SESSION_LIMIT"):
        large.save()
    assert dict(again(session).items()) == {"a": "x" * 900}


def test_append_cannot_pass_the_budget_of_a_variable():
    session = saved(log=["x" * 900])
    with pytest.raises(TooLargeError, match="'log'"):
        session.append("log", "y" * 200)
    assert again(session)["log"] == ["x" * 900]


def test_large_session_warns(caplog):
    with caplog.at_level(logging.WARNING, "sessions_farm"):
        saved(a="x" * 400)
        assert not caplog.records
        saved(a="x" * 600)
    assert "SESSION_WARNING" in caplog.text

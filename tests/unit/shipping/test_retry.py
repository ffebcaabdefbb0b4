"""The retry schedule and the breaker's arithmetic."""

from datetime import UTC, datetime, timedelta

import pytest

from shipping import states
from shipping.retry import DELAYS, FAILURE_THRESHOLD, PROBE_DELAYS, BreakerState, after_failure, next_try
from shipping.states import State

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_schedule_gives_up_about_a_week_in():
    assert timedelta(days=6) < sum(DELAYS, timedelta()) < timedelta(days=8)
    for spent, delay in enumerate(DELAYS, 1):
        at = next_try(spent=spent, refused=0, now=NOW, retry_after=None)
        assert 0.8 * delay <= at - NOW <= 1.2 * delay
    assert next_try(spent=len(DELAYS) + 1, refused=0, now=NOW, retry_after=None) is None


def test_what_failed_together_comes_back_apart():
    assert len({next_try(spent=5, refused=0, now=NOW, retry_after=None) for _ in range(20)}) == 20


@pytest.mark.parametrize("asked", [timedelta(seconds=-5), timedelta(0), None])
def test_retry_after_never_shortens_the_wait(asked):
    assert next_try(spent=1, refused=0, now=NOW, retry_after=asked) >= NOW + 0.8 * DELAYS[0]


def test_third_refusal_is_the_last():
    assert [next_try(spent=9, refused=count, now=NOW, retry_after=None) is None for count in (1, 2, 3)] == [
        False,
        False,
        True,
    ]


def test_breaker_opens_after_failures_in_a_row_and_backs_off():
    health = BreakerState()
    waits = []
    for _ in range(FAILURE_THRESHOLD - 1 + len(PROBE_DELAYS) + 2):
        health = after_failure(health, NOW)
        waits.append(health.open_until and health.open_until - NOW)
    assert waits[: FAILURE_THRESHOLD - 1] == [None] * (FAILURE_THRESHOLD - 1)
    for wait, probe in zip(
        waits[FAILURE_THRESHOLD - 1 :], [*PROBE_DELAYS, PROBE_DELAYS[-1], PROBE_DELAYS[-1]], strict=True
    ):
        assert 0.8 * probe <= wait <= 1.2 * probe
    assert health.failing_since == NOW


def test_every_live_state_has_a_way_on_and_the_ends_have_none():
    for state in State:
        assert bool(states.TRANSITIONS[state]) == (state != State.CANCELLED)
    for state in State:
        if state not in {State.ACKED, State.CANCELLED}:
            assert State.ACKED in states.TRANSITIONS[state], "the department's word counts whenever it comes"
    for state in (State.DEAD, State.ACKED):
        assert State.SENDING not in states.TRANSITIONS[state], "they are woken by a person"

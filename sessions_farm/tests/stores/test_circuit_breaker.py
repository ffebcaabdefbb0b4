"""The circuit breaker's states over time; stores/tiered tests its probe."""

import math

from sessions_farm.stores.circuit_breaker import CircuitBreaker


def test_one_failure_opens_until_the_rest_is_over():
    breaker = CircuitBreaker(5.0)
    assert breaker.allow(now=100.0)
    breaker.record_failure(now=100.0)
    assert breaker.is_open
    assert not breaker.allow(now=104.9)
    assert breaker.allow(now=105.0)
    breaker.record_failure(now=105.0)
    assert not breaker.allow(now=105.0)


def test_success_closes_and_ends_the_row():
    breaker = CircuitBreaker(5.0, threshold=2)
    breaker.record_failure(now=100.0)
    breaker.record_success()
    breaker.record_failure(now=100.0)
    assert breaker.allow(now=100.0)
    breaker.record_failure(now=100.0)
    assert not breaker.allow(now=100.0)
    breaker.record_success()
    assert breaker.allow(now=100.0)
    assert (breaker.is_open, breaker.failures) == (False, 0)


def test_rare_failures_are_no_row():
    breaker = CircuitBreaker(10.0, threshold=3, window=30.0)
    for now in (100.0, 120.0, 131.0, 150.0, 162.0):
        breaker.record_failure(now=now)
        assert breaker.allow(now=now)
    breaker.record_failure(now=163.0)
    assert breaker.allow(now=163.0)
    breaker.record_failure(now=164.0)
    assert not breaker.allow(now=164.0)


def test_after_the_rest_a_new_row_opens_it_again():
    breaker = CircuitBreaker(10.0, threshold=3)
    for _ in range(3):
        breaker.record_failure(now=100.0)
    assert not breaker.allow(now=109.0)
    for _ in range(2):
        breaker.record_failure(now=110.0)
        assert breaker.allow(now=110.0)
    breaker.record_failure(now=110.0)
    assert not breaker.allow(now=110.0)


def test_endless_rest_lasts_until_a_success_and_counts_on():
    breaker = CircuitBreaker(math.inf, threshold=2)
    for _ in range(4):
        breaker.record_failure()
    assert breaker.failures == 4
    assert not breaker.allow(now=1e12)
    breaker.record_success()
    assert breaker.allow()

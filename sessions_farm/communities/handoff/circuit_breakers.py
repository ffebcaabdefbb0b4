"""The circuit breakers of the hosts that hand-offs go to: pages keep coming while an authority is down.

Each node judges by its own evidence: its health probe, and the hand-offs that it began and that never came back. With
no stickiness at the balancer a node gets its share of the returns too. While a breaker is open, visitors have local
sessions, merged when hand-offs work again.
"""

from __future__ import annotations

import math

from sessions_farm.stores.circuit_breaker import CircuitBreaker

LOST_HANDOFFS = 25  # begun in a row, with none that came back
WINDOW = 30.0  # seconds in which they began; rarer ones tell nothing
REST = 10.0  # seconds without hand-offs
FAILED_PROBES = 2  # in a row


class HostBreaker:
    """The circuit breaker of one host: open by lost hand-offs for a rest, by failed probes until one succeeds."""

    def __init__(self) -> None:
        self._handoffs = CircuitBreaker(REST, threshold=LOST_HANDOFFS, window=WINDOW)
        self._probes = CircuitBreaker(math.inf, threshold=FAILED_PROBES)
        self.ever_answered = False  # a probe

    @property
    def failed_probes(self) -> int:
        """The number of probes in a row without an answer."""
        return self._probes.failures

    def allow(self, now: float | None = None) -> bool:
        """Return whether a hand-off may go to the host at a moment (monotonic seconds)."""
        return self._handoffs.allow(now) and self._probes.allow(now)

    def record_start(self, now: float | None = None) -> None:
        """Count a hand-off as lost until one comes back."""
        self._handoffs.record_failure(now)

    def record_return(self) -> None:
        """Take a hand-off's return as a sign of life, even without cookies."""
        self._handoffs.record_success()

    def record_probe(self, *, answered: bool) -> None:
        """Take a probe's result. Failures count after a first success: until then the probe may be set up wrongly."""
        self.ever_answered = self.ever_answered or answered
        if answered:
            self._probes.record_success()
        elif self.ever_answered:
            self._probes.record_failure()


breakers: dict[str, HostBreaker] = {}  # by host


def breaker_of(host: str) -> HostBreaker:
    """Return the circuit breaker of a host, the same for the life of the process."""
    return breakers.setdefault(host, HostBreaker())

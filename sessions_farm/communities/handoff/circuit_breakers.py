"""The circuit breakers of masters and former masters: pages keep coming while such a host is away.

A node's own health probe alone opens and closes them. Hand-offs that begin and never come back say nothing: a stranger
begins as many as pleases. Nor has any other host a breaker: their names come from Referers, marks and wildcard domains,
and each would stay in memory. While a breaker is open, visitors have local sessions, merged when hand-offs work again.
"""

from __future__ import annotations

import math

from sessions_farm.communities.registry import registry
from sessions_farm.stores.circuit_breaker import CircuitBreaker

FAILED_PROBES = 2  # in a row


class HostBreaker:
    """The circuit breaker of one host: open by failed probes until one succeeds."""

    def __init__(self) -> None:
        self._probes = CircuitBreaker(math.inf, threshold=FAILED_PROBES, name="handoff")
        self.ever_answered = False  # a probe

    @property
    def failed_probes(self) -> int:
        """The number of probes in a row without an answer."""
        return self._probes.failures

    @property
    def is_open(self) -> bool:
        """Whether no hand-off may go to the host."""
        return not self._probes.allow()

    def record_probe(self, *, answered: bool) -> None:
        """Take a probe's result. Failures count after a first success: until then the probe may be set up wrongly."""
        self.ever_answered = self.ever_answered or answered
        if answered:
            self._probes.record_success()
        elif self.ever_answered:
            self._probes.record_failure()


breakers: dict[str, HostBreaker] = {}  # by host


def breaker_of(host: str) -> HostBreaker:
    """Return the circuit breaker of a probed host, the same for as long as the registry names it."""
    return breakers.setdefault(host, HostBreaker())


def is_silent(host: str) -> bool:
    """Return whether the probe finds a host away; False for one that is not probed."""
    return host in breakers and breakers[host].is_open


def judged_hosts() -> frozenset[str]:
    """Return the hosts that may have a breaker: each community's master and former master, by the registry."""
    masters = registry.current().masters.values()
    return frozenset(host for master in masters for host in (master.host, master.former_master) if host)


def forget_others(hosts: frozenset[str]) -> None:
    """Drop the breakers of all hosts but these."""
    for host in breakers.keys() - hosts:
        breakers.pop(host, None)

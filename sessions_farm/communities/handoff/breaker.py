"""Keeps pages coming while an authority is away: nobody is sent to a host that does not answer.

Each node judges by what it sees itself: by its own probe (probe.py), and by the hand-offs that it began and that never
came back; with no stickiness at the balancer it gets its share of the returns too. While a host rests, visitors have
local sessions, merged when hand-offs work again.
"""

from __future__ import annotations

import threading
import time

BOUND = 25  # hand-offs begun in a row with none that came back
WINDOW = 30.0  # seconds in which they were begun; rarer ones tell nothing
REST = 10.0  # seconds without hand-offs
MOST_SILENCES = 2  # probes in a row without an answer


class Breaker:
    """For one host that is asked who visitors are."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unanswered = 0
        self._since = 0.0
        self._closed_at = 0.0
        self._silences = 0
        self._was_heard = False

    def lets_through(self, now: float | None = None) -> bool:
        rested = (time.monotonic() if now is None else now) >= self._closed_at
        return rested and self._silences < MOST_SILENCES

    def begun(self, now: float | None = None) -> None:
        now = time.monotonic() if now is None else now
        with self._lock:
            if not self._unanswered or now - self._since > WINDOW:
                self._unanswered, self._since = 0, now
            self._unanswered += 1
            if self._unanswered >= BOUND:
                self._unanswered, self._closed_at = 0, now + REST

    def came_back(self) -> None:
        """A hand-off returned, even if of a browser without cookies: the host answers."""
        with self._lock:
            self._unanswered, self._closed_at = 0, 0.0

    def probed(self, *, answered: bool) -> None:
        """Silence of a host that never answered this process counts for nothing: the probe may be set up amiss."""
        with self._lock:
            self._was_heard = self._was_heard or answered
            self._silences = self._silences + 1 if self._was_heard and not answered else 0

    @property
    def was_heard(self) -> bool:
        return self._was_heard

    @property
    def silences(self) -> int:
        """Probes in a row without an answer."""
        return self._silences


breakers: dict[str, Breaker] = {}  # by host


def breaker_of(host: str) -> Breaker:
    return breakers.setdefault(host, Breaker())

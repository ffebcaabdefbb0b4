"""Keeps pages coming while the authority is away: hand-offs that none come back from stop for a while.

Each node judges by what it sees itself: with no stickiness at the balancer it gets its share of the returns too. Any
return, even of a browser without cookies, shows that the authority answers. While it rests, visitors have local
sessions, merged when hand-offs work again.
"""

from __future__ import annotations

import threading
import time

BOUND = 25  # hand-offs begun in a row with none that came back
WINDOW = 30.0  # seconds in which they were begun; rarer ones tell nothing
REST = 10.0  # seconds without hand-offs


class Breaker:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unanswered = 0
        self._since = 0.0
        self._closed_at = 0.0

    def lets_through(self, now: float | None = None) -> bool:
        return (time.monotonic() if now is None else now) >= self._closed_at

    def begun(self, now: float | None = None) -> None:
        now = time.monotonic() if now is None else now
        with self._lock:
            if not self._unanswered or now - self._since > WINDOW:
                self._unanswered, self._since = 0, now
            self._unanswered += 1
            if self._unanswered >= BOUND:
                self._unanswered, self._closed_at = 0, now + REST

    def came_back(self) -> None:
        with self._lock:
            self._unanswered, self._closed_at = 0, 0.0


breakers: dict[int, Breaker] = {}  # by community


def breaker_of(community_id: int) -> Breaker:
    return breakers.setdefault(community_id, Breaker())

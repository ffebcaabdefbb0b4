"""The circuit breaker of stores, hand-offs and feeds: a service that failed is left alone for a while.

::

    breaker = CircuitBreaker(rest=5.0)
    if not breaker.allow():
        raise FeedUnavailableError
    try:
        answer = call()
    except RedisError:
        breaker.record_failure()
        raise
    breaker.record_success()

``CircuitBreaker(10.0, threshold=25, window=30.0)`` opens at the 25th failure in a row, if all of them came within 30
seconds; a success ends the row. A rest of ``math.inf`` lasts until a success. ``is_open``: since a success there was
a row of failures, and its rest may or may not be over. ``failures``: the length of the row.

A store lets one caller probe for all: ``breaker.is_open and not (yield from breaker.probe(ping))`` is its refusal.
"""

from __future__ import annotations

import math
import threading
import time
import weakref
from typing import TYPE_CHECKING

from sessions_farm.stores.base import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sessions_farm.stores.effects.effects import Effects


_breakers: weakref.WeakSet[CircuitBreaker] = weakref.WeakSet()


def breakers() -> list[CircuitBreaker]:
    """Return the circuit breakers of this process, for its metrics."""
    return list(_breakers)


class CircuitBreaker:
    """Closed, calls pass. Open, they are refused for ``rest`` seconds. Half-open (after the rest), they are tried.

    Safe for threads and event loops at once: no lock is held while anything waits.
    """

    def __init__(self, rest: float, *, threshold: int = 1, window: float = math.inf, name: str = "other") -> None:
        self.name = name
        self.is_open = False
        self.failures = 0
        self._rest = rest
        self._threshold = threshold
        self._window = window
        self._since = 0.0  # the first failure of the row
        self._open_until = -math.inf
        self._lock = threading.Lock()
        self._probing = threading.Lock()
        _breakers.add(self)

    def allow(self, now: float | None = None) -> bool:
        """Return whether a call may be made at a moment (monotonic seconds): closed, or half-open."""
        return not self.is_open or (time.monotonic() if now is None else now) >= self._open_until

    def record_success(self) -> None:
        """Close the breaker: the service has answered."""
        with self._lock:
            self._close()

    def record_failure(self, now: float | None = None) -> None:
        """Count a failure at a moment (monotonic seconds); open the breaker where the row is long enough."""
        now = time.monotonic() if now is None else now
        with self._lock:
            is_half_open = self._since < self._open_until <= now
            if is_half_open or not self.failures or now - self._since > self._window:
                self.failures, self._since = 0, now
            self.failures += 1
            if self.failures >= self._threshold:
                self._open_until = now + self._rest
                self.is_open = True

    def probe(self, call: Callable[[], Effects[object]]) -> Effects[bool]:
        """Return whether the service answers a call that one caller makes for all after each rest.

        All others are refused meanwhile. A caller that is cancelled leaves the probe to the next one.
        """
        if not self.is_open:
            return True
        until = self._open_until
        if not self.allow() or not self._probing.acquire(blocking=False):
            return False
        try:
            yield from call()
        except StoreUnavailableError:
            self.record_failure()
        else:
            with self._lock:
                if self._open_until == until:  # else a call from before the rest has failed during the probe
                    self._close()
        finally:
            self._probing.release()
        return not self.is_open

    def _close(self) -> None:
        self.failures = 0
        self._open_until = -math.inf
        self.is_open = False

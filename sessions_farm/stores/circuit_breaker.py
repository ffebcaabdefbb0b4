"""A breaker: what just failed is left alone for a while, so that no page waits for it twice."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from sessions_farm.stores.base import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sessions_farm.stores.effects.effects import Effects


class CircuitBreaker:
    """Closed: calls pass. Open: they are refused at once; after ``rest`` seconds one caller probes for all.

    For threads and event loops at once: the lock is only tried, never waited for, and whoever is interrupted while
    probing gives it back.
    """

    def __init__(self, rest: float, probe: Callable[[], Effects[object]]) -> None:
        self._rest = rest
        self._probe = probe
        self._probing = threading.Lock()
        self._open_until: float | None = None

    @property
    def is_open(self) -> bool:
        return self._open_until is not None

    def trip(self) -> None:
        self._open_until = time.monotonic() + self._rest

    def lets_through(self) -> Effects[bool]:
        """Whether a call may be made now; may probe first."""
        until = self._open_until
        if until is None:
            return True
        if time.monotonic() < until or not self._probing.acquire(blocking=False):
            return False
        try:
            yield from self._probe()
        except StoreUnavailableError:
            self.trip()
            return False
        else:
            if self._open_until == until:  # else a call that began before has failed meanwhile
                self._open_until = None
            return self._open_until is None
        finally:
            self._probing.release()

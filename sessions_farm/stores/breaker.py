"""A breaker: what just failed is left alone for a while, so that no page waits for it twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sessions_farm.stores.base import StoreUnavailable


class Breaker:
    """Closed: calls pass. Open: they are refused at once; after ``rest`` seconds one caller probes for all."""

    def __init__(self, rest: float, probe: Callable[[], object]) -> None:
        self._rest = rest
        self._probe = probe
        self._lock = threading.Lock()
        self._open_until: float | None = None

    @property
    def is_open(self) -> bool:
        return self._open_until is not None

    def trip(self) -> None:
        self._open_until = time.monotonic() + self._rest

    def lets_through(self) -> bool:
        """Whether a call may be made now; may probe first."""
        until = self._open_until
        if until is None:
            return True
        if time.monotonic() < until or not self._lock.acquire(blocking=False):
            return False
        try:
            self._probe()
        except StoreUnavailable:
            self.trip()
            return False
        else:
            self._open_until = None
            return True
        finally:
            self._lock.release()

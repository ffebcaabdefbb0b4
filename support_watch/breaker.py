"""A circuit breaker: after a failure nobody tries again for a while."""

from __future__ import annotations

import time
from collections.abc import Callable


class Open(Exception):
    """Not even tried: the last try failed a moment ago."""


class Breaker:
    """Tries again after ``seconds``. Shared by threads: the worst that a race costs is one try more."""

    def __init__(self, seconds: float, failures: tuple[type[Exception], ...]) -> None:
        self.seconds = seconds
        self.failures = failures
        self.closed_from = 0.0

    def call[T](self, step: Callable[[], T]) -> T:
        """The step's result. Raise Open without trying, or the step's own failure."""
        if time.monotonic() < self.closed_from:
            raise Open
        try:
            return step()
        except self.failures:
            self.closed_from = time.monotonic() + self.seconds
            raise

    def reset(self) -> None:
        self.closed_from = 0.0

"""Times as the stores have them: Unix milliseconds, by the clock of the store that all nodes share.

A node whose own clock is wrong would end the sessions of others, or let its own be ended. So each process asks the
store for its time (stores/store_time.py) and adds the difference to its own clock. A difference of less than a second
is left alone, so nothing changes on nodes that keep time.
"""

from __future__ import annotations

import time

NEVER = 2**52  # a moment that does not come; what ends then is no session: not counted, not found, without events
TOLERANCE_MS = 1000
ASK_EVERY = 60.0  # seconds
ASK_AGAIN = 1.0  # seconds, where the store did not say


class StoreClock:
    """The store's clock as this process knows it.

    ``is_followed``: whether the store is asked. Tests that travel in time say no, and sessions travel with them.
    """

    def __init__(self) -> None:
        self.is_followed = True
        self.offset_ms = 0  # of the store's clock to this machine's
        self.forget()

    def forget(self) -> None:
        """Let the store be asked at the next occasion."""
        self._ask_at = float("-inf")
        self._stood_at = 0.0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.offset_ms

    def is_due(self) -> bool:
        """Return whether the store is to be asked: a minute has gone, or this machine's clock was set."""
        if not self.is_followed:
            return False
        stopwatch = time.monotonic()
        return stopwatch >= self._ask_at or abs(time.time() - stopwatch - self._stood_at) * 1000 > TOLERANCE_MS

    def set(self, store_ms: int | None, asked: float) -> None:
        """Take over the store's time, asked for at a moment of the stopwatch; None: the store does not say."""
        stopwatch, wall = time.monotonic(), time.time()
        if store_ms is not None:
            under_way = (stopwatch - asked) * 1000 / 2  # the answer is as old as that, or less than twice
            difference = store_ms + under_way - self.now_ms()
            if abs(difference) > TOLERANCE_MS + under_way:
                self.offset_ms += round(difference)
        self._ask_at = stopwatch + (ASK_AGAIN if store_ms is None else ASK_EVERY)
        self._stood_at = wall - stopwatch


STORE_CLOCK = StoreClock()


def now_ms() -> int:
    """Return the present moment by the store's clock."""
    return STORE_CLOCK.now_ms()

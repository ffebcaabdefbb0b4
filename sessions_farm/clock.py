"""Times as the stores have them: Unix milliseconds."""

from __future__ import annotations

import time

NEVER = 2**52  # a moment that does not come; what ends then is no session: not counted, not found, without events


def now_ms() -> int:
    return time.time_ns() // 1_000_000

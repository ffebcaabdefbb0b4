"""How much is measured: the goals' own counts, or a part of them (BENCH_SIZE=0.01) while developing."""

from __future__ import annotations

import os

SIZE = float(os.environ.get("BENCH_SIZE", "1"))


def rounds() -> int:
    """Return the rounds of one comparison: enough for a steady median at every size."""
    return 200 if SIZE >= 1 else 30


def scaled(count: int, least: int = 1) -> int:
    return max(int(count * SIZE), least)

"""The time of the next look after a row: lease and back-off in one field."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=30), timedelta(hours=1)  # until the next look at the same row


def delay_after(looks: int) -> timedelta:
    """Return the time until the next look after a number of looks: it doubles up to LONGEST_DELAY."""
    doublings = min(looks - 1, 10)
    return min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY)


def move_on(model: Any, claimed: Sequence[Any], now: datetime) -> None:
    """Save the next look at each of the claimed rows of a model, which the caller has locked."""
    for row in claimed:
        row.looks += 1
        row.next_look_at = now + delay_after(row.looks)
    model.objects.bulk_update(claimed, ["looks", "next_look_at"])

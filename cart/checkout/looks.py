"""The time of the next look after a row: lease and back-off in one field."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from cart.backoff import delay_after

FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=30), timedelta(hours=1)  # until the next look at the same row


def move_on(model: Any, claimed: Sequence[Any], now: datetime) -> None:
    """Save the next look at each of the claimed rows of a model, which the caller has locked."""
    for row in claimed:
        row.looks += 1
        row.next_look_at = now + delay_after(row.looks, first=FIRST_DELAY, longest=LONGEST_DELAY)
    model.objects.bulk_update(claimed, ["looks", "next_look_at"])

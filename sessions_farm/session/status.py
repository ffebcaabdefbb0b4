"""The status of the session store: its latency, its live sessions, and the age of events that wait for delivery."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from sessions_farm.conf import options
from sessions_farm.models import DeliveredEvent, Tier
from sessions_farm.stores import current_store
from sessions_farm.stores.base import StoreUnavailableError, now_ms
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.stores.store_time import now_effects

if TYPE_CHECKING:
    from sessions_farm.stores.protocol import Queries, Store

SAMPLES = 5  # of the latency; the median is reported


@dataclass(frozen=True, slots=True)
class Status:
    """Times are seconds. ``error`` says why the store does not answer; unknown values are None.

    ``pending_seconds`` is the age of the oldest event that is not delivered: seconds while the sweeper runs, more while
    it does not. ``delivered_seconds`` is how long ago the last event was delivered.
    """

    store: str
    switch: str = ""
    error: str = ""
    latency_seconds: float | None = None
    live: int | None = None
    epoch: int | None = None
    pending_seconds: float | None = None
    delivered_seconds: float | None = None


def store_status() -> Status:
    """Return the status of the store in force. A store that does not answer has a status, too."""
    given, store = options(), current_store()
    switch = f"from {given.switch_from}" if given.switch_from else f"to {given.switch_to}" if given.switch_to else ""
    try:
        now = run_sync(now_effects(store))
        latency, live, pending = measure_latency(store), run_sync(store.count(now)), oldest_pending(store, now)
    except StoreUnavailableError as error:
        return Status(given.store, switch, str(error) or type(error).__name__)
    return Status(given.store, switch, "", latency, live, tier_epoch(), pending, last_delivery(now))


def measure_latency(store: Queries) -> float:
    """Return the median time of looking up a session that does not exist."""
    times = []
    for _ in range(SAMPLES):
        begun = time.perf_counter()
        run_sync(store.get_many(["nobody's"], now_ms()))
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def oldest_pending(store: Store, now: int) -> float | None:
    """Return the age of the oldest event that waits for delivery; None without one."""
    with transaction.atomic():
        events = run_sync(store.read_events(1))
    return max(now - events[0].at, 0) / 1000 if events else None


def last_delivery(now: int) -> float | None:
    """Return how long ago an event was delivered; None where none was."""
    last = DeliveredEvent.objects.order_by("-at_ms").values_list("at_ms", flat=True).first()
    return None if last is None else max(now - last, 0) / 1000


def tier_epoch() -> int | None:
    """Return the epoch of the copies that nodes accept; None without a tiered store."""
    given = options()
    if "tiered" not in {given.store, given.switch_from, given.switch_to}:
        return None
    return Tier.objects.values_list("epoch", flat=True).first()

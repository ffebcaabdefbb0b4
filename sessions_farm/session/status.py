"""How the place of the sessions is: what answers, how fast, how many live, and whether what happened is told."""

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

if TYPE_CHECKING:
    from sessions_farm.stores.protocol import Queries, Store

ASKED = 5  # times; the middle answer is told


@dataclass(frozen=True, slots=True)
class Status:
    """Times are seconds. ``fault`` says why the store does not answer; what is not known then, or there, is None.

    ``untold`` is the age of the oldest event that nobody was told of: seconds where the sweeper runs, more where it
    does not. ``told`` is how long ago the last one was told.
    """

    store: str
    switch: str = ""
    fault: str = ""
    answer: float | None = None
    live: int | None = None
    epoch: int | None = None
    untold: float | None = None
    told: float | None = None


def status() -> Status:
    """Ask the store that is in force; its silence is an answer, too."""
    given, store, now = options(), current_store(), now_ms()
    switch = f"from {given.switch_from}" if given.switch_from else f"to {given.switch_to}" if given.switch_to else ""
    try:
        answer, live, untold = seconds_of(store), run_sync(store.count(now)), oldest_untold(store, now)
    except StoreUnavailableError as error:
        return Status(given.store, switch, str(error) or type(error).__name__)
    return Status(given.store, switch, "", answer, live, epoch_in_force(), untold, last_told(now))


def seconds_of(store: Queries) -> float:
    """How long a session that is not there takes not to be found."""
    times = []
    for _ in range(ASKED):
        begun = time.perf_counter()
        run_sync(store.get_many(["nobody's"], now_ms()))
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def oldest_untold(store: Store, now: int) -> float | None:
    with transaction.atomic():
        events = run_sync(store.read_events(1))
    return max(now - events[0].at, 0) / 1000 if events else None


def last_told(now: int) -> float | None:
    last = DeliveredEvent.objects.order_by("-at_ms").values_list("at_ms", flat=True).first()
    return None if last is None else max(now - last, 0) / 1000


def epoch_in_force() -> int | None:
    """Which copies a tiered farm believes."""
    given = options()
    if "tiered" not in {given.store, given.switch_from, given.switch_to}:
        return None
    return Tier.objects.values_list("epoch", flat=True).first()

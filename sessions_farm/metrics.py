"""Figures of sessions for Prometheus, counted on each node; nothing where prometheus_client is not installed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sessions_farm.stores import current_store
from sessions_farm.stores.base import StoreUnavailableError, now_ms
from sessions_farm.stores.effects.effects import run_sync

try:
    from prometheus_client import REGISTRY, Counter
    from prometheus_client.core import GaugeMetricFamily
except ImportError:
    REGISTRY = None  # type: ignore[assignment]  # the farm counts nothing then

    class Counter:  # type: ignore[no-redef]  # as far as it is used here
        """Stands for prometheus_client's."""

        def __init__(self, *_args: Any) -> None: ...

        def labels(self, *_values: str) -> Any:
            return self

        def inc(self, amount: float = 1) -> None: ...


TRIPS = Counter("farm_session_trips", "Round trips to the session store, made by requests.")
REQUESTS = Counter("farm_session_requests", "Requests by what they did with their session.", ["use"])
UNAVAILABLE = Counter("farm_session_store_unavailable", "Loads and saves that the store did not answer.")
REFUSED = Counter("farm_session_cookies_refused", "Cookies that proved no id: tampered, moved, expired, foreign.")
HANDOFFS = Counter("farm_handoffs", "Steps of hand-offs by their outcome.", ["outcome"])
HANDOFFS_SKIPPED = Counter("farm_handoffs_skipped", "Pages without an id that began no hand-off.", ["reason"])
HANDOFF_REFUSALS = Counter("farm_handoff_refusals", "Questions, answers and redemptions refused.", ["reason"])
EVENTS = Counter("farm_session_events", "Events told by this node.", ["kind", "reason"])


def count_request(*, trips: int, written: bool) -> None:
    TRIPS.inc(trips)
    REQUESTS.labels("written" if written else "read" if trips else "untouched").inc()


class LiveSessions:
    """How many sessions live, asked when the figures are; nothing is told while the store is away."""

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing: registering must not query."""
        return []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        gauge = GaugeMetricFamily("farm_sessions_live", "Sessions that live, over the whole farm.")
        try:
            gauge.add_metric([], run_sync(current_store().count(now_ms())))
        except StoreUnavailableError:
            return
        yield gauge


if REGISTRY is not None:
    REGISTRY.register(LiveSessions())

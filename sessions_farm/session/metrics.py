"""Metrics of sessions for Prometheus, counted on each node; without prometheus_client nothing is counted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sessions_farm.stores import current_store
from sessions_farm.stores.base import StoreUnavailableError, now_ms
from sessions_farm.stores.effects.effects import run_sync

__all__ = ["EVENTS", "REFUSED", "REQUESTS", "ROUND_TRIPS", "UNAVAILABLE", "Counter", "count_request"]

try:
    from prometheus_client import REGISTRY, Counter
    from prometheus_client.core import GaugeMetricFamily
except ImportError:
    REGISTRY = None  # type: ignore[assignment]  # nothing is counted then

    class Counter:  # type: ignore[no-redef]  # as far as it is used here
        """A counter without effect, in the place of prometheus_client's."""

        def __init__(self, *_args: Any) -> None: ...

        def labels(self, *_values: str) -> Any:
            return self

        def inc(self, amount: float = 1) -> None: ...


ROUND_TRIPS = Counter("farm_session_round_trips", "Round trips to the session store, made by requests.")
REQUESTS = Counter(
    "farm_session_requests", "Requests by their use of the session: written, read or untouched.", ["use"]
)
UNAVAILABLE = Counter("farm_session_store_unavailable", "Loads and saves that the store did not answer.")
REFUSED = Counter("farm_session_cookies_refused", "Cookies that were refused: tampered, moved, expired, foreign.")
EVENTS = Counter("farm_session_events", "Events delivered by this node.", ["kind", "reason"])


def count_request(*, trips: int, written: bool) -> None:
    """Count a request, and its round trips to the store."""
    ROUND_TRIPS.inc(trips)
    REQUESTS.labels("written" if written else "read" if trips else "untouched").inc()


class LiveSessionsCollector:
    """The number of live sessions, counted when the metrics are read; absent while the store is away."""

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Return no metric: registering must not query."""
        return []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return the gauge of live sessions."""
        gauge = GaugeMetricFamily("farm_sessions_live", "Sessions that live, over the whole farm.")
        try:
            gauge.add_metric([], run_sync(current_store().count(now_ms())))
        except StoreUnavailableError:
            return
        yield gauge


if REGISTRY is not None:
    REGISTRY.register(LiveSessionsCollector())

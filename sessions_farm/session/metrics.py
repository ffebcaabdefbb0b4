"""Metrics of sessions for Prometheus, counted on each node; without prometheus_client nothing is counted."""

from __future__ import annotations

from typing import Any

__all__ = ["EVENTS", "LIVE", "REFUSED", "REQUESTS", "ROUND_TRIPS", "UNAVAILABLE", "Counter"]

try:
    from prometheus_client import Counter, Gauge
except ImportError:

    class Counter:  # type: ignore[no-redef]  # as far as it is used here
        """A counter without effect, in the place of prometheus_client's."""

        def __init__(self, *_args: Any) -> None: ...

        def labels(self, *_values: str) -> Any:
            return self

        def inc(self, amount: float = 1) -> None: ...

    class Gauge(Counter):  # type: ignore[no-redef]  # as above
        """A gauge without effect."""

        def __init__(self, *_args: Any, **_options: Any) -> None: ...

        def set(self, value: float) -> None: ...


ROUND_TRIPS = Counter("farm_session_round_trips", "Round trips to the session store, made by requests.")
REQUESTS = Counter(
    "farm_session_requests", "Requests by their use of the session: written, read or untouched.", ["use"]
)
UNAVAILABLE = Counter("farm_session_store_unavailable", "Loads and saves that the store did not answer.")
REFUSED = Counter("farm_session_cookies_refused", "Cookies that were refused: tampered, moved, expired, foreign.")
# Counted by the sweeper now and then, not by whoever reads the metrics: a count costs what the sessions are.
LIVE = Gauge("farm_sessions_live", "Sessions that live, over the whole farm.", multiprocess_mode="mostrecent")
EVENTS = Counter("farm_session_events", "Events delivered by this node.", ["kind", "reason"])

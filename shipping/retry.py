"""The retry schedule of dispatches and the circuit breaker of routes: arithmetic on times, no rows.

The schedule is the example of Standard Webhooks 1.0.0, then daily up to a week. Jitter of ±20 % spreads the retries of
dispatches that failed together.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)

DELAYS = (
    *(5 * SECOND, 30 * SECOND, 5 * MINUTE, 30 * MINUTE),
    *(hours * HOUR for hours in (2, 5, 10, 14, 20, 24, 24, 24, 24)),
)
"""The wait after the first, second, … failure; after the last the dispatch is dead, about seven days in."""

REFUSED_DELAYS = (10 * MINUTE, 20 * MINUTE)
"""A refusal may be a deployment under way (a passing 404): three attempts in half an hour, then dead.

It is dead only where the route has taken another dispatch since the first refusal; a route that refuses everything is
itself at fault, and its circuit breaker holds them all.
"""

ACKS_EVERY = timedelta(seconds=15)
"""How often acknowledgements are looked for on a department's server."""

RETRY_AFTER_MAX = 6 * HOUR

FAILURE_THRESHOLD = 5
PROBE_DELAYS = (30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE)
"""The circuit breaker opens after this many failures in a row, and is half open for one probe after each delay."""


@dataclass(frozen=True, slots=True)
class BreakerState:
    """The circuit breaker of a route: closed while ``open_until`` is None."""

    failures: int = 0
    failing_since: datetime | None = None
    open_until: datetime | None = None


def next_try(*, spent: int, refused: int, now: datetime, retry_after: timedelta | None) -> datetime | None:
    """Return the time of the next attempt after ``spent`` failures, ``refused`` of them refusals; None: give up."""
    if spent > len(DELAYS):
        return None
    delays, count = (REFUSED_DELAYS, refused) if refused else (DELAYS, spent)
    if count > len(delays):
        return None
    delay = with_jitter(delays[count - 1])
    asked = min(retry_after or timedelta(0), RETRY_AFTER_MAX)
    return now + max(delay, asked)


def after_failure(breaker: BreakerState, now: datetime) -> BreakerState:
    """Return the circuit breaker's state after one failure more."""
    failures = breaker.failures + 1
    since = breaker.failing_since or now
    if failures < FAILURE_THRESHOLD:
        return BreakerState(failures, since, None)
    step = min(failures - FAILURE_THRESHOLD, len(PROBE_DELAYS) - 1)
    return BreakerState(failures, since, now + with_jitter(PROBE_DELAYS[step]))


def with_jitter(delay: timedelta) -> timedelta:
    """Return the delay, changed by up to 20 %."""
    return delay * random.uniform(0.8, 1.2)  # noqa: S311 -- spreads load, hides nothing

"""When a failed dispatch is tried again, and when a failing route is probed: arithmetic on times, no rows.

The schedule is the example of Standard Webhooks 1.0.0, then daily up to a week. Jitter of ±20 % keeps what failed
together from coming back together.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)

DELAYS = (
    *(5 * SECOND, 30 * SECOND, 5 * MINUTE, 30 * MINUTE),
    *(hours * HOUR for hours in (2, 5, 10, 14, 20, 24, 24, 24, 24)),
)
"""The wait after the first, second, … try; after the last the dispatch is given up, about seven days in."""

REFUSED_DELAYS = (10 * MINUTE, 20 * MINUTE)
"""A refusal may be a deploy under way (a passing 404): three tries in half an hour, then a person must look."""

ACK_WAITS = {"http": 24 * HOUR, "email": 72 * HOUR, "sftp": 24 * HOUR}
"""How long a sent dispatch waits for its acknowledgement before it goes again, by transport."""

SENDINGS = 3
"""A department that took a dispatch so often and never acknowledged it needs a person, not a fourth copy."""

RETRY_AFTER_MAX = 6 * HOUR

OPENS_AFTER = 5
PROBES = (30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE)
"""The breaker opens after this many failures in a row and lets one dispatch through at these distances."""


@dataclass(frozen=True, slots=True)
class Health:
    """A route's breaker: closed while ``open_until`` is None."""

    failures: int = 0
    failing_since: datetime | None = None
    open_until: datetime | None = None


def next_try(*, spent: int, refused: int, now: datetime, retry_after: timedelta | None) -> datetime | None:
    """When to try again after ``spent`` tries, ``refused`` of which were refusals; None: give up."""
    delays, count = (REFUSED_DELAYS, refused) if refused else (DELAYS, spent)
    if count > len(delays):
        return None
    delay = jittered(delays[count - 1])
    asked = min(retry_after or timedelta(0), RETRY_AFTER_MAX)
    return now + max(delay, asked)


def after_failure(health: Health, now: datetime) -> Health:
    failures = health.failures + 1
    since = health.failing_since or now
    if failures < OPENS_AFTER:
        return Health(failures, since, None)
    step = min(failures - OPENS_AFTER, len(PROBES) - 1)
    return Health(failures, since, now + jittered(PROBES[step]))


def jittered(delay: timedelta) -> timedelta:
    return delay * random.uniform(0.8, 1.2)  # noqa: S311 -- spreads load, hides nothing

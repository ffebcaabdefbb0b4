"""Count the round trips of one session in one request."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class RoundTrips:
    """Round trips of one session in one request, and the bytes of values that went either way."""

    trips: int = 0
    bytes: int = 0


# The default counts what belongs to no session, and is never read. An effect adds to ``current.get().trips``.
current: ContextVar[RoundTrips] = ContextVar("round_trips", default=RoundTrips())  # noqa: B039 -- see above


def count(trips: int = 1) -> None:
    """Count round trips for the session that is under way."""
    current.get().trips += trips

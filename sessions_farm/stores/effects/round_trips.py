"""How many times a session went to a store: counted where the trip is made, read where the session is."""

from __future__ import annotations

from contextvars import ContextVar, Token
from dataclasses import dataclass


@dataclass(slots=True)
class RoundTrips:
    """Round trips of one session in one request, and the bytes of values that went either way."""

    trips: int = 0
    bytes: int = 0


# Effects on the hot path add to it in place: a call of ``count`` would cost more than it does.
current_trips: ContextVar[RoundTrips | None] = ContextVar("farm_trips", default=None)


def count(trips: int = 1) -> None:
    tally = current_trips.get()
    if tally is not None:
        tally.trips += trips


class counted:  # noqa: N801 -- reads as the function it might be; as a generator it would cost four times as much
    """Count into ``tally`` inside the block."""

    __slots__ = ("_tally", "_token")

    def __init__(self, tally: RoundTrips) -> None:
        self._tally = tally

    def __enter__(self) -> None:
        self._token: Token[RoundTrips | None] = current_trips.set(self._tally)

    def __exit__(self, *_: object) -> None:
        current_trips.reset(self._token)

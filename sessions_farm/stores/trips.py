"""How many times a session went to a store: counted where the trip is made, read where the session is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """Round trips of one session in one request, and the bytes of values that went either way."""

    trips: int = 0
    bytes: int = 0


_current: ContextVar[Tally | None] = ContextVar("farm_trips", default=None)


def count(trips: int = 1) -> None:
    tally = _current.get()
    if tally is not None:
        tally.trips += trips


@contextmanager
def counted(tally: Tally) -> Iterator[None]:
    """Count into ``tally`` inside the block."""
    token = _current.set(tally)
    try:
        yield
    finally:
        _current.reset(token)

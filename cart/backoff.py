"""The back-off of work that is tried again: the wait doubles up to the longest."""

from __future__ import annotations

from datetime import timedelta


def delay_after(tries: int, *, first: timedelta, longest: timedelta) -> timedelta:
    """Return the wait after a number of tries, one or more."""
    doublings = min(tries - 1, 10)
    return min(first * (1 << doublings), longest)

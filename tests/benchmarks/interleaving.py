"""Timings that can be compared on a busy machine: all take turns in each round, ratios are taken in a round."""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

type Act = Callable[[], object]


@dataclass(frozen=True)
class Timings:
    """For each candidate the milliseconds of one act, round by round."""

    rounds: Mapping[str, list[float]]

    def p50(self, name: str) -> float:
        return median(self.rounds[name])

    def ratio(self, name: str, to: str) -> float:
        """The median of the rounds' ratios: a machine that slows down slows both down."""
        return median(ours / theirs for ours, theirs in zip(self.rounds[name], self.rounds[to], strict=True))


def take_turns(candidates: Mapping[str, Act], *, rounds: int, acts: int) -> Timings:
    """Time ``acts`` acts of every candidate in each round, in an order drawn anew each time."""
    for act in candidates.values():
        for _ in range(acts):
            act()
    order, times = list(candidates), {name: list[float]() for name in candidates}
    with no_collector():
        for _ in range(rounds):
            random.shuffle(order)
            for name in order:
                times[name].append(timed(candidates[name], acts))
            gc.collect(0)
    return Timings(times)


def timed(act: Act, acts: int) -> float:
    """Milliseconds of one act."""
    begun = time.perf_counter_ns()
    for _ in range(acts):
        act()
    return (time.perf_counter_ns() - begun) / acts / 1e6


@contextmanager
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()

"""A sweeper in a process of its own, and the times of pages meanwhile."""

from __future__ import annotations

import datetime
import multiprocessing
import random
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from statistics import quantiles
from typing import Any

from django.conf import settings
from django.db import connection

from sessions_farm.conf import options
from sessions_farm.session import sweeper
from sessions_farm.stores import current_store
from sessions_farm.stores.effects.effects import Effects
from tests.benchmarks.engines import Make, prefix_of
from tests.benchmarks.interleaving import no_collector
from tests.benchmarks.wire import metered_database, metered_redis

SWEEPING_SECONDS = 60
BETWEEN_PAGES = 0.001  # seconds: a node that is in use, not one that is flooded


@dataclass(frozen=True)
class Batch:
    """``at``: when it was done, seconds; ``ended`` and trips are of all batches so far, with the events told."""

    at: float
    ms: float
    ended: int
    redis: int
    sql: int


class Sweeping:
    """The farm's own sweeper, run again and again until nothing is left that had expired at ``now``, or time is up."""

    def __init__(self, store: str, now: int) -> None:
        self.until = time.monotonic() + SWEEPING_SECONDS
        connection.close()  # no two processes may share one
        self.batches: list[Batch] = []
        self.receiver, sender = multiprocessing.Pipe(duplex=False)
        context = multiprocessing.get_context("fork")
        self.process = context.Process(target=sweep, args=(store, now, sender), daemon=True)
        self.process.start()
        sender.close()

    def goes_on(self) -> bool:
        if time.monotonic() > self.until:
            self.process.terminate()
        while self.receiver.poll():
            try:
                self.batches.append(self.receiver.recv())
            except EOFError:
                self.process.join()
                if self.process.exitcode not in {0, -signal.SIGTERM}:
                    raise RuntimeError("The sweeper failed; its own words stand above.") from None
                return False
        return True

    @property
    def busiest_second(self) -> tuple[int, int]:
        """The most trips that it made in any one second: to Redis, to SQL."""
        first, busiest = 0, (0, 0)
        for batch in self.batches:
            while batch.at - self.batches[first].at > 1:
                first += 1
            since = self.batches[first]
            busiest = max(busiest, (batch.redis - since.redis, batch.sql - since.sql), key=sum)
        return busiest


def sweep(name: str, now: int, sender: Connection) -> None:
    """In the sweeper's own process: as on a node whose SESSIONS_FARM names this store."""
    with metered_redis(options().redis_url) as (url, redis), metered_database() as database, sender:
        settings.SESSIONS_FARM |= {"REDIS_URL": url, "STORE": name, "REDIS_PREFIX": prefix_of(name)}
        options.cache_clear()
        current_store.cache_clear()
        store: Any = current_store()
        plain = store.sweep

        ended = 0

        def tell(begun: float) -> None:
            done = time.monotonic()
            sender.send(Batch(done, (done - begun) * 1000, ended, redis.trips, database.trips))

        def timed(now: int, limit: int) -> Effects[int]:
            nonlocal ended
            begun = time.monotonic()
            swept: int = yield from plain(now, limit)
            ended += swept
            tell(begun)
            return swept

        store.sweep = timed
        moment = datetime.datetime.fromtimestamp(now / 1000, tz=datetime.UTC)
        tell(time.monotonic())
        while sweeper.sweep(moment) >= sweeper.MAX_BATCHES:
            pass
        tell(time.monotonic())
        connection.close()


def page_times(make: Make, keys: Sequence[str], goes_on: Callable[[], bool]) -> list[float]:
    """Milliseconds of one load after the other, of sessions drawn at random."""
    times = []
    with no_collector():
        while goes_on():
            key = random.choice(keys)  # noqa: S311 -- no secret
            begun = time.perf_counter_ns()
            _ = make(key)["page"]
            times.append((time.perf_counter_ns() - begun) / 1e6)
            time.sleep(BETWEEN_PAGES)
    return times


def for_seconds(seconds: float) -> Callable[[], bool]:
    until = time.monotonic() + seconds
    return lambda: time.monotonic() < until


def p99(times: list[float]) -> float:
    return quantiles(times, n=100)[98]

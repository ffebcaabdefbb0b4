"""Limits of requests of departments' programs: how many a minute a vendor may make, and how often a network may fail.

A count is Redis' for all nodes; while Redis is away each process counts for itself. Nothing that a stranger does counts
against a department: a network is counted by its failed sign-ins alone, and a program that has signed in lately passes
however many of its neighbours fail.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections import OrderedDict
from functools import cache

import redis
from django.conf import settings

from sessions_farm.communities.handoff.rate_limit import MINUTE, RateLimit
from sessions_farm.stores.circuit_breaker import CircuitBreaker
from sessions_farm.stores.redis.address import read_address
from sessions_farm.stores.redis.redis_py import BLOCKING, Limits, make_client
from shipping import metrics

KEPT = 2 * MINUTE
MOST_KNOWN = 10_000
KNOWN_SECONDS = 600
"""How long a program that has signed in is known."""
WAITS = Limits(answer=0.2, connect=0.2, place=0.2, connections=16)
REST = 5.0
"""Seconds for which Redis is left alone after a failure."""


class RateLimitedError(Exception):
    """A department's program, or its network, made too many requests; ``seconds`` is the wait."""

    def __init__(self, message: str, seconds: int) -> None:
        super().__init__(f"{message} Come again in {seconds} seconds.")
        self.seconds = seconds


class Counter:
    """Counts by name within a minute, over all nodes or, without Redis, of this process. Safe for threads."""

    def __init__(self) -> None:
        self._breaker = CircuitBreaker(REST, name="rate limits")
        self._here = RateLimit()

    def add(self, name: str, amount: int) -> int:
        """Add to the count of a name; return the sum. With 0, only look."""
        now = wall_clock()
        if self._breaker.allow():
            try:
                found = _add_in_redis(f"department-limit:{name}:{int(now // MINUTE)}", amount)
            except redis.RedisError:
                self._breaker.record_failure()
            else:
                self._breaker.record_success()
                return found
        return self._here.add(name, amount, now)


class KnownPrograms:
    """The programs that signed in lately at this process, by the digest of what they showed. Safe for threads."""

    def __init__(self) -> None:
        self._until: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, shown: str) -> None:
        """Remember a program for a while."""
        with self._lock:
            self._until[_digest(shown)] = time.monotonic() + KNOWN_SECONDS
            self._until.move_to_end(_digest(shown))
            while len(self._until) > MOST_KNOWN:
                self._until.popitem(last=False)

    def forget(self, shown: str) -> None:
        """Forget a program whose sign-in failed."""
        with self._lock:
            self._until.pop(_digest(shown), None)

    def has(self, shown: str) -> bool:
        """Return True for a program that signed in lately."""
        with self._lock:
            return self._until.get(_digest(shown), 0.0) > time.monotonic()


counter, known = Counter(), KnownPrograms()


def refuse_network(network: str, shown: str) -> None:
    """Raise RateLimitedError where a network failed too often, unless the program that asks is known."""
    most = settings.DEPARTMENT_FAILURES_A_MINUTE
    if most and not known.has(shown) and counter.add(f"network:{network}", 0) >= most:
        metrics.LIMITED.labels("network").inc()
        raise RateLimitedError("Too many sign-ins from this network have failed.", seconds_left())


def record_failure(network: str, shown: str) -> None:
    """Count a sign-in of a network that failed."""
    known.forget(shown)
    counter.add(f"network:{network}", 1)


def record_success(shown: str) -> None:
    """Let a program that signed in pass, whatever its network does."""
    known.add(shown)


def count_request(vendor_id: int, line: str, most: int) -> None:
    """Count a request of a vendor over a line; raise RateLimitedError beyond its limit (0: without a limit)."""
    if most and counter.add(f"{line}:{vendor_id}", 1) > most:
        _refuse_vendor(most)


def refuse_vendor(vendor_id: int, line: str, most: int) -> None:
    """Raise RateLimitedError where a vendor has reached its limit over a line, and count nothing."""
    if most and counter.add(f"{line}:{vendor_id}", 0) >= most:
        _refuse_vendor(most)


def _refuse_vendor(most: int) -> None:
    metrics.LIMITED.labels("vendor").inc()
    raise RateLimitedError(f"More than {most} requests of this department in a minute.", seconds_left())


def wall_clock() -> float:
    """Return the seconds of this machine's clock, by which all nodes count the same minute."""
    return time.time()


def seconds_left() -> int:
    """Return the seconds until counts begin anew."""
    return max(1, math.ceil(MINUTE - wall_clock() % MINUTE))


def _digest(shown: str) -> bytes:
    return hashlib.sha256(shown.encode(errors="surrogatepass")).digest()


def _add_in_redis(key: str, amount: int) -> int:
    with _client(settings.CACHE_URL).pipeline(transaction=False) as pipe:
        pipe.incrby(key, amount)
        pipe.expire(key, KEPT)
        return int(pipe.execute()[0])


@cache
def _client(url: str) -> redis.Redis:
    client: redis.Redis = make_client(BLOCKING, read_address(url, "CACHE_URL"), WAITS)
    return client

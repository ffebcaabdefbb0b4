"""Pages over HTTP on every engine, ours and Django's, from one server in one run: read, read as user, write, log in.

Goals are of whole pages, what the server and Django itself take included. ``net`` is without that: less the time of a
page of the same server that touches no session.
"""

from __future__ import annotations

import http.client
import os
import random
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.cookies import SimpleCookie
from statistics import median

from django.contrib.auth import get_user_model
from django.db import connection

from sessions_farm.conf import options
from tests.benchmarks.interleaving import Timings, no_collector, timed
from tests.benchmarks.sizes import rounds, scaled
from tests.benchmarks.table import (
    STOCK_CACHED_DB,
    STOCK_DB,
    STOCK_DJANGO_REDIS,
    STOCK_SIGNED,
    Bound,
    Table,
)

OURS = ("database", "redis", "tiered")
THEIRS = (STOCK_DB, STOCK_DJANGO_REDIS, STOCK_CACHED_DB, STOCK_SIGNED)
UNTOUCHED = "untouched"
ACTS = ("read", "read as user", "write", "log in")
PATHS = {"read": "read", "read as user": "user", "write": "write", UNTOUCHED: "untouched"}
USER = "bench"
ACTS_EACH = 3  # in a round
GOALS = {
    **{(act, "tiered"): Bound(1, STOCK_CACHED_DB) for act in ACTS},
    ("write", "database"): Bound(0.6, STOCK_DB),
    ("log in", "database"): Bound(0.6, STOCK_DB),
    ("read", "redis"): Bound(1.1, STOCK_DJANGO_REDIS),
}


class Browser:
    """One keep-alive connection and the cookies of one engine; ``name`` begins the engine's paths."""

    def __init__(self, line: http.client.HTTPConnection, name: str) -> None:
        self.line, self.name, self.cookies = line, name, dict[str, str]()

    def get(self, path: str) -> str:
        header = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        self.line.request("GET", f"/{self.name}/{path}", headers={"Cookie": header} if header else {})
        response = self.line.getresponse()
        content = response.read().decode()
        if response.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{self.name}: /{path} answered {response.status}.\n{content[:2000]}")
        for given in response.headers.get_all("Set-Cookie") or ():
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(given).items()}
        return content

    def begin(self) -> None:
        self.cookies.clear()
        self.get("begin")

    def log_in(self) -> None:
        self.get(f"login/{USER}")


def measure(table: Table) -> None:
    get_user_model().objects.create_user(USER)
    with serving() as line:
        for act in ACTS:
            table.heading(f"over HTTP: {act}")
            timings = time_pages(line, act)
            floor = timings.p50(UNTOUCHED)
            table.row("theirs, in ms", f"untouched {floor:.2f}", {name: timings.p50(name) for name in THEIRS})
            for name in OURS:
                ratios = {other: timings.ratio(name, other) for other in THEIRS}
                goal = GOALS.get((act, name))
                table.row(
                    f"{name}: {act}", f"{timings.p50(name):.2f} ms", ratios, {goal: ratios[goal.of]} if goal else {}
                )
                net = {other: net_ratio(timings, name, other) for other in THEIRS if other != STOCK_SIGNED}
                table.row(f"{name}: {act}, net", f"{timings.p50(name) - floor:.2f} ms", net)


def net_ratio(timings: Timings, name: str, other: str) -> float:
    """Return the ratio of what sessions add to a page."""
    floor = timings.p50(UNTOUCHED)
    return (timings.p50(name) - floor) / max(timings.p50(other) - floor, 0.001)


def time_pages(line: http.client.HTTPConnection, act: str) -> Timings:
    """Time a page of every engine in each round, in an order drawn anew each time."""
    browsers = {name: Browser(line, name) for name in (*OURS, *THEIRS)}
    for browser in browsers.values():
        browser.begin()
        if act == "read as user":
            browser.log_in()
    timers: dict[str, Callable[[], float]] = {
        name: partial(time_log_ins if act == "log in" else partial(time_page, path=PATHS.get(act, "")), browser)
        for name, browser in browsers.items()
    }
    timers[UNTOUCHED] = partial(time_page, browsers[OURS[0]], path=PATHS[UNTOUCHED])
    for _ in range(3):  # statements are prepared, scripts are loaded
        for timer in timers.values():
            timer()
    order, times = list(timers), {name: list[float]() for name in timers}
    with no_collector():
        for _ in range(min(rounds(), scaled(1000, 2))):
            random.shuffle(order)
            for name in order:
                times[name].append(timers[name]())
    return Timings(times)


def time_page(browser: Browser, path: str) -> float:
    return timed(partial(browser.get, path), ACTS_EACH)


def time_log_ins(browser: Browser) -> float:
    """Time log-ins of visitors who have begun a session each."""
    taken = []
    for _ in range(ACTS_EACH):
        browser.begin()
        taken.append(timed(browser.log_in, 1))
    return median(taken)


@contextmanager
def serving() -> Iterator[http.client.HTTPConnection]:
    """Run the site on the benchmark's database while the block runs; yield a connection to it."""
    own = {
        "BENCH_DATABASE": connection.settings_dict["NAME"],
        "BENCH_PREFIX": options().redis_prefix,
        "BENCH_SECRET": secrets.token_urlsafe(32),
    }
    command = [sys.executable, "-m", "tests.benchmarks.http_site"]
    with subprocess.Popen(  # noqa: S603 -- our own command
        command, env=os.environ | own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            port = int(server.stdout.readline())  # type: ignore[union-attr]  # it is a pipe
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            yield line
            line.close()
        finally:
            server.stdin.close()  # type: ignore[union-attr]  # as above

"""Queries over all sessions, among a million live ones; and the cost to pages of many that end at once."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from statistics import median

from sessions_farm.conf import options
from sessions_farm.declarations import OWNER
from sessions_farm.session.serializer import encode
from sessions_farm.stores.base import Lifetime, now_ms
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.stores.protocol import Store
from tests.benchmarks import crowd
from tests.benchmarks.beside import Sweeping, for_seconds, p99, page_times
from tests.benchmarks.engines import Make, make_store, ours
from tests.benchmarks.sizes import SIZE, scaled
from tests.benchmarks.table import Bound, Table
from tests.benchmarks.wire import metered_database, metered_redis

HOUR = 3_600_000
LIVING = 1_000_000
DUE = {"redis": 100_000, "database": 1_000_000}  # all at once
WHAT = {"redis": ("the storm", 2), "database": ("the sweep", 1.5)}  # pages may take so many times longer meanwhile
DEVICES = 1_000
PAGES = 100  # a hundredth of all sessions is on each


def measure(table: Table) -> None:
    for name in ("redis", "database"):
        store = make_store(name)
        silent = make_store(name, events=False)  # a million starts were told long ago
        count = scaled(LIVING, PAGES)
        table.heading(f"{name}: {count:,} live sessions, one in {PAGES} on each page")
        gather(silent, count, now_ms(), HOUR)
        find(table, name, store)
        log_out(table, name, store)
        due = scaled(DUE[name])
        gather(silent, due, now_ms() - HOUR, 1)
        sweep(table, name, due)


def gather(store: Store, count: int, now: int, idle: int) -> None:
    """Sessions that are on PAGES pages and live ``idle`` ms."""
    pages = [{"current_page": page(number)} for number in range(PAGES)]
    crowd.gather(store, pages, count // PAGES, Lifetime(idle, now + 24 * HOUR), now)


def page(number: int) -> str:
    return encode("current_page", f"/departments/{number}/")


def find(table: Table, name: str, store: Store) -> None:
    times = []
    for number in range(scaled(1000, 200)):
        wanted = {"current_page": page(number % PAGES)}
        begun = time.perf_counter_ns()
        found = run_sync(store.find(wanted, now_ms(), 100))
        times.append((time.perf_counter_ns() - begun) / 1e6)
        if SIZE >= 1 and len(found) != 100:
            raise RuntimeError(f"{name} found {len(found)} sessions on a page where thousands are.")
    table.row(
        f"{name}: find the first 100 on a page", f"p99 {p99(times):.2f} ms", goals={Bound(20, unit="ms"): p99(times)}
    )


def log_out(table: Table, name: str, store: Store) -> None:
    """All of a person's sessions: for the time by a line of its own, for the trips through a meter."""
    times = []
    for _ in range(5):
        owner, now = gather_devices(store), now_ms()
        begun = time.perf_counter_ns()
        end_devices(store, owner, now)
        times.append((time.perf_counter_ns() - begun) / 1e6)
    with metered_redis(options().redis_url) as (url, redis), metered_database() as database:
        metered, owner = make_store(name, url), gather_devices(store)
        run_sync(metered.count(now_ms()))  # connections are made once
        before = redis.trips + database.trips
        end_devices(metered, owner, now_ms())
        trips = redis.trips + database.trips - before
    table.row(
        f"{name}: log out {DEVICES:,} sessions of a person",
        f"{median(times):.2f} ms, trips: {trips}",
        goals={Bound(10, unit="ms"): median(times), Bound(2, unit="trips"): trips},
    )


def gather_devices(store: Store) -> str:
    """A person with DEVICES sessions."""
    owner, now = encode(OWNER, secrets.token_hex(8)), now_ms()
    crowd.gather(store, [{OWNER: owner}], DEVICES, Lifetime(HOUR, now + HOUR), now)
    return owner


def end_devices(store: Store, owner: str, now: int) -> None:
    ended = run_sync(store.end_where(OWNER, owner, "", "ended", now))
    if ended != DEVICES:
        raise RuntimeError(f"{ended} of {DEVICES} sessions were logged out.")


def sweep(table: Table, name: str, count: int) -> None:
    what, limit = WHAT[name]
    make = ours(make_store(name))
    keys = long_lived(make)
    page_times(make, keys, for_seconds(1))
    idle = page_times(make, keys, for_seconds(4))
    sweeping = Sweeping(name, now_ms())
    busy = page_times(make, keys, sweeping.goes_on)
    idle += page_times(make, keys, for_seconds(4))
    longest = max(batch.ms for batch in sweeping.batches)
    label = f"{name}: {what} of {count:,}"
    first, last = sweeping.batches[0], sweeping.batches[-1]
    table.row(f"{label}, ended and told", f"{last.ended:,} in {last.at - first.at:.1f} s")
    redis, sql = sweeping.busiest_second
    pace, lock = {Bound(2000): float(redis + sql)}, {Bound(50, unit="ms"): longest}
    table.row(f"{label}, trips in a second", f"{redis} Redis, {sql} SQL", goals=pace if name == "redis" else {})
    table.row(f"{label}, longest batch", f"{longest:.1f} ms", goals=lock if name == "database" else {})
    table.row(
        f"{label}, pages' loads meanwhile",
        f"p99 {p99(busy):.2f} ms, idle {p99(idle):.2f}",
        goals={Bound(limit, "idle p99"): p99(busy) / p99(idle)},
    )


def long_lived(make: Make) -> Sequence[str]:
    keys = []
    for _ in range(200):
        session = make(None)
        session["page"] = "/"
        session.set_expiry(24 * 3600)
        session.save()
        keys.append(str(session.session_key))
    return keys

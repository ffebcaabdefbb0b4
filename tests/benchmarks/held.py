"""How long a page of a visitor waits while another page of theirs, which only reads, stays in its transaction."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.contrib.sessions.backends.db import SessionStore as StockDb
from django.db import connections, transaction

from sessions_farm.clock import now_ms
from sessions_farm.session import ids
from sessions_farm.stores.base import Lifetime
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.stores.protocol import Store
from tests.benchmarks.engines import Make, make_store, ours
from tests.benchmarks.subjects import Engine
from tests.benchmarks.table import STOCK_DB, Bound, Table

GOAL = 50  # ms; a page that is held waits for HOLD
TIMES = 20
HOLD = 2.0  # seconds, at which the page in its transaction ends whatever happens
IDLE = 1_200_000  # ms


def measure(table: Table) -> None:
    table.heading(
        "a page beside one of the same visitor that has read the session in its transaction, time-out to slide"
    )
    theirs = [wait(StockDb, Engine(StockDb).create()) for _ in range(TIMES)]
    table.row("Django's db, which slides nothing", f"{median(theirs):.1f}, worst {max(theirs):.1f} ms")
    for name in ("database", "tiered", "redis"):
        store = make_store(name)
        times = [wait(ours(store), session_to_slide(store)) for _ in range(TIMES)]
        figure = f"{median(times):.1f}, worst {max(times):.1f} ms"
        ratios = {STOCK_DB: median(times) / median(theirs)}
        table.row(f"{name}: a page beside one that reads", figure, ratios, {Bound(GOAL, unit="ms"): median(times)})


def session_to_slide(store: Store) -> str:
    """Make a session of whose idle time a half has gone; return its id."""
    session_id, begun = ids.new_id(), now_ms() - IDLE // 2
    run_sync(store.create(ids.digest(session_id), {"page": '"/"'}, Lifetime(IDLE, begun + 10 * IDLE), begun))
    return session_id


def wait(make: Make, session_id: str) -> float:
    """Return the milliseconds of a load while another one's transaction is open."""
    with held(make, session_id):
        begun = time.perf_counter()
        _ = make(session_id)["page"]
        return (time.perf_counter() - begun) * 1000


@contextmanager
def held(make: Make, session_id: str) -> Iterator[None]:
    entered, released = threading.Event(), threading.Event()

    def page() -> None:
        try:
            with transaction.atomic():
                _ = make(session_id)["page"]
                entered.set()
                released.wait(HOLD)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(page)
        entered.wait()
        try:
            yield
        finally:
            released.set()
        done.result()


def median(times: list[float]) -> float:
    return sorted(times)[len(times) // 2]

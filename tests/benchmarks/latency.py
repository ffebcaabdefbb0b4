"""The requests of one page to its session, on every store, against raw servers and Django's engines."""

from __future__ import annotations

from sessions_farm.conf import options
from sessions_farm.stores import NAMED
from tests.benchmarks.engines import STORES, make_store, ours, stock
from tests.benchmarks.interleaving import take_turns
from tests.benchmarks.sizes import rounds
from tests.benchmarks.subjects import Engine, RawRedis, RawSQL, Subject
from tests.benchmarks.table import (
    AGAINST,
    RAW_REDIS,
    RAW_SQL,
    STOCK_CACHED_DB,
    STOCK_DB,
    STOCK_DJANGO_REDIS,
    Bound,
    Table,
)

ACTS = {"load": "load", "load + save one": "change", "create": "create", "rotate": "rotate"}
# The engine of Django's that a store stands in for: it may be slower in nothing.
STANDS_FOR = {"database": STOCK_DB, "redis": STOCK_DJANGO_REDIS, "tiered": STOCK_CACHED_DB}
GOALS = {
    ("load", "redis"): Bound(1.25, RAW_REDIS),
    ("load", "tiered"): Bound(1.25, RAW_REDIS),
    ("load", "database"): Bound(1.5, RAW_SQL),
    ("load + save one", "database"): Bound(1 / 3, STOCK_DB),
}


def measure(table: Table) -> None:
    stores = [name for name in STORES if name in NAMED]
    subjects: dict[str, Subject] = {
        RAW_REDIS: RawRedis(options().redis_url, options().redis_prefix),
        RAW_SQL: RawSQL(),
        **{name: Engine(make) for name, make in stock(options().redis_url).items()},
        **{name: Engine(ours(make_store(name))) for name in stores},
    }
    for act, method in ACTS.items():
        table.heading(f"{act}: 10 variables, 1.2 KB")
        timings = take_turns(
            {name: getattr(subject, method) for name, subject in subjects.items()}, rounds=rounds(), acts=5
        )
        others = [name for name in AGAINST if name in subjects]
        table.row("theirs, in ms", "", {other: timings.p50(other) for other in others})
        for name in stores:
            ratios = {other: timings.ratio(name, other) for other in others}
            goal = GOALS.get((act, name)) or (Bound(1, STANDS_FOR[name]) if name in STANDS_FOR else None)
            goals = {goal: ratios[goal.of]} if goal else {}
            table.row(f"{name}: {act}", f"{timings.p50(name):.3f} ms", ratios, goals)

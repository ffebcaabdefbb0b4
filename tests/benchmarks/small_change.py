"""Bytes on the wire for one small change in a session of 100 KB."""

from __future__ import annotations

import secrets

from sessions_farm.conf import options
from tests.benchmarks.engines import Make, make_store, ours, stock
from tests.benchmarks.table import AGAINST, RAW_REDIS, RAW_SQL, Bound, Table
from tests.benchmarks.wire import Meter, metered_database, metered_redis

LARGE = {f"variable_{number}": secrets.token_urlsafe(750) for number in range(100)}
GOAL = 512  # bytes


def measure(table: Table) -> None:
    table.heading("one small change in a session of 100 KB: bytes sent by save()")
    with metered_redis(options().redis_url) as (url, redis), metered_database() as database:
        theirs = {name: sum(sent(make, redis, database)) for name, make in stock(url).items()}
        for name in ("database", "redis", "tiered"):
            to_redis, to_sql = sent(ours(make_store(name, url)), redis, database)
            total = to_redis + to_sql
            ratios = {other: total / theirs[other] for other in AGAINST if other not in {RAW_REDIS, RAW_SQL}}
            split = f" ({to_redis} Redis, {to_sql} SQL)" if to_redis and to_sql else ""
            table.row(
                f"{name}: small change{split}", f"{total:,} B", ratios, {Bound(GOAL, unit="B"): max(to_redis, to_sql)}
            )


def sent(make: Make, *meters: Meter) -> list[int]:
    """The bytes that each meter saw while one variable of a loaded session was saved; the second time counts."""
    session = make(None)
    session.update(LARGE | {"hits": 1})
    session.save()
    key, seen = session.session_key, list[int]()
    for _ in range(2):
        session = make(key)
        session["hits"] += 1
        before = [meter.sent for meter in meters]
        session.save()
        seen = [meter.sent - was for meter, was in zip(meters, before, strict=True)]
    return seen

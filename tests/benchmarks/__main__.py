"""``python -m tests.benchmarks``: print the table. DATABASE_URL and REDIS_URL name servers; BENCH_SIZE a part."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import django
import redis


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.settings"
    django.setup()
    from django.db import connection  # noqa: PLC0415 -- after setup

    from sessions_farm.conf import options  # noqa: PLC0415
    from tests.benchmarks import handoff, held, latency, million, over_http, small_change  # noqa: PLC0415
    from tests.benchmarks.table import Table  # noqa: PLC0415

    groups = {
        "latency": latency,
        "http": over_http,
        "small_change": small_change,
        "held": held,
        "handoff": handoff,
        "million": million,
    }
    chosen = sys.argv[1:] or list(groups)
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    connection.close()  # whatever migrated carries its catalogue along, and every later query pays for it
    table = Table()
    table.say(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}: single figures say little where others work too."
    )
    table.begin()
    try:
        for group in chosen:
            groups[group].measure(table)
        table.end()
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)
        forget(options().redis_url, options().redis_prefix)


def forget(url: str, prefix: str) -> None:
    """Remove the benchmark's keys from a Redis that others may share."""
    with redis.Redis.from_url(url) as client, suppress(redis.RedisError):
        batch = []
        for key in client.scan_iter(f"*{prefix}*", count=5000):
            batch.append(key)
            if len(batch) == 5000:
                client.unlink(*batch)
                batch.clear()
        if batch:
            client.unlink(*batch)


if __name__ == "__main__":
    main()

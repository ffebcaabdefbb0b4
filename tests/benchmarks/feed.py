"""``python -m tests.benchmarks.feed``: page to staff screen, beside a raw pub/sub round trip of the same minute.

One node of the whole mall serves the sockets; every arrival is the whole way: a shopper's request over HTTP, the view,
the script in Redis, the hub, the socket. Every screen must get every arrival. The page's cost is its own time with the
desk beside its time without (a vendor that has no page watched).
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from statistics import median, quantiles

from deploy import servers

SIZES = (20, 100)
ARRIVALS = int(os.environ.get("ARRIVALS", "100"))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, servers.running(Path(folder), durable=False, say=say) as running:
        os.environ |= {
            "DATABASE_URL": running.database_url,
            "REDIS_URL": running.redis_url,
            "SECRET_KEY": "x" * 50,
            "DJANGO_SETTINGS_MODULE": "mall.settings",
            "DB_POOL": "0",
            "DEMO": "1",
        }
        import django  # noqa: PLC0415 -- the settings read the environment

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415 -- app ready

        call_command("migrate", verbosity=0)
        measure()


def measure() -> None:
    """Print the figures of each number of sockets."""
    desk_world = import_module("tests.support.desk_world")  # app ready
    with import_module("tests.support.nodes").running_nodes(1, PUBLIC_SCHEME="http", PUBLIC_PORT="8000") as nodes:
        for size in SIZES:
            world = desk_world.World(nodes.port, size)
            feed, raw = asyncio.run(world.feed(ARRIVALS)), asyncio.run(world.raw_round_trips(ARRIVALS))
            say(
                f"{size} sockets: page to screen {spread(feed)}; raw pub/sub {spread(raw)}; "
                f"ratio of p50 {median(feed) / median(raw):.1f}; none missed, none doubled."
            )
        watched, bare = asyncio.run(world.pages(ARRIVALS))
        say(f"The shopper's page: watched {spread(watched)}; not watched {spread(bare)}.")


def spread(times: list[float]) -> str:
    cuts = quantiles(times, n=100)
    return f"p50 {1000 * cuts[49]:.1f}, p99 {1000 * cuts[98]:.1f}, max {1000 * max(times):.1f} ms"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

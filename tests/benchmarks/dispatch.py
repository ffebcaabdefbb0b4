"""``python -m tests.benchmarks.dispatch``: dispatches a second over HTTP, beside a bare loop of the same requests.

Every delivery is verified at the receiver: its signature, its key, each key once. The bare loop has the bodies and
secrets in memory, as many requests under way and the same client; it writes nothing. The neighbours' p99 is the time
from due to sent of vendors beside eight whose servers take connections and say nothing, over that of a quiet run.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

from deploy import servers
from tests.support import counting_department
from tests.support.counting_department import SECRET, Department

COUNT = int(os.environ.get("DISPATCHES", "4000"))
VENDORS, DARK, ROUNDS = 16, 8, 3


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, servers.running(Path(folder), durable=False, say=say) as running:
        os.environ |= {
            "DATABASE_URL": running.database_url,
            "REDIS_URL": running.redis_url,
            "SECRET_KEY": "x" * 50,
            "DJANGO_SETTINGS_MODULE": "mall.settings",
            "EGRESS_ALLOW": "127.0.0.0/8",
            "DB_POOL": "0",
        }
        import django  # noqa: PLC0415 -- the settings read the environment

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415 -- app ready

        call_command("migrate", verbosity=0)
        with counting_department.running() as department:
            compare(department)
            neighbours(department)


def compare(department: Department) -> None:
    """Print dispatches a second, the bare loop's, their ratio, and statements an item."""
    from tests.support import dispatch_world  # noqa: PLC0415 -- app ready

    world = dispatch_world.World(VENDORS, department.url, SECRET)
    rates, bares, statements = [], [], 0.0
    for _ in range(ROUNDS):
        keys = world.write(COUNT)
        took, statements = world.drain()
        verify(department, keys)
        rates.append(COUNT / took)
        bodies = world.bodies(keys)
        begun = time.perf_counter()
        asyncio.run(world.bare_loop(bodies))
        bares.append(COUNT / (time.perf_counter() - begun))
        verify(department, keys)
    rate, bare = median(rates), median(bares)
    say(f"Dispatches a second {rate:.0f}, bare loop {bare:.0f}, ratio {rate / bare:.2f};")
    say(f"statements an item {statements:.2f}; each delivery verified at the receiver.")


def verify(department: Department, keys: list[str]) -> None:
    got = department.books()
    department.forget()
    if got.forged or got.arrivals != dict.fromkeys(keys, 1):
        wrong = sum(got.arrivals[key] != 1 for key in keys)
        raise SystemExit(f"Not each delivery was made once: {wrong} of {len(keys)} wrong, {got.forged} forged.")


def neighbours(department: Department) -> None:
    """Print the p99 of the time to send of vendors beside dark ones, over that of a quiet run."""
    from tests.support import dispatch_world  # noqa: PLC0415 -- app ready

    world = dispatch_world.World(VENDORS, department.url, SECRET)
    ratios = []
    for _ in range(ROUNDS):
        quiet = p99(world.waits(COUNT // 4, rate=100))
        dark = dispatch_world.World(DARK, department.silent_url, SECRET, first=VENDORS)
        dark.write(DARK * 20)
        ratios.append((p99(world.waits(COUNT // 4, rate=100)), quiet))
        dark.clear()
    department.forget()
    beside, alone = (median(column) for column in zip(*ratios, strict=True))
    say(f"Neighbours' p99 {1000 * beside:.0f} ms, quiet {1000 * alone:.0f} ms, ratio {beside / alone:.2f}")


def p99(waits: list[float]) -> float:
    return quantiles(waits, n=100)[98]


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

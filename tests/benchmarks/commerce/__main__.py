"""``python -m tests.benchmarks.commerce``: the mall and Oscar in turn, and their ratios.

A *checkout* is what a shopper does from the cart's page to the page that says thank you, three lines of one vendor. Of
the mall's it includes the simulated payment company's card form, which is served in the same process. *Pay* is the part
of it from the pressed button to the placed order. Processor time is that of the shop's process, statements and commits
are counted in it. Both shops take turns, so that a busy machine slows both alike.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from deploy import servers
from tests.benchmarks.commerce.environment import Site, sites
from tests.benchmarks.commerce.goods import GOODS
from tests.benchmarks.commerce.meter import PATH
from tests.benchmarks.commerce.shopper import Shopper
from tests.benchmarks.commerce.walks import MallWalk, OscarWalk, Walk, fill_cart
from tests.benchmarks.sizes import scaled

ROUNDS = 3
PAGES = scaled(60, 4)  # of a kind, in one round
CHECKOUTS = scaled(16, 2)  # at each concurrency, in one round
CROWD = 8


@dataclass
class Shop:
    """A shop that is served, and what was measured of it: (seconds, processor seconds, statements, commits) each."""

    site: Site
    walk: Walk
    measured: dict[str, list[tuple[float, float, float, float]]] = field(default_factory=dict)

    def shopper(self) -> Shopper:
        """Return a new shopper."""
        return Shopper(self.walk.host, self.site.port)

    def shoppers(self, count: int) -> list[Shopper]:
        """Return shoppers with a full cart each."""
        found = [self.shopper() for _ in range(count)]
        for shopper in found:
            fill_cart(self.walk, shopper)
        return found

    def spent(self) -> tuple[float, float, float, float]:
        """Return the clock, and what the shop's process has spent until now."""
        connection = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=60)
        connection.request("GET", PATH)
        found = json.load(connection.getresponse())
        connection.close()
        return time.monotonic(), found["cpu"], found["statements"], found["commits"]

    def measure(self, row: str, work: Callable[[], object], count: int) -> None:
        """Measure what one act of work costs, which does ``count``."""
        before = self.spent()
        work()
        after = self.spent()
        costs = [(end - begin) / count for begin, end in zip(before, after, strict=True)]
        self.measured.setdefault(row, []).append((costs[0], costs[1], costs[2], costs[3]))

    def middle(self, row: str) -> tuple[float, float, float, float]:
        """Return the medians over the rounds."""
        seconds, cpu, statements, commits = (median(figures) for figures in zip(*self.measured[row], strict=True))
        return seconds, cpu, statements, commits


def main() -> None:
    """Print the table."""
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="mall-bench-", ignore_cleanup_errors=True))
        )
        folder.chmod(0o711)  # PostgreSQL's own user, where we are root, passes through
        running = stack.enter_context(servers.running(folder / "servers", durable=False, say=say))
        found = sites(running, folder, say)
        say(f"Shops. {running.took} No fsync; shops, clients and servers on the same {os.cpu_count()} cores.")
        shops = [Shop(site, walk) for site, walk in zip(found, (MallWalk(), OscarWalk()), strict=True)]
        for shop in shops:
            shop.site.fill()
            stack.enter_context(shop.site.served(folder / f"{shop.site.name}.log"))
        for shop in shops:
            wait_until_served(shop)
            warm_up(shop)
        for _ in range(ROUNDS):
            for shop in shops:
                go_round(shop)
        print_table(*shops)


def wait_until_served(shop: Shop, seconds: float = 60) -> None:
    """Wait for the first answer. Raise OSError where there is none in time."""
    until = time.monotonic() + seconds
    while True:
        try:
            shop.spent()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def warm_up(shop: Shop) -> None:
    """Let the shop load its templates, fill its caches and make its plans."""
    for _ in range(6):
        [shopper] = shop.shoppers(1)
        shop.walk.category(shopper)
        shop.walk.check_out(shopper)


def go_round(shop: Shop) -> None:
    """Measure each row once."""
    walk, visitor = shop.walk, shop.shopper()
    walk.product(visitor, GOODS[7])
    shop.measure("product page", lambda: [walk.product(visitor, GOODS[7]) for _ in range(PAGES)], PAGES)
    shop.measure("list page", lambda: [walk.category(visitor) for _ in range(PAGES)], PAGES)
    [visitor] = shop.shoppers(1)
    shop.measure("cart page", lambda: [walk.cart(visitor) for _ in range(PAGES)], PAGES)
    payers = shop.shoppers(CHECKOUTS)
    for payer in payers:
        walk.to_payment(payer)
    shop.measure("pay", lambda: list(map(walk.pay, payers)), CHECKOUTS)
    for crowd in (1, CROWD):
        buyers = shop.shoppers(CHECKOUTS * (1 if crowd == 1 else 2))
        shop.measure(f"checkout, {crowd} at a time", lambda: check_out(shop, buyers, crowd), len(buyers))  # noqa: B023


def check_out(shop: Shop, buyers: Sequence[Shopper], crowd: int) -> None:
    """Let the buyers check out, so many at a time."""
    with ThreadPoolExecutor(crowd) as pool:
        list(pool.map(shop.walk.check_out, buyers))


def print_table(mall: Shop, oscar: Shop) -> None:
    """Print each shop's figures, and the mall's as a share of Oscar's."""
    columns = "{:<24} {:>8} {:>8} {:>7}   {:>8} {:>8} {:>7}   {:>6} {:>6} {:>7}   {:>6} {:>6}"
    per_kind = ("mall", "oscar", "ratio")
    say(columns.format("", "a second", "", "", "cpu ms", "", "", "stmts", "", "", "commits", ""))
    say(columns.format("", *per_kind, *per_kind, *per_kind, "mall", "oscar"))
    for row in mall.measured:
        ours, theirs = mall.middle(row), oscar.middle(row)
        rates = [f"{1 / ours[0]:.1f}", f"{1 / theirs[0]:.1f}", f"{theirs[0] / ours[0]:.2f}"]
        cpu = [f"{1000 * ours[1]:.1f}", f"{1000 * theirs[1]:.1f}", f"{ours[1] / theirs[1]:.2f}"]
        statements = [f"{ours[2]:.0f}", f"{theirs[2]:.0f}", f"{ours[2] / theirs[2]:.2f}"]
        say(columns.format(row, *rates, *cpu, *statements, f"{ours[3]:.0f}", f"{theirs[3]:.0f}"))


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line.rstrip()}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

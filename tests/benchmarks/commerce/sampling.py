"""What the mall spends its processor time on: ``python -m tests.benchmarks.commerce.sampling`` prints a table.

A signal that comes each two milliseconds of processor time (SIGPROF) looks at the stack. The innermost frame that is
Django's, the driver's or a plan's decides: *building* a query and its SQL or binding a plan, *running* it in the driver
and the database's wrapper, making *rows* of its answer, or anything else. Python handles signals in its main thread
only, so the mall is served in that one here, by WSGI.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from deploy import servers
from tests.benchmarks.commerce.__main__ import CHECKOUTS, PAGES, Shop, say, wait_until_served, warm_up
from tests.benchmarks.commerce.environment import PROJECT, mall_site
from tests.benchmarks.commerce.goods import GOODS
from tests.benchmarks.commerce.meter import PATH
from tests.benchmarks.commerce.walks import MallWalk

SECONDS = 0.002  # of processor time between two looks
KINDS = ("building", "running", "rows", "other")
COLUMNS = "{:<18} {:>8} {:>9} {:>9} {:>9} {:>9}"
RUNNING = ("/psycopg", "/django/db/backends/")
QUERIES = ("/django/db/models/", "/sessions_farm/query_plans.py")
ROWS = {
    *((file, name) for file in ("base.py",) for name in ("from_db", "__init__", "__hash__", "__eq__")),
    *(("compiler.py", name) for name in ("results_iter", "cursor_iter", "apply_converters", "execute_sql")),
    *(("query.py", name) for name in ("__iter__", "populate")),
    ("query_plans.py", "attach"),
}
WAITING = "/selectors.py"

samples: Counter[str] = Counter()


def look(_signal: int, frame: FrameType | None) -> None:
    """Count what the interrupted frame is of."""
    if frame is not None and not frame.f_code.co_filename.endswith(WAITING):
        samples[kind_of(frame)] += 1


def kind_of(frame: FrameType | None) -> str:
    """Return what a stack does, by its innermost frame that says so."""
    while frame is not None:
        file, name = frame.f_code.co_filename, frame.f_code.co_name
        if any(part in file for part in RUNNING):
            return "running"
        if any(part in file for part in QUERIES):
            return "rows" if (file.rpartition("/")[2], name) in ROWS else "building"
        frame = frame.f_back
    return "other"


class QuietHandler(WSGIRequestHandler):
    """Write no line a request."""

    def log_message(self, *_: object) -> None:
        """Write nothing."""


def serve(port: int) -> None:
    """Serve the mall in this thread, with the samples at PATH, until killed."""
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415 -- the benchmark itself needs no settings

    mall = get_wsgi_application()

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH:
            return mall(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"cpu": 0, "statements": 0, "commits": 0, "samples": samples}).encode()]

    server = make_server("127.0.0.1", port, application, handler_class=QuietHandler)
    signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, SECONDS, SECONDS)
    server.serve_forever()


def main() -> None:
    """Print each kind's share of a page's processor time."""
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="mall-bench-", ignore_cleanup_errors=True))
        )
        folder.chmod(0o711)  # as in the benchmark
        running = stack.enter_context(servers.running(folder / "servers", durable=False, say=say))
        site = mall_site(running, folder)
        site.fill()
        process = subprocess.Popen(  # noqa: S603 -- this module
            [sys.executable, "-m", __spec__.name, str(site.port)],
            cwd=PROJECT,
            env=site.environment | {"DJANGO_SETTINGS_MODULE": "mall.settings"},
            stderr=subprocess.DEVNULL,
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        shop = Shop(site, MallWalk())
        wait_until_served(shop)
        warm_up(shop)
        print_table(shop)


def print_table(shop: Shop) -> None:
    """Walk through the shop, and print the shares."""
    visitor, [buyer], payers = shop.shopper(), shop.shoppers(1), shop.shoppers(4 * CHECKOUTS)
    rows: dict[str, Callable[[], object]] = {
        "product page": lambda: [shop.walk.product(visitor, GOODS[7]) for _ in range(10 * PAGES)],
        "list page": lambda: [shop.walk.category(visitor) for _ in range(5 * PAGES)],
        "cart page": lambda: [shop.walk.cart(buyer) for _ in range(5 * PAGES)],
        "to the button": lambda: list(map(shop.walk.to_payment, payers)),
        "from the button": lambda: list(map(shop.walk.pay, payers)),
    }
    say(COLUMNS.format("", "samples", *KINDS))
    found, whole = {}, Counter[str]()
    for row, work in rows.items():
        before = sampled(shop)
        work()
        found[row] = sampled(shop) - before
        say(line_of(row, found[row]))
        whole += found[row] if "button" in row else Counter()
    say(line_of("checkout", whole))


def sampled(shop: Shop) -> Counter[str]:
    """Return the shop's samples until now."""
    with urllib.request.urlopen(f"http://127.0.0.1:{shop.site.port}{PATH}") as answer:
        return Counter(json.load(answer)["samples"])


def line_of(row: str, counts: Counter[str]) -> str:
    """Return a line of the table."""
    total = counts.total() or 1
    return COLUMNS.format(row, counts.total(), *(f"{100 * counts[kind] / total:.1f} %" for kind in KINDS))


if __name__ == "__main__":
    serve(int(sys.argv[1])) if len(sys.argv) > 1 else main()

"""``make bench``: the session engine's table of ratios, then pages a second of the demo's two nodes."""

import http.client
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

from deploy import servers
from deploy.demo.ports import port_near
from deploy.demo.stack import running_stack

PAGES = {
    "directory": ("mall.localhost", "/"),
    "store": ("fowlers.localhost", "/"),
    "search": ("mall.localhost", "/search/?q=oil"),
    "cart": ("fowlers.localhost", "/cart/"),
}
CLIENTS = 8
SECONDS = float(os.environ.get("SECONDS_EACH", "5"))


@dataclass
class Measurement:
    times: list[float] = field(default_factory=list)
    responses: Counter[tuple[int, str]] = field(default_factory=Counter)


def ask(port: int, host: str, path: str, until: float, measured: Measurement) -> None:
    while (begun := time.monotonic()) < until:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", path, headers={"Host": f"{host}:{port}"})
        response = connection.getresponse()
        response.read()
        connection.close()
        measured.times.append(time.monotonic() - begun)
        measured.responses[response.status, response.headers.get("X-Node", "?")] += 1


def measure(port: int, host: str, path: str) -> Measurement:
    measured = Measurement()
    until = time.monotonic() + SECONDS
    clients = [threading.Thread(target=ask, args=(port, host, path, until, measured)) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return measured


def main() -> None:
    sessions()
    pages()


def sessions() -> None:
    """Measure the engine without fsync: the ratios show each engine's work, not the disc that all wait for alike."""
    with scratch() as folder, servers.running(folder, durable=False, say=say) as running:
        say(f"Sessions. {running.took} No fsync; client and servers on the same {os.cpu_count()} cores.")
        addresses = {"DATABASE_URL": running.database_url, "REDIS_URL": running.redis_url}
        command = [sys.executable, "-m", "tests.benchmarks"]
        subprocess.run(command, env=os.environ | addresses, check=True)  # noqa: S603 -- our own command


def pages() -> None:
    """Measure pages a second with eight clients."""
    say(f"Pages. {CLIENTS} clients, {SECONDS:.0f} s a page, clients and nodes on the same {os.cpu_count()} cores.")
    with scratch() as folder, running_stack(folder, port_near(8900), say) as stack:
        measure(stack.port, *PAGES["directory"])  # the first pages load templates and fill pools
        for name, (host, path) in PAGES.items():
            measured = measure(stack.port, host, path)
            cuts = [1000 * cut for cut in quantiles(measured.times, n=100)]
            responses = ", ".join(
                f"{node} {status}: {count}" for (status, node), count in sorted(measured.responses.items())
            )
            rate = len(measured.times) / SECONDS
            say(f"{name:<10} {rate:7.1f} pages/s   p50 {cuts[49]:6.1f} ms   p99 {cuts[98]:6.1f} ms   ({responses})")


@contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mall-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)  # PostgreSQL's own user, where we are root, passes through
        yield Path(folder)


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 -- a program's voice


if __name__ == "__main__":
    main()

"""``make farm-pools``: what a crowd at one big vendor's host costs the shoppers of all other hosts.

The farm has LARGE_HOSTS=fowlers.test, nodes of both pools, and a share of the processor for each (LARGE_CPUS,
WEB_CPUS). Shoppers come to the other hosts at an even rate, alone and beside the crowd, by turns: so that what else the
machine does is in both.
"""

from __future__ import annotations

import http.client
import itertools
import os
import random
import socket
import ssl
import statistics
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from deploy.farm.compose import Farm, docker, farm_of_environment, say

PORT = int(os.environ.get("HTTPS_PORT", "443"))
BIG = "fowlers.test"
OTHERS = ("mall.test", "noblebarney.test", "thistle.shops.test")
RATE = float(os.environ.get("RATE", "4"))  # requests a second to the other hosts
CROWD = int(os.environ.get("CROWD", "4"))  # people at the big host, each asking as soon as they are answered
SECONDS, TURNS = float(os.environ.get("TURN_SECONDS", "30")), int(os.environ.get("TURNS", "3"))
GOAL = 1.2

TLS = ssl.create_default_context()
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE


@dataclass
class Answers:
    """What hosts answered: the seconds it took, by which pool, and with which statuses."""

    seconds: list[float] = field(default_factory=list)
    pools: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)

    def ask(self, host: str, since: float) -> None:
        """Ask for a host's home; the time counts from the moment somebody wanted it."""
        status, node = 0, ""
        try:
            with TLS.wrap_socket(socket.create_connection(("127.0.0.1", PORT), 30), server_hostname=host) as line:
                connection = http.client.HTTPConnection(host)
                connection.sock = line
                connection.request("GET", "/", headers={"Host": f"{host}:{PORT}"})
                answer = connection.getresponse()
                answer.read()
                status, node = answer.status, answer.headers.get("X-Node", "")
        except (OSError, http.client.HTTPException):
            pass  # status 0
        self.seconds.append(time.monotonic() - since)
        self.pools[node.partition("-")[0]] += 1
        self.statuses[status] += 1

    def percentile(self, share: int) -> float:
        return statistics.quantiles(self.seconds, n=100)[share - 1]


def shop_evenly(answers: Answers, seconds: float) -> None:
    """Come to the other hosts at an even rate, whether the ones before were answered or not."""
    hosts, begun = itertools.cycle(OTHERS), time.monotonic()
    with ThreadPoolExecutor(32) as people:
        for number in range(int(seconds * RATE)):
            moment = begun + number / RATE
            time.sleep(max(0.0, moment - time.monotonic()))
            people.submit(answers.ask, next(hosts), moment)


def crowd_in(answers: Answers, stopped: threading.Event) -> None:
    while not stopped.is_set():
        answers.ask(BIG, time.monotonic())
        stopped.wait(random.uniform(0, 0.02))


def used(farm: Farm, service: str) -> float:
    """Return the seconds of processor that a service's first container has used."""
    text = docker("exec", farm.running(service)[0].id, "cat", "/sys/fs/cgroup/cpu.stat", check=False)
    if text:
        return int(text.split()[1]) / 1e6
    return int(docker("exec", farm.running(service)[0].id, "cat", "/sys/fs/cgroup/cpuacct/cpuacct.usage")) / 1e9


def main() -> int:
    farm = farm_of_environment()
    for service in ("web", "web-large"):
        if not farm.running(service):
            say(f"No node of {service} runs: make farm LARGE_HOSTS={BIG}, then make farm-scale LARGE=1")
            return 1
    calm, beside, crowd, sql = Answers(), Answers(), Answers(), {"alone": 0.0, "beside": 0.0}
    for _ in range(TURNS):
        for name, answers, people in (("alone", calm, 0), ("beside", beside, CROWD)):
            stopped = threading.Event()
            threads = [threading.Thread(target=crowd_in, args=(crowd, stopped)) for _ in range(people)]
            before = used(farm, "db")
            for thread in threads:
                thread.start()
            shop_evenly(answers, SECONDS)
            stopped.set()
            for thread in threads:
                thread.join()
            sql[name] += used(farm, "db") - before
    return report(calm, beside, crowd, {name: seconds / SECONDS / TURNS for name, seconds in sql.items()})


def report(calm: Answers, beside: Answers, crowd: Answers, sql: dict[str, float]) -> int:
    """Print the table; return 1 where a goal is missed."""
    say("| hosts | requests | failed | p50 ms | p95 ms | pools | SQL, of a processor |")
    say("|---|---|---|---|---|---|---|")
    for name, found, share in (
        ("others, alone", calm, sql["alone"]),
        ("others, beside the crowd", beside, sql["beside"]),
    ):
        say(_line(name, found, f"{share:.2f}"))
    say(_line(f"the crowd at {BIG}", crowd, ""))
    ratio = beside.percentile(95) / calm.percentile(95)
    strays = crowd.pools["shared"] + calm.pools["large"] + beside.pools["large"]
    say(f"p95 of the others beside the crowd / alone: {ratio:.2f}; requests in the other pool: {strays}")
    return int(ratio > GOAL or strays > 0)


def _line(name: str, found: Answers, share: str) -> str:
    failed = sum(count for status, count in found.statuses.items() if not 200 <= status < 400)
    pools = ", ".join(f"{pool or 'none'} {count}" for pool, count in sorted(found.pools.items()))
    times = f"{found.percentile(50) * 1000:.0f} | {found.percentile(95) * 1000:.0f}"
    return f"| {name} | {len(found.seconds)} | {failed} | {times} | {pools} | {share} |"


if __name__ == "__main__":
    sys.exit(main())

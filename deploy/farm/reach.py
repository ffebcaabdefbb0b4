"""Which ports each container of the running farm can connect to, tried from inside each; a table.

It connects from the network of each container, whose image may have no tools: root of the farm's machine may do that.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from deploy.farm import FarmError
from deploy.farm.compose import Farm, docker, say

KINDS = {
    "door": ("door", "door2"),
    "balancer": ("lb", "lb2"),
    "node": ("web", "web-large"),
    "program": ("worker", "jobs", "dispatchd", "sftpd", "beat"),
    "mail": ("mail",),
    "data": (
        *("db", "db-standby", "db-keeper", "redis", "redis-replica", "cache", "cache-replica"),
        *("sentinel-1", "sentinel-2", "sentinel-3"),
    ),
}
"""Services by kind; any other is a machine of a vendor or of a site outside."""
STRANGER, MAIL = "stranger", "mail"
INSIDE = {"node", "program", "data"}
OUTSIDE = {MAIL, STRANGER}
MAY = {
    "door": {"door", "balancer", "node"},
    "balancer": {"door", "balancer", "node"} | OUTSIDE,
    "node": {"door", "balancer"} | INSIDE | OUTSIDE,
    "program": INSIDE | OUTSIDE,
    "data": INSIDE,
    # Whoever sends letters can be asked by the mail server: of a node it gets the pages that anybody gets.
    MAIL: {"node"} | OUTSIDE,
    STRANGER: {"balancer"} | OUTSIDE,
}
ENTRANCES = {2022: "sftpd", 9100: ""}
"""Ports of the mall's programs that machines outside may reach: drop folders, and figures, which ask for a token."""
LISTENING = "0A"  # as /proc/net/tcp has it

TRY = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def reaches(target):
    try:
        socket.create_connection(target, 0.7).close()
        return True
    except OSError:
        return False
targets = json.load(sys.stdin)
with ThreadPoolExecutor(64) as pool:
    json.dump(list(pool.map(reaches, targets)), sys.stdout)
"""


@dataclass(frozen=True)
class Place:
    """A container: its service, its addresses, the ports that others may try, and whether it has a way out."""

    service: str
    pid: int
    addresses: tuple[str, ...]
    ports: tuple[int, ...]
    has_way_out: bool

    @property
    def kind(self) -> str:
        return next((kind for kind, services in KINDS.items() if self.service in services), STRANGER)


@dataclass(frozen=True)
class Way:
    """A container that connected to a port of another."""

    source: Place
    to: Place
    port: int

    def __str__(self) -> str:
        return f"{self.source.service} reaches {self.to.service}:{self.port}"

    @property
    def is_allowed(self) -> bool:
        is_entrance = self.to.kind == "program" and ENTRANCES.get(self.port) in {"", self.to.service}
        return self.to.kind in MAY[self.source.kind] or (self.source.kind in OUTSIDE and is_entrance)


def place_of(service: str, container: str) -> Place:
    """Return a running container's place."""
    found = json.loads(docker("inspect", container))[0]
    networks = found["NetworkSettings"]["Networks"]
    addresses = tuple(each["IPAddress"] for each in networks.values() if each["IPAddress"])
    pid = int(found["State"]["Pid"])
    try:
        ports = listening(pid)
    except OSError as error:
        raise FarmError(
            f"{service} ended while it was looked at ({error}): let the farm come to rest, then try again."
        ) from error
    return Place(service, pid, addresses, ports, any(map(has_way_out, networks)))


@cache
def has_way_out(network: str) -> bool:
    """Return whether the engine lets a network's packets leave the machine."""
    return docker("network", "inspect", "--format", "{{.Internal}}", network) == "false"


def listening(pid: int) -> tuple[int, ...]:
    """Return the TCP ports on which anything listens in a process' network, be it for itself alone."""
    tables = [Path(f"/proc/{pid}/net/{name}").read_text() for name in ("tcp", "tcp6")]
    sockets = [line.split() for table in tables for line in table.splitlines()[1:]]
    return tuple(
        sorted({int(local.rpartition(":")[2], 16) for _, local, _, state, *_ in sockets if state == LISTENING})
    )


def reached(source: Place, targets: list[tuple[str, int]]) -> list[bool]:
    """Connect to addresses from the network of a container; return which answered."""
    command = ["nsenter", "--target", str(source.pid), "--net", sys.executable, "-c", TRY]
    try:
        done = subprocess.run(command, input=json.dumps(targets), capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError as error:
        raise FarmError("nsenter is not on this machine: install util-linux, then try again.") from error
    if done.returncode:
        raise FarmError(f"Nothing can be tried from {source.service}; this needs root: {done.stderr.strip()[-300:]}")
    return list(json.loads(done.stdout))


def scan(farm: Farm) -> dict[Place, list[Way]]:
    """Return the ways from each container to ports of the others."""
    places = [place_of(each.service, each.id) for each in farm.containers() if each.state == "running"]
    ports = [(to, address, port) for to in places for address in to.addresses for port in to.ports]
    return {
        source: ways_from(source, ports) for source in sorted(places, key=lambda place: (place.kind, place.service))
    }


def ways_from(source: Place, ports: list[tuple[Place, str, int]]) -> list[Way]:
    """Return the ways from a container to others' ports, each given with an address."""
    others = [each for each in ports if each[0] is not source]
    answers = reached(source, [(address, port) for _, address, port in others])
    return [Way(source, to, port) for (to, _, port), answered in zip(others, answers, strict=True) if answered]


def show_reach(farm: Farm) -> None:
    """Print the ports that each container reaches. Raise FarmError for those that ``MAY`` does not name."""
    say("| from | reaches | way out |\n|---|---|---|")
    wrong: set[str] = set()
    for source, ways in scan(farm).items():
        ports = sorted({f"{way.to.service}:{way.port}" for way in ways})
        say(f"| {source.service} | {', '.join(ports)} | {'yes' if source.has_way_out else 'no'} |")
        wrong |= {str(way) for way in ways if not way.is_allowed}
        if source.kind == "data" and source.has_way_out:
            wrong.add(f"{source.service} has a way out of the machine")
    if wrong:
        raise FarmError("Not allowed:\n" + "\n".join(sorted(wrong)))

"""The balancer's lists of nodes: which containers of a pool get requests, and the reload that makes it so."""

from __future__ import annotations

import time
from collections.abc import Iterable

from deploy.farm import FarmError
from deploy.farm.compose import POOLS, Container, Farm, docker, say, wait_for

BALANCERS = ("lb", "lb2")
WAYS = ("tls", "plain")
"""What the door calls its ways to each balancer (balancer/door.cfg)."""
SETTLE = 2.0
"""Seconds in which whoever had connected to a balancer asks for something."""
CADDYFILE = ("--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile")


def write_list(farm: Farm, pool: str, names: Iterable[str]) -> None:
    """Write a pool's list, for the balancer's next reload."""
    folder = farm.folder / "nodes"
    folder.mkdir(exist_ok=True)
    addresses = " ".join(f"{name}:8000" for name in names)
    # Of an empty pool the balancer says "one moment".
    (folder / f"{pool}.caddy").write_text(f"to {addresses}\n" if addresses else "# nobody\n")


def write_expected(farm: Farm) -> None:
    """Write the lists of a farm that is about to start: Compose numbers its containers from one."""
    wanted = dict(zip(POOLS, farm.numbers().values(), strict=False))
    for service, pool in POOLS.items():
        there = [node.name for node in farm.running(service)]
        write_list(
            farm, pool, there or [f"{farm.project}-{service}-{number}" for number in range(1, wanted[service] + 1)]
        )


def reload_balancer(farm: Farm) -> None:
    """Let each balancer read its configuration and its lists anew; requests and sockets go on. Raise FarmError.

    One after the other, each while the doors lead nobody new to it: a balancer that reloads cuts off who has connected
    and not yet asked.
    """
    there = [found.service for found in farm.running(*BALANCERS)]
    if not there:
        raise FarmError("No balancer runs: make farm")
    farm.run("exec", "-T", there[0], "caddy", "validate", *CADDYFILE)
    for balancer in there:
        if len(there) == 1:
            _reload(farm, balancer)
            continue
        try:
            _lead(farm, balancer, "drain")
            time.sleep(SETTLE)
            _reload(farm, balancer)
        finally:
            _lead(farm, balancer, "ready")


def _reload(farm: Farm, balancer: str) -> None:
    farm.run("exec", "-T", balancer, "caddy", "reload", "--force", *CADDYFILE, "--address", "unix//tmp/admin.sock")


def _lead(farm: Farm, balancer: str, state: str) -> None:
    """Tell each door whether it leads new connections to a balancer: ready, or drain."""
    words = "".join(f"set server {way}/{balancer} state {state};" for way in WAYS)
    talk = f"exec 3<>/dev/tcp/127.0.0.1/9999; echo '{words}' >&3; cat <&3"
    for door in farm.running("door", "door2") if farm.has_pairs else farm.running("door"):
        said = farm.run("exec", "-T", door.service, "bash", "-c", talk).strip()
        if said:
            raise FarmError(f"{door.service} does not lead to {balancer} as told ({state}): {said}")


def follow_nodes(farm: Farm, leaving: Iterable[Container] = ()) -> None:
    """Give requests to the running nodes, except the starting and the leaving ones.

    Whether a node is well, the balancer judges itself: an engine's check may fail for want of processor alone.
    """
    gone = {node.id for node in leaving}
    for service, pool in POOLS.items():
        nodes = [node for node in farm.running(service) if node.health != "starting" and node.id not in gone]
        write_list(farm, pool, (node.name for node in nodes))
    reload_balancer(farm)


def wait_healthy(farm: Farm, service: str, before: Iterable[Container]) -> None:
    """Wait until all containers of a service that were not there before are healthy. Raise FarmError."""
    old = {node.id for node in before}

    def healthy() -> bool:
        new = [node for node in farm.containers(service) if node.id not in old]
        return bool(new) and all(node.state == "running" and node.health == "healthy" for node in new)

    wait_for(healthy, f"the new containers of {service} to be healthy")


def remove_nodes(farm: Farm, nodes: list[Container]) -> None:
    """Stop nodes that get no requests any more, each after its last answer, and remove them."""
    for node in nodes:
        docker("stop", "--time", "20", node.id)
        docker("rm", node.id)
        say(f"  {node.name} is gone")

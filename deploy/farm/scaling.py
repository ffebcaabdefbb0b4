"""More nodes or fewer, and new code, while requests go on: one node more comes before one leaves."""

from __future__ import annotations

from deploy.farm import FarmError, nodes
from deploy.farm.compose import POOLS, Farm, say

VARIABLES = dict(zip(POOLS, ("WEB", "LARGE"), strict=True))
WORKERS = ("worker", "jobs", "dispatchd", "sftpd", "beat")


def scale_pools(farm: Farm, wanted: dict[str, int]) -> None:
    """Bring each pool to its number of nodes. Raise FarmError where none would be left of the shared pool."""
    if wanted.get("WEB") == 0:
        raise FarmError("WEB=0 would leave nobody to answer; to stop the farm: make farm-down")
    farm.write_numbers(farm.numbers() | wanted)
    for service, variable in VARIABLES.items():
        if variable in wanted:
            _scale_service(farm, service, wanted[variable])


def _scale_service(farm: Farm, service: str, count: int) -> None:
    there = farm.running(service)
    surplus = there[count:]
    if count > len(there):
        say(f"{service}: {len(there)} nodes become {count}")
        _add(farm, service, count)
        nodes.follow_nodes(farm)
    elif surplus:
        say(f"{service}: {len(there)} nodes become {count}")
        nodes.follow_nodes(farm, leaving=surplus)
        nodes.remove_nodes(farm, surplus)


def _add(farm: Farm, service: str, count: int) -> None:
    before = farm.containers(service)
    farm.run("up", "--detach", "--no-deps", "--no-recreate", "--no-build", "--scale", f"{service}={count}", service)
    nodes.wait_healthy(farm, service, before)


def roll_out(farm: Farm, *, build: bool) -> None:
    """Bring new code to every program: migrations first, then node by node, then the workers.

    Old nodes go on answering beside the new tables, so a migration that takes something away belongs to the release
    after the one whose code no longer uses it.
    """
    if build:
        say("Building the image ...")
        farm.run("build", "volumes", seconds=3600)
    say("Migrating, while the old nodes answer ...")
    farm.run("run", "--rm", "--no-deps", "-T", "migrate", seconds=3600)
    for service in POOLS:
        for old in farm.running(service):
            _add(farm, service, len(farm.running(service)) + 1)
            nodes.follow_nodes(farm, leaving=[old])
            nodes.remove_nodes(farm, [old])
    say("The workers ...")
    farm.run("up", "--detach", "--no-deps", "--no-build", "--wait", *WORKERS)
    say("Every program runs the new image.")

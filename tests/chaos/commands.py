"""The farm's own commands as events: shoppers shop while they run, and nothing may fail."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from deploy.farm import backup, nodes, scaling
from deploy.farm.compose import Farm
from tests.chaos.events import NONE, Event, nothing

IMAGE = "mall:local"
RELOADS = 3
"""Times that each balancer reads its configuration in one event: what a reload costs is rare."""


def reloaded() -> Event:
    def reload(farm: Farm) -> None:
        for _ in range(RELOADS):
            nodes.follow_nodes(farm)
            time.sleep(1)

    return _command("balancers reloaded", reload)


def scaled() -> Event:
    """One node more, and then as many as before."""

    def scale(farm: Farm) -> None:
        before = len(farm.running("web"))
        scaling.scale_pools(farm, {"WEB": before + 1})
        scaling.scale_pools(farm, {"WEB": before})

    return _command("nodes scaled", scale)


def build_image(tag: str, dockerfile: str) -> None:
    """Build an image that needs no file but its own words."""
    subprocess.run(["docker", "build", "--quiet", "--tag", tag, "-"], input=dockerfile.encode(), check=True)


def rolled_out() -> Event:
    """Roll a new image out, which differs from the one before in nothing but its digest."""

    def build(_farm: Farm) -> None:
        build_image(IMAGE, f"FROM {IMAGE}\nLABEL made={time.time_ns()}\n")

    return _command("image rolled out", lambda farm: scaling.roll_out(farm, build=False), build)


def backed_up() -> Event:
    def back_up(farm: Farm) -> None:
        with tempfile.TemporaryDirectory() as folder:
            backup.make_backup(farm, Path(folder) / "backup")

    return _command("backed up", back_up)


def _command(name: str, run: Callable[[Farm], None], prepare: Callable[[Farm], None] = lambda _farm: None) -> Event:
    return Event(name, run, nothing, NONE, seconds=2, prepare=prepare)


COMMANDS = (reloaded(), scaled(), rolled_out(), backed_up())

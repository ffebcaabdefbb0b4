"""Events in which the clock of one container is hours off, by libfaketime in an image made for them alone."""

from __future__ import annotations

import json
from pathlib import Path

from deploy.farm import scaling
from deploy.farm.compose import Farm
from tests.chaos import commands
from tests.chaos.events import NONE, Event

IMAGE = "mall:clock"
LIBRARY = "/usr/lib/libfaketime.so"
DOCKERFILE = f"""
FROM {commands.IMAGE}
USER root
RUN apt-get update -qq && apt-get install -y -qq faketime && ln -s /usr/lib/*/faketime/libfaketimeMT.so.1 {LIBRARY}
USER mall
"""


class FarmWithClockOff(Farm):
    """The same farm; what it starts of one service has a clock that is off, as ``-5h``."""

    def __init__(self, farm: Farm, service: str, off: str) -> None:
        super().__init__(farm.mode, farm.project)
        # A process counts seconds by another clock, which no administrator sets.
        own = {"LD_PRELOAD": LIBRARY, "FAKETIME": off, "DONT_FAKE_MONOTONIC": "1"}
        self._layer = self.folder / "clock.yaml"
        self._layer.write_text(json.dumps({"services": {service: {"image": IMAGE, "environment": own}}}))

    @property
    def files(self) -> list[Path]:
        """Return the Compose files, and over them the one of the clock."""
        return [*super().files, self._layer]


def build(_farm: Farm) -> None:
    """Build the image with libfaketime in it."""
    commands.build_image(IMAGE, DOCKERFILE)


def worker_off(service: str, off: str) -> Event:
    """Put another container in the place of a worker: its clock is off."""

    def replace(farm: Farm) -> None:
        farm.run("up", "--detach", "--no-deps", "--no-build", "--wait", service)

    return Event(
        f"{service} clock {off}",
        lambda farm: replace(FarmWithClockOff(farm, service, off)),
        replace,
        NONE,
        seconds=20,
        prepare=build,
    )


def node_off(off: str) -> Event:
    """Add a web node whose clock is off, and take it away again."""

    def add(farm: Farm) -> None:
        there = len(farm.running("web"))
        scaling.scale_pools(FarmWithClockOff(farm, "web", off), {"WEB": there + 1})

    def remove(farm: Farm) -> None:
        scaling.scale_pools(farm, {"WEB": len(farm.running("web")) - 1})

    return Event(f"node with clock {off}", add, remove, NONE, seconds=20, prepare=build)


CLOCKS = (
    worker_off("worker", "-5h"),
    worker_off("worker", "+5h"),
    worker_off("beat", "+5h"),
    node_off("-5h"),
    node_off("+5h"),
)

"""What a drawing of a thing is told, and how it stands before us."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from random import Random

from deploy.demo.drawing.pen import Pen


class Pose(Enum):
    STANDS = "on a floor whose line is near 800"
    LIES = "flat, seen from above"
    HANGS = "before a wall"


@dataclass(frozen=True, slots=True)
class Look:
    """``draw`` is for small irregularities; it gives the same ones at every drawing."""

    colour: str
    second: str
    form: str
    motif: str
    accent: str
    draw: Random


type Drawing = Callable[[Pen, Look], None]

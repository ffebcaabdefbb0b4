"""Round things: a profile turned about an upright axis and seen slightly from above, as pots, bottles and lamps are."""

from __future__ import annotations

import math
from collections.abc import Sequence

from deploy.demo.drawing.curves import Point, Points, oval, smooth
from deploy.demo.drawing.pen import Pen
from deploy.demo.drawing.tones import CREAM, DEEP, dark, light

TILT = 0.17  # how much of a horizontal circle is seen


class Turned:
    """``profile`` lists (height, radius) from the top down. Draws its body; then add bands, ``shade`` and ``mouth``."""

    def __init__(
        self,
        pen: Pen,
        cx: float,
        profile: Sequence[Point],
        colour: str,
        *,
        tilt: float = TILT,
        sharp: bool = False,
        alpha: float = 1,
    ) -> None:
        self.pen, self.cx, self.colour, self.tilt = pen, cx, colour, tilt
        self.profile = list(profile) if sharp else smooth(profile)
        pen.fill(self.part(-1, 1), colour, alpha=alpha)

    @property
    def top(self) -> Point:
        return self.profile[0]

    def on(self, f: float, y: float, r: float) -> Point:
        """The point at height ``y`` on the side facing us, ``f`` from -1 (left edge) to 1 (right edge)."""
        return self.cx + f * r, y + self.tilt * r * math.sqrt(max(0.0, 1 - f * f))

    def part(self, f0: float, f1: float, y0: float = -math.inf, y1: float = math.inf) -> Points:
        """The outline of that part of the surface."""
        rows = self._rows(y0, y1)
        across = [f0 + (f1 - f0) * step / 24 for step in range(25)]
        left = [self.on(f0, y, r) for y, r in rows]
        right = [self.on(f1, y, r) for y, r in reversed(rows)]
        lower = [self.on(f, *rows[-1]) for f in across]
        upper = [self.on(f, *rows[0]) for f in reversed(across)]
        return left + lower + right + upper

    def band(self, y0: float, y1: float, colour: str, f0: float = -1, f1: float = 1) -> None:
        """Paint a ring, or with ``f0`` and ``f1`` a label."""
        self.pen.fill(self.part(f0, f1, y0, y1), colour)

    def shade(self, *, gloss: float = 0.45, depth: float = 0.16) -> None:
        """Light from the left: a shaded right side in two steps and, where it is glazed, a bright strip."""
        self.pen.fill(self.part(0.34, 1), DEEP, alpha=depth)
        self.pen.fill(self.part(0.76, 1), DEEP, alpha=depth)
        if gloss:
            y0, y1 = self.profile[0][0], self.profile[-1][0]
            strip = self.part(-0.8, -0.6, y0 + (y1 - y0) * 0.1, y0 + (y1 - y0) * 0.78)
            self.pen.fill(strip, CREAM, alpha=gloss)

    def mouth(self, lip: float = 10, inside: str = "", filled: str = "", level: float = 0.35) -> None:
        """The open top: a lip of that width, the dark inside, and what it is filled with."""
        y, r = self.top
        pen = self.pen
        pen.fill(oval(self.cx, y, r, r * self.tilt), light(self.colour, 0.35))
        hole = oval(self.cx, y, r - lip, (r - lip) * self.tilt)
        with pen.clip(hole) as inner:
            inner.fill(hole, inside or dark(self.colour, 0.4))
            if filled:
                drop = (r - lip) * self.tilt * level * 2
                inner.oval(self.cx, y + drop, r - lip, (r - lip) * self.tilt, filled)
            inner.fill(oval(self.cx - r * 0.35, y + r * 0.02, r, r * self.tilt * 1.15), DEEP, alpha=0.1)

    def _rows(self, y0: float, y1: float) -> list[Point]:
        rows = [row for row in self.profile if y0 <= row[0] <= y1]
        if y0 > self.profile[0][0]:
            rows.insert(0, (y0, self._radius(y0)))
        if y1 < self.profile[-1][0]:
            rows.append((y1, self._radius(y1)))
        return rows

    def _radius(self, height: float) -> float:
        for (ya, ra), (yb, rb) in zip(self.profile, self.profile[1:], strict=False):
            if ya <= height <= yb:
                return ra + (rb - ra) * ((height - ya) / (yb - ya) if yb > ya else 0)
        return self.profile[-1][1]


def turned(
    pen: Pen, cx: float, profile: Sequence[Point], colour: str, *, gloss: float = 0.45, sharp: bool = False
) -> Turned:
    """A plain closed body, shaded; for knobs, feet, lids."""
    body = Turned(pen, cx, profile, colour, sharp=sharp)
    body.shade(gloss=gloss)
    return body

"""A pen over a sheet: filled outlines with a lit and a shaded edge, in units of a thousandth of the sheet."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypedDict, Unpack

from PIL import Image, ImageChops, ImageColor, ImageDraw

from deploy.demo.drawing import curves
from deploy.demo.drawing.curves import Point, Points
from deploy.demo.drawing.tones import dark, light

UNITS = 1000

type Matrix = tuple[float, float, float, float, float, float]
"""x' = a x + b y + c, y' = d x + e y + f."""


type Corners = tuple[float, float, float, float]
"""Left, top, right, bottom."""


class Edges(TypedDict, total=False):
    """What ``Pen.fill`` says of them."""

    shade: float
    glow: float
    alpha: float


class Pen:
    def __init__(self, sheet: Image.Image, matrix: Matrix | None = None) -> None:
        self.sheet = sheet
        scale = sheet.width / UNITS
        self.matrix = matrix or (scale, 0, 0, 0, scale, 0)
        self._draw = ImageDraw.Draw(sheet)

    def at(self, x: float, y: float, scale: float = 1, angle: float = 0) -> Pen:
        """A pen whose middle (500, 500) lies at (x, y) of this one, drawing larger or turned; degrees clockwise."""
        cos, sin = math.cos(math.radians(angle)) * scale, math.sin(math.radians(angle)) * scale
        here: Matrix = (cos, -sin, x - 500 * cos + 500 * sin, sin, cos, y - 500 * sin - 500 * cos)
        return Pen(self.sheet, _then(here, self.matrix))

    def fill(
        self, points: Sequence[Point], colour: str, *, shade: float = 0, glow: float = 0, alpha: float = 1
    ) -> None:
        """Fill an outline; ``shade`` and ``glow`` are the widths of its dark lower right and its light upper left.

        What lets light through (``alpha`` below 1) has neither.
        """
        if alpha == 1 and not shade and not glow:
            self._draw.polygon(self._placed(points), fill=colour)
            return
        left, top, mask = self._mask(points, alpha, int(self._length(max(shade, glow))) + 2)
        if alpha < 1:
            self._veil(mask, colour, left, top)
            return
        self.sheet.paste(colour, (left, top), mask)
        if shade:
            reach = -int(self._length(shade))
            self.sheet.paste(
                dark(colour), (left, top), ImageChops.subtract(mask, ImageChops.offset(mask, reach, reach))
            )
        if glow:
            reach = int(self._length(glow))
            self.sheet.paste(
                light(colour), (left, top), ImageChops.subtract(mask, ImageChops.offset(mask, reach, reach))
            )

    def oval(self, cx: float, cy: float, rx: float, ry: float, colour: str, **edges: Unpack[Edges]) -> None:
        self.fill(curves.oval(cx, cy, rx, ry), colour, **edges)

    def box(self, corners: Corners, radius: float, colour: str, **edges: Unpack[Edges]) -> None:
        self.fill(curves.box(*corners, radius), colour, **edges)

    def line(self, points: Sequence[Point], width: float, colour: str) -> None:
        """A line of one width with round ends."""
        placed = self._placed(points)
        thick = max(1, round(self._length(width)))
        self._draw.line(placed, fill=colour, width=thick, joint="curve")
        for x, y in (placed[0], placed[-1]):
            self._draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=colour)

    def curve(self, points: Sequence[Point], width: float, colour: str) -> None:
        self.line(curves.smooth(points), width, colour)

    def tube(self, points: Sequence[Point], width: float, colour: str) -> None:
        """A round bar along a smooth line: dark below, light above."""
        line = curves.smooth(points)
        self.line(line, width, dark(colour))
        inset = width * 0.12
        self.line([(x - inset, y - inset) for x, y in line], width * 0.72, colour)
        inset = width * 0.24
        self.line([(x - inset, y - inset) for x, y in line], width * 0.16, light(colour))

    def taper(self, points: Sequence[Point], widths: Sequence[float], colour: str, *, shade: float = 0) -> None:
        self.fill(curves.taper(points, widths), colour, shade=shade)

    @contextmanager
    def clip(self, points: Sequence[Point]) -> Iterator[Pen]:
        """A pen whose marks stay inside the outline."""
        left, top, mask = self._mask(points, 1, 2)
        part = Image.new("RGBA", mask.size)
        a, b, c, d, e, f = self.matrix
        yield Pen(part, (a, b, c - left, d, e, f - top))
        part.putalpha(ImageChops.multiply(part.getchannel("A"), mask))
        self._over(part, left, top)

    def _placed(self, points: Sequence[Point]) -> Points:
        a, b, c, d, e, f = self.matrix
        return [(a * x + b * y + c, d * x + e * y + f) for x, y in points]

    def _length(self, units: float) -> float:
        return units * math.hypot(self.matrix[0], self.matrix[3])

    def _mask(self, points: Sequence[Point], alpha: float, margin: int) -> tuple[int, int, Image.Image]:
        placed = self._placed(points)
        left, top = int(min(x for x, _ in placed)) - margin, int(min(y for _, y in placed)) - margin
        width, height = int(max(x for x, _ in placed)) - left, int(max(y for _, y in placed)) - top
        mask = Image.new("L", (width + margin, height + margin))
        ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in placed], fill=round(255 * alpha))
        return left, top, mask

    def _veil(self, mask: Image.Image, colour: str, left: int, top: int) -> None:
        part = Image.new("RGBA", mask.size, ImageColor.getrgb(colour))
        part.putalpha(mask)
        self._over(part, left, top)

    def _over(self, part: Image.Image, left: int, top: int) -> None:
        """Lay a part over the sheet; what hangs over the sheet's edges is cut off."""
        x, y = max(left, 0), max(top, 0)
        source = (
            x - left,
            y - top,
            min(part.width, self.sheet.width - left),
            min(part.height, self.sheet.height - top),
        )
        if source[2] > source[0] and source[3] > source[1]:
            self.sheet.alpha_composite(part, (x, y), source)


def _then(inner: Matrix, outer: Matrix) -> Matrix:
    a, b, c, d, e, f = outer
    p, q, r, s, t, u = inner
    return (a * p + b * s, a * q + b * t, a * r + b * u + c, d * p + e * s, d * q + e * t, d * r + e * u + f)

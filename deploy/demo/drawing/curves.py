"""Outlines as lists of points: ovals, rounded boxes, smooth lines through given points."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

type Point = tuple[float, float]
type Points = list[Point]

STEPS = 14  # points between two given ones


def arc(cx: float, cy: float, rx: float, ry: float, begin: float, end: float) -> Points:
    """Part of an oval; degrees, clockwise from the right as y points down."""
    count = max(6, int(abs(end - begin) / 4))
    angles = (math.radians(begin + (end - begin) * step / count) for step in range(count + 1))
    return [(cx + rx * math.cos(angle), cy + ry * math.sin(angle)) for angle in angles]


def oval(cx: float, cy: float, rx: float, ry: float | None = None) -> Points:
    return arc(cx, cy, rx, rx if ry is None else ry, 0, 360)[:-1]


def box(x0: float, y0: float, x1: float, y1: float, radius: float = 0) -> Points:
    if radius <= 0:
        return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    r = min(radius, (x1 - x0) / 2, (y1 - y0) / 2)
    corners = ((x1 - r, y0 + r, -90), (x1 - r, y1 - r, 0), (x0 + r, y1 - r, 90), (x0 + r, y0 + r, 180))
    return [point for x, y, angle in corners for point in arc(x, y, r, r, angle, angle + 90)]


def smooth(through: Sequence[Point], *, closed: bool = False) -> Points:
    """A Catmull-Rom line through the points; a point given twice makes a corner."""
    count = len(through)
    found: Points = []
    for at in range(count if closed else count - 1):
        if closed:
            four = [through[(at + step) % count] for step in (-1, 0, 1, 2)]
        else:
            four = [through[min(max(at + step, 0), count - 1)] for step in (-1, 0, 1, 2)]
        found.extend(_between(*four))
    return found if closed else [*found, through[-1]]


def blob(*corners: Point) -> Points:
    return smooth(corners, closed=True)


def points(text: str) -> Points:
    """Read "330,270 430,232": x,y pairs apart by spaces."""
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in text.split())]


def outline(text: str) -> Points:
    """A smooth closed line through the points that the text lists; one that is given twice makes a corner."""
    return blob(*points(text))


def _between(before: Point, begin: Point, end: Point, after: Point) -> Iterable[Point]:
    if begin == end:
        return
    for step in range(STEPS):
        t = step / STEPS
        yield tuple(  # type: ignore[misc]  # two coordinates in, two out
            b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
            for a, b, c, d in zip(before, begin, end, after, strict=True)
        )


def taper(middle: Sequence[Point], widths: Sequence[float]) -> Points:
    """The outline of a smooth line whose width runs evenly through ``widths``."""
    line = smooth(middle)
    left: Points = []
    right: Points = []
    for at, (x, y) in enumerate(line):
        (ax, ay), (bx, by) = line[max(at - 1, 0)], line[min(at + 1, len(line) - 1)]
        length = math.hypot(bx - ax, by - ay) or 1
        half = _width(widths, at / (len(line) - 1)) / 2
        nx, ny = -(by - ay) / length * half, (bx - ax) / length * half
        left.append((x + nx, y + ny))
        right.append((x - nx, y - ny))
    return left + right[::-1]


def _width(widths: Sequence[float], share: float) -> float:
    place = share * (len(widths) - 1)
    low = min(int(place), len(widths) - 2) if len(widths) > 1 else 0
    return widths[0] if len(widths) == 1 else widths[low] + (widths[low + 1] - widths[low]) * (place - low)


def leaf(x: float, y: float, length: float, width: float, angle: float) -> Points:
    """A pointed leaf that grows from (x, y); 0 degrees points right, -90 up."""
    turn = math.radians(angle)
    outline = [(0.0, 0.0), (0.0, 0.0), (0.35, 0.5), (0.7, 0.36), (1.0, 0.0), (1.0, 0.0), (0.7, -0.36), (0.35, -0.5)]
    return [
        (
            x + math.cos(turn) * a * length - math.sin(turn) * b * width,
            y + math.sin(turn) * a * length + math.cos(turn) * b * width,
        )
        for a, b in smooth(outline, closed=True)
    ]


def along(x: float, y: float, length: float, angle: float) -> Point:
    """The point at that distance and angle; 0 degrees points right, -90 up."""
    turn = math.radians(angle)
    return x + math.cos(turn) * length, y + math.sin(turn) * length

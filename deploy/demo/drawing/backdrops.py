"""What stands behind a thing: walls with simple shapes, or a table top seen from above."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from deploy.demo.drawing.curves import arc, box, outline, oval
from deploy.demo.drawing.look import Pose
from deploy.demo.drawing.pen import Pen
from deploy.demo.drawing.tones import CREAM, WHITE, apart, dark, light, mix

FLOOR = 690  # where wall and floor meet
LEAST_APART = 0.17


@dataclass(frozen=True, slots=True)
class Room:
    """The colours of one picture's surroundings."""

    wall: str
    floor: str
    shape: str


type Backdrop = Callable[[Pen, Room, Random], None]


def room_for(colour: str, second: str, paper: str, accent: str, draw: Random) -> Room:
    """A wall from the vendor's palette that the thing's own colour stands out from."""
    walls = [
        mix(paper, accent, 0.16),
        mix(paper, accent, 0.34),
        mix(paper, second, 0.32),
        mix(paper, colour, 0.3),
        mix(accent, paper, 0.22),
        mix(mix(accent, second, 0.4), CREAM, 0.5),
    ]
    draw.shuffle(walls)
    far = [wall for wall in walls if min(apart(wall, colour), apart(wall, second) * 1.6) > LEAST_APART]
    wall = (far or sorted(walls, key=lambda each: -apart(each, colour)))[0]
    shapes = [light(wall, 0.4), mix(wall, accent, 0.28), mix(wall, second, 0.3), dark(wall, 0.12)]
    draw.shuffle(shapes)
    shape = max(shapes[:3], key=lambda each: apart(each, colour))
    return Room(wall, mix(dark(wall, 0.1), paper, 0.12), shape)


def _floor(pen: Pen, room: Room) -> None:
    pen.box((0, FLOOR, 1000, 1000), 0, room.floor)


def _sun(pen: Pen, room: Room, draw: Random) -> None:
    cx, r = draw.uniform(430, 640), draw.uniform(300, 360)
    pen.oval(cx, draw.uniform(400, 470), r, r, room.shape)
    _floor(pen, room)


def _arch(pen: Pen, room: Room, draw: Random) -> None:
    half = draw.uniform(270, 330)
    cx = draw.uniform(460, 540)
    pen.fill([*arc(cx, 430, half, half, 180, 360), (cx + half, FLOOR), (cx - half, FLOOR)], room.shape)
    pen.fill(
        [*arc(cx + 22, 452, half - 22, half - 22, 180, 360), (cx + half, FLOOR), (cx, FLOOR)], dark(room.shape, 0.08)
    )
    pen.fill(
        [*arc(cx + 14, 446, half - 26, half - 26, 180, 360), (cx + half - 12, FLOOR), (cx - half + 40, FLOOR)],
        room.shape,
    )
    _floor(pen, room)


def _beam(pen: Pen, room: Room, draw: Random) -> None:
    x = draw.uniform(60, 220)
    _floor(pen, room)
    pen.fill([(x, 0), (x + 260, 0), (x + 700, FLOOR), (x + 440, FLOOR)], light(room.wall, 0.35))
    pen.fill([(x + 330, 0), (x + 400, 0), (x + 840, FLOOR), (x + 770, FLOOR)], light(room.wall, 0.35))
    pen.fill([(x + 440, FLOOR), (x + 700, FLOOR), (x + 560, 1000), (x + 260, 1000)], light(room.floor, 0.25))
    pen.fill([(x + 770, FLOOR), (x + 840, FLOOR), (x + 720, 1000), (x + 640, 1000)], light(room.floor, 0.25))


def _plinth(pen: Pen, room: Room, draw: Random) -> None:
    """The thing stands at 800 on a low block."""
    _floor(pen, room)
    x0, x1 = draw.uniform(20, 70), draw.uniform(930, 980)
    pen.oval(draw.uniform(250, 760), 330, 210, 210, room.shape)
    pen.fill([(x0 + 40, 726), (x1 - 40, 726), (x1, 850), (x0, 850)], light(room.shape, 0.3))
    pen.fill([(x0, 850), (x1, 850), (x1, 1000), (x0, 1000)], dark(room.shape, 0.1))


def _hill(pen: Pen, room: Room, draw: Random) -> None:
    cx = draw.choice((260, 740))
    pen.oval(1000 - cx, 260, 130, 130, light(room.wall, 0.5))
    pen.oval(cx, FLOOR + 120, 460, 400, room.shape)
    pen.oval(1000 - cx, FLOOR + 180, 400, 330, mix(room.shape, room.wall, 0.45))
    _floor(pen, room)


def _stripes(pen: Pen, room: Room, draw: Random) -> None:
    width = draw.choice((62, 100))
    for x in range(0, 1000, width * 2):
        pen.box((x, 0, x + width, FLOOR), 0, mix(room.wall, room.shape, 0.45))
    _floor(pen, room)
    pen.box((0, FLOOR - 26, 1000, FLOOR), 0, mix(room.shape, WHITE, 0.25))


def _tiles(pen: Pen, room: Room, draw: Random) -> None:
    size = draw.choice((125, 167))
    for row in range(int(FLOOR / size) + 1):
        for column in range(9):
            if (row + column) % 2:
                x, y = column * size, FLOOR - (row + 1) * size
                pen.box((x, y, x + size, y + size), 0, mix(room.wall, room.shape, 0.32))
    _floor(pen, room)


def _cloth(pen: Pen, room: Room, draw: Random) -> None:
    angle = draw.choice((-11, 8, 14))
    mat = pen.at(500, 500, 1, angle)
    mat.box((90, 90, 910, 910), 30, room.shape)
    mat.box((112, 112, 888, 888), 20, light(room.shape, 0.14))
    mat.box((122, 122, 878, 878), 16, room.shape)


def _discs(pen: Pen, room: Room, draw: Random) -> None:
    x = draw.choice((330, 660))
    pen.oval(x, 400, 380, 380, room.shape)
    pen.oval(1000 - x + 120, 820, 220, 220, mix(room.shape, room.wall, 0.5))


def _corner(pen: Pen, room: Room, draw: Random) -> None:
    y = draw.uniform(520, 700)
    pen.fill([(0, y), (1000, y - 320), (1000, 1000), (0, 1000)], room.shape)
    pen.fill([(0, y), (1000, y - 320), (1000, y - 300), (0, y + 20)], light(room.shape, 0.3))


def _boards(pen: Pen, room: Room, draw: Random) -> None:
    tilt = pen.at(500, 500, 1, draw.choice((-24, 24)))
    for step in range(-2, 10):
        x = -200 + step * 160
        tilt.box((x, -400, x + 152, 1400), 0, mix(room.wall, room.shape, 0.25 + 0.25 * (step % 3)))


def _pebble(pen: Pen, room: Room, draw: Random) -> None:
    del draw
    pen.fill(outline("120,480 240,180 560,110 860,260 910,580 740,860 400,900 160,760"), room.shape)


def _clouds(pen: Pen, room: Room, draw: Random) -> None:
    for cx, cy, size in ((220, 260, 1.0), (760, 160, 0.8), (820, 720, 1.2), (160, 800, 0.9)):
        shift = draw.uniform(-40, 40)
        for dx, dy, r in ((0, 0, 90), (90, 16, 70), (-90, 22, 62), (30, -46, 66)):
            pen.fill(oval(cx + shift + dx * size, cy + dy * size, r * size), room.shape)
        pen.fill(box(cx + shift - 150 * size, cy + 10 * size, cx + shift + 158 * size, cy + 84 * size, 40), room.shape)


BACKDROPS: dict[Pose, tuple[Backdrop, ...]] = {
    Pose.STANDS: (_sun, _arch, _beam, _plinth, _hill, _stripes, _tiles),
    Pose.LIES: (_cloth, _discs, _corner, _boards, _pebble),
    Pose.HANGS: (_pebble, _discs, _clouds),
}

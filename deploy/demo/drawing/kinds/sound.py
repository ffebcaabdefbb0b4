"""Clocks, radios and what plays."""

from __future__ import annotations

from deploy.demo.drawing.curves import along, arc, blob, oval, points
from deploy.demo.drawing.lathe import turned
from deploy.demo.drawing.look import Look
from deploy.demo.drawing.pen import Pen
from deploy.demo.drawing.tones import BRASS, METAL, WHITE, against, dark, light, mix

DARK = "#23222a"


def clock(pen: Pen, look: Look) -> None:
    {"alarm": _alarm, "wall": _wall, "mantel": _mantel}[look.form](pen, look)


def _dial(pen: Pen, cx: float, cy: float, r: float, *, face: str = WHITE, hand: str = DARK, second: str = "") -> None:
    pen.oval(cx, cy, r, r, face, shade=-0.0)
    pen.fill(
        arc(cx, cy, r, r, 180, 300) + arc(cx + r * 0.06, cy + r * 0.06, r * 0.97, r * 0.97, 300, 180),
        dark(face, 0.2),
        alpha=0.55,
    )
    for hour in range(12):
        inner = 0.72 if hour % 3 else 0.64
        pen.line(
            [along(cx, cy, r * inner, hour * 30), along(cx, cy, r * 0.86, hour * 30)],
            r * (0.035 if hour % 3 else 0.06),
            hand,
        )
    pen.line([along(cx, cy, r * 0.1, 120), along(cx, cy, r * 0.5, -60)], r * 0.075, hand)
    pen.line([along(cx, cy, r * 0.12, 214), along(cx, cy, r * 0.74, 34)], r * 0.05, hand)
    if second:
        pen.line([along(cx, cy, r * 0.22, 70), along(cx, cy, r * 0.78, 250)], r * 0.022, second)
    pen.oval(cx, cy, r * 0.07, r * 0.07, second or hand)


def _alarm(pen: Pen, look: Look) -> None:
    for side in (-1, 1):
        pen.taper([(500 + side * 130, 720), (500 + side * 190, 806)], (38, 26), look.second)
        pen.tube([(500 + side * 120, 330), (500 + side * 150, 270)], 16, look.second)
        bell = pen.at(500 + side * 158, 240, 1, side * 30)
        bell.fill(arc(500, 520, 112, 100, 180, 360), look.second, shade=14, glow=8)
        bell.oval(500, 520, 112, 18, dark(look.second, 0.3))
        bell.oval(500, 418, 14, 14, look.second, shade=3)
    pen.tube([(440, 262), (450, 190), (550, 190), (560, 262)], 14, dark(look.second, 0.2))
    pen.line([(500, 330), (500, 250)], 14, dark(look.second, 0.2))
    pen.oval(500, 246, 26, 20, dark(look.second, 0.1), shade=5)
    pen.oval(500, 550, 252, 252, look.colour, shade=26, glow=12)
    pen.oval(500, 550, 206, 206, look.second)
    _dial(pen, 500, 550, 196, second="#c6423a")


def _wall(pen: Pen, look: Look) -> None:
    pen.oval(500, 490, 360, 360, look.colour, shade=28, glow=14)
    pen.oval(500, 490, 318, 318, dark(look.colour, 0.4))
    _dial(pen, 500, 490, 308, second=look.second)
    pen.fill(arc(500, 490, 290, 290, 205, 255) + arc(500, 490, 250, 250, 255, 205), WHITE, alpha=0.55)


def _mantel(pen: Pen, look: Look) -> None:
    pen.box((200, 752, 800, 802), 10, dark(look.colour, 0.15), shade=10, glow=5)
    body = [*arc(500, 460, 240, 240, 180, 360), (740, 760), (260, 760)]
    pen.fill(body, look.colour, shade=24, glow=12)
    with pen.clip(body) as wood:
        for step in range(7):
            wood.curve(arc(500, 470 + step * 3, 80 + step * 34, 90 + step * 34, 170, 370), 4, dark(look.colour, 0.12))
            wood.curve([(270 + step * 76, 640), (280 + step * 76, 770)], 4, dark(look.colour, 0.12))
    pen.oval(500, 470, 188, 188, BRASS, shade=8, glow=6)
    _dial(pen, 500, 470, 172, face=look.second)
    pen.fill(arc(500, 742, 66, 60, 180, 360), dark(look.colour, 0.55))
    pen.line([(500, 690), (516, 720)], 6, BRASS)
    pen.oval(518, 724, 17, 17, BRASS, shade=4)


def radio(pen: Pen, look: Look) -> None:
    {"table": _table, "portable": _portable, "valve": _valve, "kit": _kit}[look.form](pen, look)


def _grille(pen: Pen, corners: tuple[float, float, float, float], colour: str) -> None:
    x0, y0, x1, y1 = corners
    pen.box(corners, 22, colour)
    for step in range(int((y1 - y0) / 24) - 1):
        y = y0 + 26 + step * 24
        pen.line([(x0 + 22, y), (x1 - 22, y)], 8, dark(colour, 0.28))


def _table(pen: Pen, look: Look) -> None:
    for x in (230, 770):
        pen.taper([(x, 770), (x, 806)], (34, 26), DARK)
    pen.box((130, 400, 870, 780), 46, look.colour, shade=24, glow=12)
    for y in (440, 520, 610, 700):
        pen.curve([(160, y), (400, y + 14), (640, y - 8), (850, y + 8)], 4, dark(look.colour, 0.16))
    _grille(pen, (170, 446, 520, 736), look.second)
    pen.oval(690, 560, 118, 118, BRASS, shade=8, glow=5)
    pen.oval(690, 560, 102, 102, look.second)
    for step in range(13):
        angle = 150 + step * 20
        pen.line([along(690, 560, 76, angle), along(690, 560, 92, angle)], 5, DARK)
    pen.oval(690, 560, 52, 52, DARK, glow=6)
    pen.line([(690, 560), along(690, 560, 86, 238)], 7, "#c6423a")
    for x in (620, 760):
        pen.oval(x, 720, 26, 26, BRASS, shade=6, glow=4)


def _portable(pen: Pen, look: Look) -> None:
    pen.tube(points("260,410 260,300 320,270 680,270 740,300 740,410"), 30, dark(look.colour, 0.3))
    pen.line([(780, 400), (880, 120)], 9, METAL)
    pen.oval(881, 118, 10, 10, METAL)
    pen.box((150, 380, 850, 790), 70, look.colour, shade=26, glow=14)
    pen.box((190, 420, 810, 540), 30, look.second, shade=4)
    for step in range(21):
        x = 226 + step * 27
        pen.line([(x, 450), (x, 482 if step % 5 else 496)], 4, DARK)
    pen.line([(500, 432), (500, 528)], 7, "#c6423a")
    for row in range(6):
        for column in range(12):
            pen.oval(226 + column * 28, 590 + row * 30, 8, 8, dark(look.colour, 0.45))
    for x, r in ((640, 44), (760, 44)):
        pen.oval(x, 660, r, r, look.second, shade=9, glow=5)
        pen.line([(x, 660), along(x, 660, 34, -70)], 7, DARK)
    for x in (250, 750):
        pen.box((x - 40, 784, x + 40, 806), 8, DARK)


def _valve(pen: Pen, look: Look) -> None:
    body = [*arc(500, 430, 330, 230, 180, 360), (830, 760), (830, 790), (170, 790), (170, 760)]
    pen.fill(body, look.colour, shade=26, glow=14)
    opening = [*arc(500, 440, 250, 170, 180, 360), (750, 540), (250, 540)]
    pen.fill(opening, "#d8c29a", shade=8)
    with pen.clip(opening) as cloth:
        for step in range(30):
            cloth.line([(240 + step * 18, 240), (240 + step * 18, 560)], 4, "#b89a66")
        for step in range(18):
            cloth.line([(240, 260 + step * 18), (760, 260 + step * 18)], 3, "#c9ae7c")
    for x in (400, 500, 600):
        pen.taper([(x, 270), (x, 550)], (16, 16), look.colour, shade=4)
    pen.box((240, 572, 760, 652), 14, "#f3e2b0", shade=5)
    for step in range(16):
        pen.line([(270 + step * 31, 594), (270 + step * 31, 610 if step % 3 else 620)], 4, "#6b4a2a")
    pen.line([(590, 580), (590, 646)], 6, "#b5342b")
    for x in (280, 400, 600, 720):
        pen.oval(x, 716, 36, 36, "#e9d7b4", shade=8, glow=5)
        pen.oval(x, 716, 14, 14, BRASS, shade=3)
    pen.oval(500, 716, 40, 40, DARK)
    pen.oval(500, 716, 58, 58, look.second, alpha=0.22)
    pen.fill([(500, 716), *arc(500, 716, 34, 34, 110, 430)], look.second)
    pen.oval(500, 716, 13, 13, DARK)
    pen.box((190, 786, 810, 806), 6, dark(look.colour, 0.4))


def _kit(pen: Pen, look: Look) -> None:
    pen.fill([(160, 700), (840, 700), (900, 780), (100, 780)], light(look.colour, 0.15))
    pen.box((100, 778, 900, 812), 6, look.colour, shade=8)
    turned(pen, 350, [(420, 84), (740, 84)], "#e9dcc0", gloss=0.2)
    for step in range(22):
        y = 450 + step * 12
        pen.curve(arc(350, y, 87, 15, 2, 178), 8, mix(look.second, "#f0b58a", step % 2 * 0.35))
    pen.oval(350, 420, 84, 14, light("#e9dcc0", 0.4))
    pen.oval(350, 420, 66, 10, "#6a5a44")
    turned(pen, 600, [(650, 60), (740, 62)], DARK)
    pen.oval(600, 650, 60, 11, METAL)
    pen.curve([(600, 646), (640, 560), (700, 600), (716, 736)], 7, BRASS)
    for x in (500, 716, 800):
        turned(pen, x, [(712, 16), (724, 22), (744, 20)], BRASS)
    pen.curve([(434, 690), (470, 640), (500, 716)], 6, look.second)
    pen.curve([(800, 716), (860, 620), (930, 700), (880, 790), (770, 850)], 8, "#3f6f8a")
    pen.curve([(350, 420), (330, 260), (450, 180), (700, 120), (980, 60)], 5, look.second)
    pen.oval(760, 852, 34, 26, "#f0e6d2", shade=6)


def turntable(pen: Pen, look: Look) -> None:
    pen.box((110, 200, 890, 800), 26, look.colour, shade=20, glow=10)
    for y in (250, 330, 450, 560, 690, 760):
        pen.curve([(130, y), (380, y + 10), (650, y - 8), (870, y + 4)], 4, dark(look.colour, 0.12))
    pen.oval(420, 500, 268, 268, METAL, shade=8)
    pen.oval(420, 500, 256, 256, DARK)
    for r in (236, 216, 196, 170, 146, 124):
        pen.curve([*oval(420, 500, r), (420 + r, 500)], 3, "#3b3a45")
    for begin in (200, 20):
        pen.fill([(420, 500), *arc(420, 500, 250, 250, begin, begin + 26)], WHITE, alpha=0.14)
    pen.oval(420, 500, 92, 92, look.second)
    pen.oval(420, 500, 62, 62, light(look.second, 0.55))
    pen.oval(420, 500, 9, 9, DARK)
    pen.oval(776, 310, 64, 64, dark(look.colour, 0.2), shade=8)
    pen.oval(776, 310, 44, 44, METAL, shade=8, glow=5)
    pen.tube([(790, 250), (774, 330), (740, 560), (640, 650)], 17, METAL)
    pen.at(628, 660, 1, 40).box((470, 470, 560, 530), 8, DARK)
    pen.oval(790, 244, 30, 30, DARK, glow=5)
    for y, colour in ((650, BRASS), (730, look.second)):
        pen.oval(800, y, 26, 26, colour, shade=6, glow=4)


def headphones(pen: Pen, look: Look) -> None:
    pen.curve(arc(500, 520, 292, 330, 186, 354), 44, dark(look.second, 0.2))
    pen.curve(arc(494, 514, 292, 330, 190, 350), 26, look.second)
    pen.curve(arc(500, 540, 320, 380, 190, 350), 12, METAL)
    for side in (-1, 1):
        x = 500 + side * 280
        pen.tube([(x + side * 20, 480), (x + side * 10, 600)], 18, METAL)
        pen.fill(
            blob(
                (x - 84, 560),
                (x - 66, 480),
                (x + 40, 470),
                (x + 84, 560),
                (x + 84, 680),
                (x + 50, 770),
                (x - 60, 770),
                (x - 84, 690),
            ),
            look.colour,
            shade=18,
            glow=10,
        )
        pen.oval(x, 624, 60, 96, dark(look.colour, 0.45))
        for row in range(6):
            y = 560 + row * 26
            pen.line([(x - 30, y), (x + 30, y)], 7, light(look.colour, 0.25))
    pen.curve(
        [(230, 770), (240, 860), (400, 900), (560, 880), (700, 930)], 9, against(look.colour, "#c98a52", look.colour)
    )

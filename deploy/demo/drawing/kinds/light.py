"""Lamps, candles and what lights them."""

from __future__ import annotations

from deploy.demo.drawing.curves import arc, blob, box, outline, oval, points
from deploy.demo.drawing.lathe import Turned, turned
from deploy.demo.drawing.look import Look
from deploy.demo.drawing.pen import Pen
from deploy.demo.drawing.tones import BRASS, CREAM, GLASS, METAL, WHITE, WOOD, dark, light, mix

FLAME = "#f6a623"
GLOW = "#ffe9a8"


def lamp(pen: Pen, look: Look) -> None:
    drawings = {"storm": _storm, "desk": _desk, "angle": _angle, "pendant": _pendant, "table": _table}
    drawings[look.form](pen, look)


def flame(pen: Pen, x: float, y: float, size: float = 1) -> None:
    """A flame whose wick's end is at (x, y)."""
    for scale, colour, alpha in ((3.4, GLOW, 0.22), (2.3, GLOW, 0.3)):
        pen.oval(x, y - 34 * size, 34 * size * scale, 40 * size * scale, colour, alpha=alpha)
    pen.fill(
        blob(
            (x, y - 110 * size),
            (x + 22 * size, y - 40 * size),
            (x + 18 * size, y),
            (x - 18 * size, y),
            (x - 24 * size, y - 40 * size),
        ),
        FLAME,
    )
    pen.fill(
        blob((x, y - 66 * size), (x + 11 * size, y - 24 * size), (x, y - 2 * size), (x - 11 * size, y - 24 * size)),
        CREAM,
    )


def _storm(pen: Pen, look: Look) -> None:
    pen.curve([(330, 420), (330, 200), (500, 120), (670, 200), (670, 420)], 12, dark(METAL, 0.35))
    for x in (352, 648):
        pen.tube([(x, 700), (x, 330), (500 + (x - 500) * 0.55, 290)], 30, look.colour)
    pen.oval(500, 500, 150, 190, look.second, alpha=0.25)
    Turned(pen, 500, [(372, 78), (450, 116), (530, 122), (610, 92), (650, 80)], GLASS, alpha=0.55)
    flame(pen, 500, 618, 1.1)
    pen.curve([(425, 430), (402, 510), (420, 590)], 10, WHITE)
    for y in (440, 580):
        pen.curve(arc(500, y, 118, 18, 0, 180), 7, dark(METAL, 0.35))
    turned(pen, 500, [(640, 84), (660, 100), (690, 104)], BRASS)
    turned(pen, 500, [(680, 150), (700, 190), (780, 196), (800, 180)], look.colour)
    turned(pen, 500, [(330, 46), (352, 96), (378, 90)], look.colour)
    turned(pen, 500, [(262, 40), (276, 52), (330, 60)], dark(look.colour, 0.12))
    turned(pen, 500, [(236, 64), (250, 88), (262, 40)], look.colour, gloss=0)


def _desk(pen: Pen, look: Look) -> None:
    turned(pen, 480, [(740, 60), (764, 150), (800, 172)], look.colour)
    pen.tube([(480, 750), (480, 420), (520, 330), (590, 320)], 24, look.colour)
    pen.oval(480, 560, 24, 22, look.colour, shade=6, glow=4)
    pen.fill([(430, 410), (770, 410), (930, 790), (300, 790)], GLOW, alpha=0.16)
    shade = points("420,300 760,300 800,400 760,420 430,420 380,400")
    pen.fill(blob(*shade), look.second, shade=20, glow=12)
    pen.fill(arc(590, 412, 190, 20, 0, 360), GLOW)
    pen.oval(590, 288, 26, 18, look.colour, shade=6)
    pen.tube([(690, 430), (690, 520)], 5, look.colour)
    pen.oval(690, 530, 10, 10, look.colour, shade=3)


def _angle(pen: Pen, look: Look) -> None:
    turned(pen, 380, [(744, 120), (760, 150), (800, 156)], look.second)
    turned(pen, 380, [(720, 44), (748, 60)], look.second)
    pen.fill([(640, 410), (830, 340), (960, 790), (560, 790)], GLOW, alpha=0.16)
    for shift in (0, 34):
        pen.tube([(372 + shift, 724), (290 + shift, 440)], 15, look.colour)
        pen.tube([(296 + shift, 440), (600 + shift, 270 + shift / 3)], 15, look.colour)
    for step in range(8):
        x, y = 402 - step * 5, 690 - step * 17
        pen.line([(x - 16, y), (x + 16, y - 7)], 6, METAL)
    pen.oval(312, 440, 34, 34, look.second, shade=8, glow=5)
    head = pen.at(690, 320, 1, -20)
    head.fill(outline("455,420 545,420 580,470 640,590 360,590 420,470"), look.colour, shade=20, glow=12)
    head.oval(500, 588, 140, 26, GLOW)
    head.oval(500, 596, 56, 26, WHITE)
    head.box((464, 366, 536, 424), 12, look.second, shade=8)
    pen.oval(622, 278, 26, 26, look.second, shade=6)


def _pendant(pen: Pen, look: Look) -> None:
    pen.line([(500, -40), (500, 300)], 11, "#3a3330")
    pen.fill([(250, 560), (750, 560), (960, 1010), (40, 1010)], GLOW, alpha=0.2)
    turned(pen, 500, [(270, 34), (300, 44), (360, 52)], BRASS)
    body = Turned(pen, 500, [(350, 54), (390, 80), (430, 170), (500, 268), (566, 300)], look.colour)
    body.shade()
    pen.fill(oval(500, 566, 300, 51), light(look.colour, 0.4))
    pen.fill(oval(500, 568, 288, 46), look.second)
    with pen.clip(oval(500, 568, 288, 46)) as inside:
        inside.oval(500, 590, 76, 56, WHITE)
        inside.fill(oval(420, 552, 300, 50), dark(look.second, 0.2), alpha=0.25)
    pen.oval(500, 606, 58, 50, WHITE, alpha=0.9)
    pen.oval(500, 606, 120, 110, GLOW, alpha=0.28)


def _table(pen: Pen, look: Look) -> None:
    pen.oval(500, 440, 330, 290, GLOW, alpha=0.28)
    turned(pen, 500, [(730, 90), (752, 160), (790, 186), (800, 188)], look.colour)
    turned(pen, 500, [(520, 30), (600, 34), (680, 52), (740, 92)], look.colour)
    pen.oval(590, 768, 20, 12, BRASS, shade=4)
    dome = Turned(pen, 500, [(262, 12), (290, 110), (370, 196), (470, 246), (540, 262)], look.second)
    dome.band(512, 600, look.colour)
    dome.shade(gloss=0.7, depth=0.1)
    turned(pen, 500, [(236, 14), (250, 22), (268, 14)], look.colour)


def candle(pen: Pen, look: Look) -> None:
    if look.form == "stick":
        for x, top, size in ((320, 250, 1.0), (500, 150, 1.0), (680, 320, 1.0)):
            turned(pen, x, [(top, 20), (top + 20, 22), (640, 30)], look.colour, gloss=0.5)
            turned(pen, x, points("636,44 650,34 690,30 740,24 776,70 800,76"), look.second)
            pen.line([(x, top), (x, top - 14)], 5, "#3a2d24")
            flame(pen, x, top - 8, 0.72 * size)
        return
    if look.form == "pillar":
        body = Turned(pen, 500, [(330, 128), (780, 130)], look.colour, sharp=True)
        body.shade(gloss=0.3)
        body.mouth(16, inside=light(look.colour, 0.3))
        pen.taper([(420, 344), (416, 420), (420, 486)], (26, 24, 34), light(look.colour, 0.22))
        pen.taper([(560, 352), (563, 400), (562, 436)], (22, 18, 28), light(look.colour, 0.12))
        pen.line([(500, 332), (500, 300)], 7, "#3a2d24")
        flame(pen, 500, 308, 1.2)
        return
    pen.oval(500, 420, 230, 170, GLOW, alpha=0.25)
    body = Turned(pen, 500, [(400, 176), (600, 182), (760, 176), (800, 156)], look.colour)
    body.band(400, 470, mix(look.colour, GLOW, 0.35))
    body.shade(gloss=0.6)
    pen.fill(body.part(-0.55, 0.45, 560, 720), look.second)
    pen.box((440, 640, 540, 650), 3, look.colour)
    pen.box((455, 672, 525, 680), 3, look.colour)
    body.mouth(10, inside=dark(look.colour, 0.1), filled="#f7e7bd", level=0.25)
    pen.line([(500, 408), (500, 380)], 6, "#3a2d24")
    flame(pen, 500, 388)


def matches(pen: Pen, look: Look) -> None:
    for step in range(15):
        x = 420 + step * 11
        top = 400 + look.draw.uniform(-34, 30)
        lean = look.draw.uniform(-16, 16)
        pen.line([(x, 770), (x + lean, top)], 10, light(look.second, 0.12 * (step % 3)))
        pen.oval(x + lean, top, 11, 20, look.colour, shade=4, glow=3)
    Turned(pen, 500, points("250,78 290,80 330,128 500,134 780,134 800,124"), GLASS, alpha=0.36)
    pen.fill(box(388, 380, 406, 720, 9), WHITE, alpha=0.75)
    label = Turned(pen, 500, [(560, 135), (700, 135)], WHITE, sharp=True)
    label.shade(gloss=0, depth=0.1)
    pen.box((440, 640, 560, 652), 4, look.colour)
    pen.box((465, 675, 535, 683), 3, look.colour)
    turned(pen, 500, [(186, 74), (262, 68)], WOOD, gloss=0.2)
    pen.oval(500, 186, 74, 13, light(WOOD, 0.3))


def lighthouse(pen: Pen, look: Look) -> None:
    for angle in (0, 1):
        side = 1 if angle else -1
        pen.fill([(500, 268), (500 + side * 900, 110), (500 + side * 900, 470)], GLOW, alpha=0.3)
    tower = Turned(pen, 500, [(340, 84), (560, 106), (740, 130), (800, 136)], WHITE, sharp=True)
    tower.band(420, 520, look.colour)
    tower.band(620, 720, look.colour)
    tower.shade(gloss=0.3)
    pen.box((478, 560, 512, 604), 14, dark(look.second, 0.5))
    pen.fill([*arc(500, 790, 34, 60, 180, 360), (534, 812), (466, 812)], dark(look.colour, 0.4))
    turned(pen, 500, [(326, 116), (350, 112)], look.colour)
    Turned(pen, 500, [(226, 62), (326, 62)], look.second, sharp=True)
    pen.oval(500, 280, 40, 44, WHITE)
    for f in (-0.9, -0.3, 0.3, 0.9):
        pen.line([(500 + f * 62, 228), (500 + f * 62, 332)], 6, dark(look.colour, 0.45))
    turned(pen, 500, [(150, 8), (190, 54), (232, 78)], look.colour)
    pen.oval(500, 146, 13, 13, BRASS, shade=3)

"""Soap, oils and towels."""

from __future__ import annotations

from deploy.demo.drawing.curves import arc, box, leaf, outline, oval, points
from deploy.demo.drawing.lathe import Turned, turned
from deploy.demo.drawing.look import Look
from deploy.demo.drawing.pen import Pen
from deploy.demo.drawing.tones import CREAM, DEEP, WHITE, WOOD, dark, light, mix


def bar(pen: Pen, corners: tuple[float, float, float, float], colour: str, depth: float = 60) -> None:
    """A block seen a little from above: its top, then its front."""
    x0, y0, x1, y1 = corners
    pen.fill(box(x0, y0 - depth, x1, y1, 34), light(colour, 0.25))
    pen.fill(box(x0, y0, x1, y1, 30), colour, shade=16, glow=7)


def soap(pen: Pen, look: Look) -> None:
    {"bar": _bar, "round": _round, "stack": _stack, "leaf": _leaf, "bowl": _bowl}[look.form](pen, look)


def _dish(pen: Pen, colour: str) -> None:
    for step in range(5):
        x = 230 + step * 122
        pen.box((x, 742, x + 84, 776), 10, colour, shade=8)
    pen.box((200, 770, 800, 802), 14, dark(colour, 0.15), shade=10)


def _bar(pen: Pen, look: Look) -> None:
    _dish(pen, WOOD)
    bar(pen, (240, 560, 760, 746), look.colour, 96)
    for _ in range(70):
        x, y = look.draw.uniform(262, 740), look.draw.uniform(480, 730)
        pen.oval(x, y, look.draw.uniform(3, 7), look.draw.uniform(2, 5), look.draw.choice((look.second, CREAM)))
    pen.line([(330, 514), (670, 514)], 9, dark(look.colour, 0.16))
    pen.line([(390, 538), (610, 538)], 7, dark(look.colour, 0.16))
    for x, y, r in ((790, 690, 34), (838, 740, 22), (760, 640, 18), (218, 720, 24)):
        pen.oval(x, y, r, r, WHITE, alpha=0.65)
        pen.oval(x - r * 0.3, y - r * 0.3, r * 0.3, r * 0.3, WHITE)


def _round(pen: Pen, look: Look) -> None:
    disc = pen.at(500, 520)
    disc.fill(oval(520, 534, 262), dark(look.colour, 0.28))
    disc.fill(oval(496, 506, 262), look.colour, shade=20, glow=12)
    disc.fill(oval(496, 506, 206), dark(look.colour, 0.09))
    disc.fill(oval(500, 510, 202), light(look.colour, 0.12))
    disc.curve([(500, 680), (495, 520), (500, 360)], 9, look.second)
    for step in range(5):
        y = 590 - step * 48
        for angle in (-42, -138):
            disc.fill(leaf(498, y, 78, 34, angle), look.second, shade=4)
    disc.fill(leaf(499, 380, 74, 32, -90), look.second, shade=4)


def _stack(pen: Pen, look: Look) -> None:
    for step, shift in enumerate((0, 26, -14)):
        y = 680 - step * 118
        bar(pen, (250 + shift, y, 750 + shift, y + 116), mix(look.colour, look.second, 0.12 * step), 44)
    for x in (430, 450):
        pen.line([(x + 6, 404), (x, 796)], 6, "#d9c39a")
    pen.curve(points("440,420 380,350 340,390 440,424 540,350 560,400 440,424"), 7, "#d9c39a")
    pen.fill(leaf(470, 410, 150, 40, -24), look.second, shade=5)
    pen.fill(leaf(460, 420, 130, 36, -2), dark(look.second, 0.2), shade=5)


def _leaf(pen: Pen, look: Look) -> None:
    turned(pen, 500, [(760, 270), (784, 250), (802, 190)], "#d9d4c6", gloss=0.3)
    pen.oval(500, 760, 270, 46, light("#d9d4c6", 0.4))
    body = turned(pen, 500, [(600, 208), (640, 226), (720, 226), (758, 206)], look.colour, gloss=0.35)
    pen.fill(oval(500, body.top[0], 208, 36), light(look.colour, 0.25))
    pen.curve([(330, 590), (520, 520), (740, 380)], 10, look.second)
    for step in range(9):
        x, y = 370 + step * 40, 575 - step * 21
        pen.fill(leaf(x, y, 80, 18, -82), look.second)
        pen.fill(leaf(x, y, 72, 18, 32), dark(look.second, 0.15))


def _bowl(pen: Pen, look: Look) -> None:
    handle = pen.at(610, 330, 1, 24)
    handle.fill(outline("440,480 560,480 576,640 500,700 424,640"), "#efe3cb", shade=12)
    for x in range(440, 570, 16):
        handle.line([(x, 500), (500 + (x - 500) * 1.15, 640)], 4, "#cdbb98")
    handle.box((452, 440, 548, 496), 10, dark(look.second, 0.2), shade=8)
    handle.fill(outline("466,446 534,446 546,330 520,250 480,250 454,330"), look.second, shade=12, glow=7)
    body = Turned(pen, 480, [(570, 262), (650, 256), (750, 190), (800, 150)], look.second, tilt=0.2)
    body.shade()
    body.mouth(14, filled=look.colour, level=0.1)
    for x, y, r in ((400, 560, 40), (460, 548, 50), (530, 560, 44), (590, 566, 30), (350, 568, 26)):
        pen.oval(x, y, r, r * 0.55, WHITE, shade=4)


def bottle(pen: Pen, look: Look) -> None:
    {"pump": _pump, "dropper": _dropper, "oil": _oil, "vinegar": _vinegar, "bidon": _bidon}[look.form](pen, look)


def _label(pen: Pen, body: Turned, y0: float, y1: float, paper: str, ink: str) -> None:
    pen.fill(body.part(-0.72, 0.66, y0, y1), paper)
    middle, height = body.cx - 8, y1 - y0
    pen.box((middle - 62, y0 + height * 0.42, middle + 62, y0 + height * 0.52), 5, ink)
    pen.box((middle - 38, y0 + height * 0.64, middle + 38, y0 + height * 0.71), 4, ink)


def _pump(pen: Pen, look: Look) -> None:
    pen.tube([(500, 260), (500, 160), (400, 160), (352, 176), (346, 210)], 28, DEEP)
    turned(pen, 500, [(250, 56), (270, 64), (320, 64)], "#2a2733")
    body = Turned(pen, 500, points("320,62 360,100 420,158 520,164 780,164 800,150"), look.colour)
    body.shade(gloss=0.5)
    _label(pen, body, 500, 710, look.second, dark(look.colour, 0.4))


def _dropper(pen: Pen, look: Look) -> None:
    turned(pen, 500, [(200, 26), (230, 44), (330, 46), (350, 40)], look.second)
    turned(pen, 500, [(340, 62), (420, 64)], mix(look.second, CREAM, 0.25))
    body = Turned(pen, 500, points("420,58 450,80 500,150 580,158 780,158 800,146"), look.colour)
    body.band(420, 520, light(look.colour, 0.5))
    body.shade(gloss=0.6)
    _label(pen, body, 590, 730, WHITE, look.second)
    pen.fill(outline("720,700 742,752 722,786 700,752"), look.colour, shade=5, glow=4)


def _oil(pen: Pen, look: Look) -> None:
    turned(pen, 500, [(100, 38), (170, 40)], "#3a3226")
    body = Turned(pen, 500, points("170,34 300,36 370,70 430,116 520,120 784,120 800,108"), look.colour)
    body.band(170, 260, light(look.colour, 0.55))
    body.shade(gloss=0.65)
    _label(pen, body, 510, 700, CREAM, look.second)
    pen.fill(leaf(470, 570, 84, 30, -30), look.second)
    pen.fill(leaf(480, 570, 84, 30, -150), look.second)


def _vinegar(pen: Pen, look: Look) -> None:
    turned(pen, 500, [(216, 44), (300, 40)], WOOD, gloss=0.2)
    turned(pen, 500, [(290, 52), (420, 56)], look.colour)
    pen.box((310, 400, 690, 802), 70, look.colour, shade=24, glow=12)
    pen.fill(box(310, 400, 690, 520, 70), light(look.colour, 0.22), alpha=0.6)
    pen.box((340, 470, 358, 740), 9, WHITE, alpha=0.7)
    pen.box((390, 560, 650, 740), 8, look.second, shade=6)
    pen.oval(520, 620, 38, 38, "#b5432f", shade=7, glow=4)
    pen.fill(leaf(524, 586, 46, 18, -40), "#5d7a3a")
    pen.box((450, 680, 590, 694), 5, look.colour)


def _bidon(pen: Pen, look: Look) -> None:
    turned(pen, 500, [(150, 22), (170, 30), (230, 34)], "#2b2b2e")
    turned(pen, 500, [(224, 60), (260, 116), (330, 130), (344, 130)], look.second)
    body = Turned(pen, 500, points("340,126 400,134 440,118 480,118 520,138 780,138 800,122"), look.colour)
    body.band(540, 600, look.second)
    body.band(614, 626, look.second)
    body.band(700, 720, look.second)
    body.shade(gloss=0.6)


def towel(pen: Pen, look: Look) -> None:
    for step, tone in enumerate((look.colour, light(look.colour, 0.5), look.colour)):
        y = 690 - step * 118
        fold = box(190, y - 4, 800, y + 112, 56)
        pen.fill(fold, tone, shade=18, glow=8)
        with pen.clip(fold) as linen:
            for x in (640, 690):
                linen.box((x, y - 20, x + 26, y + 130), 0, look.second)
            for row in range(6):
                for column in range(18):
                    linen.box(
                        (214 + column * 23, y + 10 + row * 17, 226 + column * 23, y + 18 + row * 17),
                        3,
                        dark(tone, 0.07),
                    )
        pen.curve(arc(250, y + 54, 44, 34, 90, 270), 6, dark(tone, 0.2))
        pen.line([(250, y + 54), (780, y + 54)], 5, dark(tone, 0.16))

"""What grows, and what it grows in."""

from __future__ import annotations

import math

from deploy.demo.drawing.curves import along, arc, box, leaf, outline, oval
from deploy.demo.drawing.lathe import Turned, turned
from deploy.demo.drawing.look import Look
from deploy.demo.drawing.pen import Pen
from deploy.demo.drawing.tones import CREAM, GLASS, WHITE, dark, light, mix

SOIL = "#3f2f26"
STEM = "#4d6b36"


def plant(pen: Pen, look: Look) -> None:
    drawings = {"fern": _fern, "succulent": _succulent, "monstera": _monstera, "herb": _herb, "tree": _tree}
    drawings[look.form](pen, look)


def _pot(pen: Pen, colour: str, *, top: float = 590, radius: float = 150, cx: float = 500) -> None:
    """A flowerpot that stands at 800, with soil in it."""
    body = Turned(pen, cx, [(top + 50, radius * 0.9), (800, radius * 0.64)], colour, sharp=True)
    body.shade(gloss=0.25)
    rim = Turned(pen, cx, [(top, radius), (top + 60, radius * 0.97)], colour, sharp=True)
    rim.shade(gloss=0.25)
    rim.mouth(14, inside=dark(colour, 0.4), filled=SOIL, level=0.2)


def _fern(pen: Pen, look: Look) -> None:
    _pot(pen, look.second)
    for step, (angle, length) in enumerate(
        ((-160, 330), (-20, 330), (-140, 400), (-40, 400), (-118, 440), (-62, 440), (-90, 460), (-172, 250), (-8, 250))
    ):
        tip = along(500, 590, length, angle)
        bend = along(500, 590, length * 0.55, angle + (90 + angle) * -0.16)
        droop = (tip[0], tip[1] + abs(math.cos(math.radians(angle))) * 120)
        tone = mix(look.colour, "#b8d36b", 0.1 + 0.1 * (step % 3)) if step % 2 else dark(look.colour, 0.1)
        pen.taper([(500, 596), bend, droop], (26, 66, 6), tone, shade=8)
        pen.curve([(500, 596), bend, droop], 5, light(tone, 0.35))


def _succulent(pen: Pen, look: Look) -> None:
    body = Turned(pen, 500, [(610, 290), (690, 280), (770, 210), (800, 180)], look.second)
    body.shade()
    body.mouth(14, filled=SOIL, level=0.15)
    for cx, cy, size, tone in (
        (610, 540, 130, "#a8574f"),
        (380, 560, 140, look.colour),
        (500, 600, 120, mix(look.colour, "#8fb8b0", 0.5)),
    ):
        for ring, count in ((1.0, 11), (0.72, 9), (0.42, 6)):
            for step in range(count):
                angle = 360 * step / count + ring * 40
                x, y = (
                    cx + math.cos(math.radians(angle)) * size * 0.12,
                    cy + math.sin(math.radians(angle)) * size * 0.09,
                )
                reach = size * ring * (1 if math.sin(math.radians(angle)) < 0.4 else 0.82)
                pen.fill(leaf(x, y, reach, size * 0.5 * ring, angle), mix(tone, CREAM, 0.42 * (1 - ring)), shade=5)


def _monstera(pen: Pen, look: Look) -> None:
    _pot(pen, look.second, top=620, radius=140)
    for x, y, size, angle in (
        (330, 330, 150, -30),
        (680, 300, 170, 28),
        (500, 190, 160, 0),
        (400, 470, 110, -60),
        (620, 480, 110, 56),
    ):
        pen.curve([(500, 620), ((500 + x) / 2, (620 + y) / 2 + 40), (x, y + size * 0.3)], 12, STEM)
        _split_leaf(pen.at(x, y, size / 150, angle), mix(look.colour, "#9ccf7a", 0.15 if size > 140 else 0))


def _split_leaf(pen: Pen, colour: str) -> None:
    green_edge = outline("500,620 400,600 340,500 370,380 460,320 500,280 500,280 540,320 630,380 660,500 600,600")
    pen.fill(green_edge, colour, shade=12, glow=6)
    with pen.clip(green_edge) as green:
        green.fill([(500, 260), (700, 260), (700, 660), (500, 640)], dark(colour, 0.2), alpha=0.6)
    pen.line([(500, 610), (500, 300)], 6, light(colour, 0.4))
    for side in (-1, 1):
        for step in range(3):
            y = 560 - step * 72
            pen.curve([(500, y + 10), (500 + side * 70, y - 20), (500 + side * 130, y - 24)], 4, light(colour, 0.4))
            pen.oval(500 + side * 62, y - 44, 20, 9, dark(colour, 0.5))


def _herb(pen: Pen, look: Look) -> None:
    _pot(pen, "#c0714a", top=600, radius=170)
    for _ in range(74):
        foot = 500 + look.draw.uniform(-110, 110)
        top = look.draw.uniform(200, 380)
        lean = (foot - 500) * 1.3 + look.draw.uniform(-30, 30)
        tone = mix(look.colour, look.draw.choice(("#2f5a2a", "#b5d36a")), look.draw.uniform(0, 0.4))
        pen.taper([(foot, 606), (foot + lean * 0.25, 450), (500 + lean * 1.5, top)], (11, 11, 3), tone)
    for x, y in ((380, 240), (460, 170), (560, 205), (640, 270), (510, 270)):
        pen.curve([(500 + (x - 500) * 0.3, 560), (x, y)], 7, STEM)
        for step in range(20):
            end = along(x, y, 42, step * 18)
            pen.line([(x, y), end], 8, light(look.second, 0.15 * (step % 3)))
        pen.oval(x - 6, y - 8, 17, 17, light(look.second, 0.5), alpha=0.7)


def _tree(pen: Pen, look: Look) -> None:
    _pot(pen, look.second, top=640, radius=130)
    pen.taper([(500, 650), (506, 480), (500, 380)], (26, 20, 20), "#7a5a3c", shade=7)
    pen.oval(500, 270, 210, 210, look.colour, shade=30)
    for _ in range(230):
        angle, reach = look.draw.uniform(0, 360), 204 * math.sqrt(look.draw.random())
        x, y = along(500, 270, reach, angle)
        lit = (500 - x + 270 - y) / 420
        tone = light(look.colour, 0.3 * lit + 0.1) if lit > 0 else dark(look.colour, -0.4 * lit)
        pen.fill(leaf(x, y, 54, 24, look.draw.uniform(0, 360)), tone)


def tulips(pen: Pen, look: Look) -> None:
    for x, angle, length in ((330, -112, 300), (690, -64, 320), (560, -84, 360), (440, -104, 330)):
        pen.fill(leaf(x, 800, length * 1.25, 74, angle), mix(STEM, "#7fa65a", 0.4), shade=8)
    for x, foot, top, size in (
        (300, 390, 330, 0.9),
        (690, 600, 300, 0.95),
        (590, 540, 430, 0.8),
        (420, 450, 440, 0.8),
        (500, 500, 220, 1.05),
    ):
        pen.curve([(foot, 800), ((foot + x) / 2, (800 + top) / 2), (x, top)], 13, STEM)
        _tulip(pen.at(x, top - 30, size, (x - 500) / 14), look)
    pen.oval(500, 800, 210, 28, SOIL)
    pen.oval(480, 794, 150, 16, light(SOIL, 0.12))


def _tulip(pen: Pen, look: Look) -> None:
    pen.fill(leaf(500, 560, 190, 110, -118), dark(look.colour, 0.14))
    pen.fill(leaf(500, 560, 190, 110, -62), dark(look.colour, 0.2))
    pen.fill(leaf(500, 565, 175, 96, -90), look.second)
    pen.fill(outline("500,580 430,540 420,450 448,390 490,470 505,540"), look.colour, glow=9)
    pen.fill(outline("500,580 570,540 580,450 552,390 510,470 495,540"), look.colour, shade=12)
    pen.fill(leaf(500, 584, 150, 70, -90), mix(look.colour, look.second, 0.25))


def packet(pen: Pen, look: Look) -> None:
    back = pen.at(560, 480, 0.96, 12)
    back.box((290, 190, 710, 810), 10, dark(look.second, 0.1), shade=10)
    pen.box((290, 190, 710, 810), 10, WHITE, shade=10)
    pen.box((290, 190, 710, 330), 10, look.second)
    pen.line([(290, 214), (710, 214)], 5, light(look.second, 0.5))
    pen.box((350, 256, 650, 274), 6, CREAM)
    pen.box((410, 290, 590, 302), 5, CREAM)
    with pen.clip(box(314, 346, 686, 786, 6)) as picture:
        picture.box((300, 340, 700, 800), 0, mix(look.colour, WHITE, 0.55))
        if look.motif == "flower":
            _flower(picture, look)
        else:
            _kale(picture, look)
    for _ in range(9):
        pen.oval(look.draw.uniform(180, 300), look.draw.uniform(820, 880), 11, 7, SOIL, glow=2)


def _flower(pen: Pen, look: Look) -> None:
    pen.curve([(500, 800), (490, 680), (500, 560)], 14, STEM)
    pen.fill(leaf(496, 740, 130, 60, -30), STEM)
    pen.fill(leaf(496, 760, 120, 56, -150), STEM)
    for step in range(12):
        pen.fill(leaf(500, 530, 118, 46, step * 30), look.colour if step % 2 else dark(look.colour, 0.12))
    pen.oval(500, 530, 42, 42, "#6a4322", shade=6)
    pen.at(620, 430, 0.5, -20).oval(500, 500, 74, 48, "#e8b530", shade=10)
    bee = pen.at(620, 430, 0.5, -20)
    for x in (475, 515):
        bee.box((x, 456, x + 20, 544), 8, "#2b2320")
    bee.oval(500, 440, 50, 30, WHITE, alpha=0.8)


def _kale(pen: Pen, look: Look) -> None:
    for angle, length in ((-150, 180), (-30, 180), (-120, 230), (-60, 230), (-90, 260)):
        tip = along(500, 760, length, angle)
        for step in range(9):
            x, y = along(tip[0], tip[1], 56, step * 40 + angle)
            pen.oval(x, y, 34, 34, mix(look.colour, "#2c4d3a", 0.12 * (step % 3)), shade=5)
        pen.oval(tip[0], tip[1], 62, 62, look.colour)
        pen.line([(500, 780), tip], 12, light(look.colour, 0.55))


def pots(pen: Pen, look: Look) -> None:
    for cx, height, radius, tone in (
        (650, 330, 104, dark(look.colour, 0.08)),
        (360, 400, 120, look.colour),
        (530, 270, 96, light(look.colour, 0.14)),
    ):
        top = 800 - height + (30 if cx == 530 else 0)
        foot = 800 + (40 if cx == 530 else 0)
        body = Turned(pen, cx, [(top + 44, radius * 0.9), (foot, radius * 0.68)], tone, sharp=True)
        body.band(foot - 66, foot - 58, look.second)
        body.shade(gloss=0.22)
        rim = Turned(pen, cx, [(top, radius), (top + 52, radius * 0.96)], tone, sharp=True)
        rim.shade(gloss=0.22)
        rim.mouth(12, inside=look.second)


def cloche(pen: Pen, look: Look) -> None:
    pen.oval(500, 796, 300, 46, SOIL)
    for angle, length in ((-165, 150), (-15, 150), (-140, 190), (-40, 190), (-115, 210), (-65, 210), (-90, 190)):
        tip = along(500, 770, length * 0.6, angle)
        for step in range(8):
            x, y = along(tip[0], tip[1], 46, step * 45)
            pen.oval(x, y, 32, 30, mix(look.second, "#d3e07c", 0.2 + 0.12 * (step % 3)), shade=5)
        pen.oval(tip[0], tip[1], 54, 50, light(look.second, 0.15))
        pen.line([(500, 790), tip], 9, light(look.second, 0.6))
    dome = Turned(pen, 500, [(300, 36), (330, 130), (430, 212), (600, 246), (790, 262)], GLASS, alpha=0.4)
    pen.fill(dome.part(0.55, 1), look.colour, alpha=0.45)
    pen.fill(dome.part(-0.84, -0.66, 380, 700), WHITE, alpha=0.8)
    pen.fill(dome.part(-0.58, -0.52, 400, 560), WHITE, alpha=0.6)
    pen.curve(arc(500, 790, 262, 45, 0, 180), 8, light(look.colour, 0.4))
    turned(pen, 500, [(236, 20), (256, 40), (284, 34), (306, 22)], look.colour)


def basket(pen: Pen, look: Look) -> None:
    pen.tube([(230, 560), (300, 250), (500, 180), (700, 250), (770, 560)], 28, look.second)
    body = Turned(pen, 500, [(560, 300), (680, 270), (800, 214)], look.colour)
    with pen.clip(body.part(-1, 1)) as willow:
        for row in range(9):
            for column in range(17):
                x = 190 + column * 38 + (19 if row % 2 else 0)
                y = 575 + row * 31 + 46 * math.sqrt(max(0.0, 1 - ((x - 500) / 310) ** 2))
                tone = (look.colour, light(look.colour, 0.3), mix(look.colour, look.second, 0.5))[
                    (row + column // 3) % 3
                ]
                willow.fill(oval(x, y, 23, 13), tone, shade=5)
    body.shade(gloss=0)
    body.mouth(22, inside=dark(look.second, 0.35))
    for x, y, r, tone in ((400, 545, 60, "#c8452f"), (560, 552, 56, "#7d9a3c"), (490, 530, 62, "#d8902f")):
        with pen.clip([(200, 300), (800, 300), (800, 560), *arc(500, 560, 278, 46, 0, 180)]) as inside:
            inside.oval(x, y, r, r, tone, shade=12, glow=8)

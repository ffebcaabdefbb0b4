"""Toys that go, spin, float and fly."""

from __future__ import annotations

import math

from deploy.demo.drawing.curves import arc, leaf, outline, oval, points
from deploy.demo.drawing.lathe import Turned, turned
from deploy.demo.drawing.look import Look
from deploy.demo.drawing.pen import Pen
from deploy.demo.drawing.tones import BRASS, CREAM, WHITE, WOOD, dark, light, mix


def kite(pen: Pen, look: Look) -> None:
    flying = pen.at(540, 430, 1.02, 18)
    flying.curve([(500, 800), (420, 880), (520, 960), (400, 1040), (470, 1120)], 8, dark(look.colour, 0.2))
    for step, (x, y) in enumerate(((448, 846), (500, 926), (430, 1000))):
        for side in (0, 180):
            flying.fill(leaf(x, y, 74, 60, side + 20), look.second if step % 2 else look.colour, shade=6)
    corners = (500, 120), (770, 380), (500, 810), (230, 380)
    top, right, bottom, left = corners
    middle = (500, 380)
    flying.fill([top, right, middle], dark(look.colour, 0.14))
    flying.fill([left, top, middle], look.colour)
    flying.fill([left, middle, bottom], look.second)
    flying.fill([middle, right, bottom], dark(look.second, 0.14))
    flying.line([top, bottom], 9, WOOD)
    flying.line([left, right], 9, WOOD)
    flying.oval(500, 380, 74, 74, CREAM, shade=8)
    for step in range(8):
        flying.fill(leaf(500, 380, 64, 26, step * 45), look.colour)
    flying.oval(500, 380, 22, 22, look.second)
    pen.curve([(520, 440), (380, 700), (200, 860), (-40, 960)], 4, "#6b5b66")


def top(pen: Pen, look: Look) -> None:
    spinning = pen.at(500, 500, 1, 9)
    if look.form == "wood":
        body = Turned(spinning, 500, points("420,90 450,196 520,220 620,170 740,60 776,22"), look.second)
        body.band(470, 520, look.colour)
        body.band(540, 556, look.colour)
        body.shade()
        spinning.fill(oval(500, 420, 90, 15), light(look.second, 0.35))
        turned(spinning, 500, [(330, 22), (350, 34), (420, 30)], look.colour)
        turned(spinning, 500, [(770, 20), (812, 4)], BRASS)
        pen.curve(points("740,810 820,760 900,800 840,850 760,830 800,780"), 9, "#e9dcc0")
        return
    turned(spinning, 500, [(130, 30), (160, 52), (200, 50), (226, 26)], WOOD)
    spinning.tube([(500, 220), (500, 420)], 20, BRASS)
    body = Turned(spinning, 500, points("400,60 440,190 520,282 590,296 670,230 760,90 780,30"), look.colour)
    body.band(470, 500, CREAM)
    body.band(540, 640, look.second)
    body.band(700, 724, CREAM)
    for step in range(7):
        f = -0.84 + step * 0.28
        spinning.fill(leaf(*body.on(f, 606, 286), 52, 34, -90), CREAM)
    body.shade()
    turned(spinning, 500, [(384, 40), (404, 64)], BRASS)
    turned(spinning, 500, [(772, 26), (806, 6)], BRASS)
    for radius in (340, 390):
        pen.curve(arc(500, 620, radius, radius * 0.3, 20, 70), 6, light(look.colour, 0.5))
        pen.curve(arc(500, 560, radius, radius * 0.3, 200, 240), 6, light(look.colour, 0.5))


def boat(pen: Pen, look: Look) -> None:
    if look.form == "tug":
        _tug(pen, look)
        return
    pen.line([(500, 700), (500, 90)], 16, WOOD)
    pen.fill(
        outline("516,120 516,120 700,330 790,600 790,600 640,616 516,606 516,606"),
        look.second,
        shade=16,
    )
    pen.fill(
        outline("482,170 482,170 380,360 250,600 250,600 370,612 482,600 482,600"),
        dark(look.second, 0.07),
        shade=12,
    )
    for y in (300, 400, 500):
        pen.curve([(518, y), (600, y + 12), (560 + y * 0.36, y + 4)], 3, dark(look.second, 0.2))
    pen.fill([(500, 90), (590, 112), (500, 140)], "#c8362f")
    hull = outline("170,640 170,640 500,668 850,630 850,630 780,740 640,790 380,790 240,740")
    pen.fill(hull, look.colour, shade=22, glow=10)
    with pen.clip(hull) as side:
        side.curve([(150, 672), (500, 704), (860, 662)], 14, WHITE)
        side.box((100, 752, 900, 820), 0, dark(look.colour, 0.4))
    pen.curve([(170, 640), (500, 668), (850, 630)], 16, WOOD)
    pen.taper([(500, 780), (500, 806)], (180, 120), dark(look.colour, 0.5))


def _tug(pen: Pen, look: Look) -> None:
    turned(pen, 560, [(260, 58), (470, 66)], look.second).band(290, 330, dark(look.colour, 0.5))
    pen.oval(560, 260, 58, 10, dark(look.second, 0.5))
    for x, y, r in ((600, 190, 44), (660, 140, 56), (740, 110, 40)):
        pen.oval(x, y, r, r, WHITE, alpha=0.75)
    pen.box((330, 440, 700, 640), 26, CREAM, shade=16, glow=8)
    pen.box((310, 416, 720, 462), 18, look.colour, shade=9, glow=5)
    for x in (420, 520, 620):
        pen.oval(x, 540, 36, 36, WOOD, shade=5)
        pen.oval(x, 540, 25, 25, "#8fc3d6", glow=5)
    hull = outline("140,600 140,600 400,640 720,630 880,560 880,560 850,720 760,800 760,800 240,800 240,800 170,720")
    pen.fill(hull, look.colour, shade=24, glow=12)
    with pen.clip(hull) as side:
        side.box((100, 740, 900, 820), 0, dark(look.colour, 0.35))
        side.curve([(130, 636), (400, 676), (720, 668), (890, 600)], 16, look.second)
    for x in (330, 480, 630):
        pen.oval(x, 716, 27, 27, "#2c2a30", glow=5)
        pen.oval(x, 716, 11, 11, dark(look.colour, 0.35))


def blocks(pen: Pen, look: Look) -> None:
    _block(pen.at(340, 660, 1, -2), look.colour, "A")
    _block(pen.at(650, 664, 1, 2), look.second, "B")
    _block(pen.at(500, 398, 1, 6), "#c8452f", "C")


def _block(pen: Pen, colour: str, letter: str) -> None:
    wood = "#ecd2a2"
    pen.fill([(370, 390), (410, 346), (670, 346), (630, 390)], light(wood, 0.4))
    pen.fill([(630, 390), (670, 346), (670, 600), (630, 644)], dark(wood, 0.25))
    pen.box((370, 388, 632, 646), 12, wood, shade=8, glow=5)
    pen.box((396, 414, 606, 620), 10, colour)
    pen.box((410, 428, 592, 606), 8, light(wood, 0.4))
    if letter == "A":
        pen.line([(446, 580), (501, 450), (556, 580)], 24, colour)
        pen.line([(470, 540), (532, 540)], 20, colour)
    elif letter == "B":
        pen.line([(456, 458), (456, 576)], 26, colour)
        pen.curve([(456, 458), (530, 464), (530, 506), (462, 514)], 22, colour)
        pen.curve([(462, 514), (548, 522), (548, 570), (456, 576)], 22, colour)
    else:
        pen.line(arc(504, 517, 56, 62, 46, 314), 26, colour)


def train(pen: Pen, look: Look) -> None:
    for x, y, r in ((270, 200, 50), (210, 140, 66), (120, 90, 46)):
        pen.oval(x, y, r, r, WHITE, alpha=0.7)
    pen.box((130, 640, 870, 706), 18, dark(look.colour, 0.35), shade=10)
    pen.box((190, 440, 620, 650), 90, look.colour, shade=24, glow=14)
    for x in (320, 470):
        pen.box((x, 440, x + 20, 650), 4, BRASS, shade=4)
    pen.fill([(250, 450), (340, 450), (356, 290), (234, 290)], dark(look.colour, 0.3), shade=10)
    pen.box((222, 262, 368, 302), 12, look.second, shade=8, glow=5)
    pen.fill(arc(440, 446, 50, 56, 180, 360), BRASS, shade=8, glow=5)
    pen.box((590, 320, 830, 650), 16, look.colour, shade=16, glow=8)
    pen.box((636, 390, 784, 510), 14, CREAM, shade=5)
    pen.box((560, 284, 860, 334), 20, look.second, shade=10, glow=6)
    pen.fill([(130, 640), (130, 760), (70, 780), (110, 640)], look.second, shade=6)
    for x, r in ((270, 74), (440, 74), (690, 104)):
        cy = 806 - r
        pen.oval(x, cy, r, r, look.second, shade=13, glow=7)
        pen.oval(x, cy, r * 0.68, r * 0.68, mix(look.second, CREAM, 0.75))
        for step in range(6):
            angle = math.radians(step * 30 + 10)
            dx, dy = r * 0.66 * math.cos(angle), r * 0.66 * math.sin(angle)
            pen.line([(x - dx, cy - dy), (x + dx, cy + dy)], 10, look.second)
        pen.oval(x, cy, r * 0.2, r * 0.2, BRASS, shade=4)
    pen.tube([(270, 740), (440, 740), (690, 726)], 18, BRASS)
    pen.oval(190, 545, 22, 40, BRASS, shade=5)


def ball(pen: Pen, look: Look) -> None:
    round_ = oval(500, 520, 284)
    pen.fill(round_, CREAM)
    with pen.clip(round_) as leather:
        tones = (look.colour, CREAM, look.second, "#f2c14e")
        xs = (-284, -230, -90, 110, 240, 284)
        for step in range(5):
            left = [
                (500 + xs[step] * math.cos(math.radians(a)), 520 + 290 * math.sin(math.radians(a)))
                for a in range(-90, 91, 6)
            ]
            right = [
                (500 + xs[step + 1] * math.cos(math.radians(a)), 520 + 290 * math.sin(math.radians(a)))
                for a in range(90, -91, -6)
            ]
            leather.fill(left + right, tones[step % 4])
            leather.line(left, 5, dark(look.colour, 0.5))
        leather.oval(500, 246, 70, 26, look.second)
        leather.fill(arc(500, 520, 290, 290, -60, 130) + arc(430, 460, 300, 300, 120, -50), "#1d1633", alpha=0.22)
        leather.fill(outline("330,390 390,320 450,300 400,380 350,450"), WHITE, alpha=0.6)

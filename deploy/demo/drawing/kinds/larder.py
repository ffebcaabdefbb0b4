"""What is eaten, and the jars and tins it comes in."""

from __future__ import annotations

import math

from deploy.demo.drawing.curves import arc, blob, box, leaf, outline, oval, points
from deploy.demo.drawing.lathe import Turned, turned
from deploy.demo.drawing.look import Look
from deploy.demo.drawing.pen import Pen
from deploy.demo.drawing.tones import BRASS, CREAM, METAL, WHITE, WOOD, dark, light, mix


def jar(pen: Pen, look: Look) -> None:
    {"honey": _honey, "jam": _jam, "pickle": _pickle, "salts": _salts}[look.form](pen, look)


def _glass(pen: Pen, colour: str, *, top: float, radius: float, fill_from: float) -> Turned:
    profile = [(top, radius * 0.78), (top + 34, radius * 0.8), (top + 84, radius), (770, radius), (800, radius * 0.9)]
    body = Turned(pen, 500, profile, mix(colour, WHITE, 0.55))
    body.band(fill_from, 820, colour)
    body.shade(gloss=0.6)
    return body


def _label(pen: Pen, body: Turned, y0: float, y1: float, paper: str, ink: str) -> None:
    pen.fill(body.part(-0.62, 0.56, y0, y1), paper)
    pen.box((420, y0 + 112, 560, y0 + 126), 6, ink)
    pen.box((446, y0 + 142, 534, y0 + 153), 5, ink)


def _honey(pen: Pen, look: Look) -> None:
    body = _glass(pen, look.colour, top=420, radius=210, fill_from=478)
    _label(pen, body, 550, 724, look.second, dark(look.colour, 0.5))
    for x, y in ((470, 608), (512, 608), (491, 644)):
        pen.fill(
            [(x + 22 * math.cos(math.radians(a)), y + 22 * math.sin(math.radians(a))) for a in range(30, 390, 60)],
            look.colour,
        )
    turned(pen, 500, [(356, 168), (420, 172)], BRASS)
    pen.oval(500, 356, 168, 28, light(BRASS, 0.3))
    dipper = pen.at(690, 300, 0.9, 32)
    dipper.box((488, 210, 512, 560), 10, WOOD, shade=6)
    for step in range(5):
        dipper.oval(500, 570 + step * 24, 44 - abs(step - 2) * 8, 13, light(WOOD, 0.12), shade=6)
    dipper.fill(outline("486,660 514,660 518,740 500,790 482,740"), look.colour, glow=5)


def _jam(pen: Pen, look: Look) -> None:
    body = _glass(pen, look.colour, top=430, radius=190, fill_from=486)
    _label(pen, body, 566, 736, look.second, look.colour)
    for x, y in ((474, 640), (500, 634), (526, 640), (487, 662), (513, 662)):
        pen.oval(x - 9, y - 6, 15, 15, look.colour, shade=4)
    cloth = outline(
        "290,470 300,400 360,340 500,322 640,340 700,400 712,470 650,450 600,486 540,462 480,492 420,460 360,482"
    )
    pen.fill(cloth, look.second, shade=14, glow=6)
    with pen.clip(cloth) as check:
        for step in range(12):
            check.box((280 + step * 40, 300, 298 + step * 40, 500), 0, look.colour, alpha=0.35)
            check.box((260, 310 + step * 36, 740, 326 + step * 36), 0, look.colour, alpha=0.35)
    pen.curve(arc(500, 416, 172, 28, 4, 176), 12, BRASS)


def _pickle(pen: Pen, look: Look) -> None:
    body = _glass(pen, look.second, top=380, radius=196, fill_from=440)
    with pen.clip(body.part(-0.93, 0.93, 450, 800)) as brine:
        for _ in range(46):
            x, y = look.draw.uniform(310, 690), look.draw.uniform(500, 830)
            lean = look.draw.uniform(-60, 60)
            brine.curve(
                [(x, y), (x + lean * 0.3, y - 60), (x + lean, y - 130)],
                13,
                mix(look.colour, "#b9c45a", look.draw.random() * 0.6),
            )
    pen.fill(body.part(0.5, 1, 470), "#1d1633", alpha=0.16)
    pen.fill(body.part(-0.8, -0.66, 480, 740), WHITE, alpha=0.6)
    turned(pen, 500, [(300, 120), (322, 160), (372, 164)], "#d8e4e2")
    pen.curve(arc(500, 386, 166, 28, 0, 180), 14, "#c8553a")
    pen.curve([(344, 400), (320, 470), (330, 560), (356, 520)], 9, METAL)
    pen.curve([(656, 400), (690, 460), (684, 540)], 9, METAL)


def _salts(pen: Pen, look: Look) -> None:
    body = _glass(pen, look.colour, top=330, radius=230, fill_from=440)
    for _ in range(240):
        x, y = look.draw.uniform(290, 710), look.draw.uniform(470, 800)
        pen.oval(x, y, 7, 6, look.draw.choice((WHITE, dark(look.colour, 0.12), "#b9c7bd")))
    body.shade(gloss=0.4, depth=0.1)
    pen.fill(body.part(-0.5, 0.42, 580, 720), WHITE)
    pen.box((420, 630, 560, 646), 6, look.second)
    pen.box((450, 668, 530, 678), 5, look.second)
    turned(pen, 500, [(236, 150), (330, 176)], WOOD, gloss=0.2)
    pen.oval(500, 236, 150, 25, light(WOOD, 0.3))
    scoop = pen.at(800, 730, 0.75, 58)
    scoop.box((480, 240, 520, 480), 16, WOOD, shade=8)
    scoop.fill(outline("430,460 570,460 576,620 500,660 424,620"), light(WOOD, 0.1), shade=14, glow=7)
    scoop.fill(outline("452,486 548,486 548,600 500,626 452,600"), WHITE)


def bread(pen: Pen, look: Look) -> None:
    if look.form == "loaf":
        loaf = outline("110,520 170,400 360,350 640,350 830,400 890,520 820,630 620,680 380,680 180,630")
        pen.fill(loaf, look.colour, shade=36, glow=14)
        with pen.clip(loaf) as crust:
            for step in range(4):
                x = 250 + step * 150
                cut = blob((x, 420), (x + 70, 400), (x + 120, 500), (x + 110, 610), (x + 60, 590), (x + 40, 500))
                crust.fill(cut, look.second, shade=10)
                crust.curve([(x + 8, 424), (x + 46, 500), (x + 70, 594)], 9, dark(look.colour, 0.25))
            _flour(crust, look, (130, 360, 880, 660))
        return
    loaf = outline("170,700 190,560 320,450 500,420 680,450 810,560 830,700 760,790 500,806 240,790")
    pen.fill(loaf, look.colour, shade=36, glow=16)
    with pen.clip(loaf) as crust:
        crust.taper([(230, 520), (420, 560), (560, 560), (780, 510)], (20, 54, 54, 20), look.second)
        crust.taper([(470, 410), (490, 540), (500, 660), (560, 790)], (16, 50, 56, 24), look.second)
        crust.taper([(240, 530), (420, 576), (560, 576), (770, 524)], (5, 12, 12, 5), dark(look.colour, 0.3))
        _flour(crust, look, (200, 440, 800, 780))


def _flour(pen: Pen, look: Look, area: tuple[float, float, float, float]) -> None:
    x0, y0, x1, y1 = area
    for _ in range(150):
        pen.oval(
            look.draw.uniform(x0, x1),
            look.draw.uniform(y0, y1),
            look.draw.uniform(3, 9),
            look.draw.uniform(2, 6),
            CREAM,
            alpha=0.7,
        )


def cheese(pen: Pen, look: Look) -> None:
    pen.fill(box(130, 770, 870, 806, 12), WOOD, shade=9, glow=5)
    if look.form == "round":
        body = Turned(pen, 480, [(600, 230), (640, 240), (740, 240), (770, 228)], look.second, tilt=0.26)
        body.shade(gloss=0)
        pen.fill(oval(480, 600, 230, 60), light(look.second, 0.22))
        for _ in range(70):
            angle, reach = look.draw.uniform(0, 360), 220 * math.sqrt(look.draw.random())
            pen.oval(
                480 + reach * math.cos(math.radians(angle)),
                600 + 0.26 * reach * math.sin(math.radians(angle)),
                7,
                4,
                dark(look.second, 0.3),
            )
        pen.fill([(480, 600), (690, 624), (690, 794), (480, 770)], light(look.colour, 0.4))
        pen.fill([(480, 600), (510, 660), (510, 828), (480, 770)], dark(look.colour, 0.1))
        pen.fill([(480, 770), (510, 828), (690, 794)], dark(WOOD, 0.2))
        return
    pen.fill([(190, 560), (840, 600), (840, 776), (190, 776)], look.colour, shade=16)
    pen.fill(
        outline("190,560 190,560 560,440 760,470 840,600 840,600"),
        light(look.colour, 0.4),
    )
    pen.fill([(190, 560), (840, 600), (840, 620), (190, 580)], light(look.colour, 0.15))
    pen.taper([(812, 510), (850, 610), (846, 776)], (30, 34, 34), look.second, shade=10)
    for x, y, r in ((330, 670, 12), (450, 720, 9), (560, 650, 14), (650, 730, 10), (720, 660, 8), (280, 730, 7)):
        pen.oval(x, y, r, r * 0.8, dark(look.colour, 0.2))
    pen.curve([(250, 640), (400, 655), (520, 640)], 4, dark(look.colour, 0.14))
    for x, y, tone in ((150, 742, "#5b2a4a"), (196, 756, "#6d3358"), (168, 778, "#4d2340")):
        pen.oval(x, y, 28, 28, tone, shade=7, glow=5)


def tin(pen: Pen, look: Look) -> None:
    if look.form == "oil":
        _oil_tin(pen, look)
        return
    height = 330 if look.form == "tea" else 300
    body = Turned(pen, 500, [(height, 190), (800, 190)], look.colour, sharp=True)
    body.band(height + 70, height + 82, look.second)
    body.band(776, 788, look.second)
    if look.form == "coffee":
        body.band(520, 690, look.second)
    body.shade(gloss=0.5)
    ink = look.colour
    pen.fill(oval(490, 600, 104, 92), look.second if look.form == "tea" else CREAM)
    if look.form == "tea":
        pen.fill(leaf(490, 650, 104, 46, -90), ink)
        pen.fill(leaf(490, 650, 90, 38, -40), ink)
        pen.fill(leaf(490, 650, 90, 38, -140), ink)
    else:
        for angle in (-30, 28):
            bean = pen.at(490 + angle * 1.2, 604, 0.62, angle)
            bean.oval(500, 500, 52, 84, ink, shade=10)
            bean.curve([(500, 426), (516, 480), (486, 530), (500, 576)], 10, CREAM)
    turned(
        pen,
        500,
        [(height - 70, 172), (height - 50, 198), (height + 4, 198)],
        mix(look.colour, METAL, 0.2 if look.form == "tea" else 0.6),
    )
    pen.oval(500, height - 70, 172, 29, light(look.colour, 0.3))


def _oil_tin(pen: Pen, look: Look) -> None:
    pen.taper([(470, 340), (480, 240), (560, 130), (700, 70)], (60, 40, 18, 10), METAL, shade=8)
    turned(pen, 470, [(300, 54), (330, 70), (360, 120), (392, 190)], METAL)
    body = Turned(pen, 470, [(390, 196), (800, 196)], look.colour, sharp=True)
    body.band(400, 412, look.second)
    body.band(500, 690, look.second)
    body.shade(gloss=0.5)
    pen.curve([*oval(460, 612, 62), (522, 612)], 14, look.colour)
    for step in range(10):
        x, y = 460 + 76 * math.cos(step * math.pi / 5), 612 + 76 * math.sin(step * math.pi / 5)
        pen.oval(x, y, 10, 10, look.colour)
    pen.fill(outline("640,806 700,720 790,700 880,760 900,806 780,816"), "#c9b8a0", shade=14, glow=7)
    pen.curve([(690, 770), (760, 740), (840, 780)], 6, "#a8957a")


def biscuits(pen: Pen, look: Look) -> None:
    for step, shift in enumerate((0, 14, -18, 10, -6, 16)):
        y = 770 - step * 62
        body = turned(
            pen,
            500 + shift,
            [(y - 40, 212), (y - 20, 230), (y + 18, 226)],
            mix(look.colour, CREAM, 0.08 * (step % 3)),
            gloss=0,
        )
        if step == 5:
            pen.fill(oval(500 + shift, y - 40, 212, 36), light(look.colour, 0.28))
            for _ in range(26):
                angle, reach = look.draw.uniform(0, 360), 190 * math.sqrt(look.draw.random())
                x = body.cx + reach * math.cos(math.radians(angle))
                pen.oval(
                    x,
                    y - 40 + 0.17 * reach * math.sin(math.radians(angle)),
                    12,
                    5,
                    look.draw.choice((look.second, CREAM, dark(look.colour))),
                )
        for _ in range(12):
            x = 500 + shift + look.draw.uniform(-200, 200)
            pen.oval(x, y + look.draw.uniform(2, 30), 9, 5, look.draw.choice((look.second, light(look.colour, 0.5))))
    pen.line([(520, 446), (512, 826)], 8, "#c8452f")
    pen.curve(points("516,440 450,370 420,420 516,444 600,370 630,430 516,444"), 9, "#c8452f")


def chocolate(pen: Pen, look: Look) -> None:
    slab = pen.at(500, 500, 1, -14)
    slab.box((280, 120, 720, 880), 16, dark(look.colour, 0.25))
    for row in range(6):
        for column in range(3):
            x, y = 292 + column * 140, 132 + row * 124
            slab.box((x, y, x + 130, y + 114), 10, look.colour, shade=10, glow=8)
            slab.box((x + 24, y + 22, x + 106, y + 92), 8, light(look.colour, 0.08), shade=6)
    for _ in range(40):
        left, upper = look.draw.uniform(300, 700), look.draw.uniform(140, 500)
        slab.box((left, upper, left + 11, upper + 9), 2, WHITE)
    torn = [
        (266, 520),
        *[(266 + step * 26, 500 + (34 if step % 2 else 0)) for step in range(1, 18)],
        (736, 520),
        (736, 900),
        (266, 900),
    ]
    slab.fill([(x, y - 34) for x, y in torn], METAL, shade=8)
    slab.fill(torn, look.second, shade=14, glow=7)
    slab.box((340, 620, 660, 780), 10, CREAM)
    slab.box((400, 660, 600, 680), 6, look.second)
    slab.box((440, 716, 560, 730), 5, look.colour)

"""Blades, handles and cans."""

from __future__ import annotations

from deploy.demo.drawing.curves import arc, blob, box, outline, oval, points, smooth
from deploy.demo.drawing.lathe import Turned
from deploy.demo.drawing.look import Look
from deploy.demo.drawing.pen import Pen
from deploy.demo.drawing.tones import BRASS, METAL, WHITE, dark, light, mix


def knife(pen: Pen, look: Look) -> None:
    if look.form == "chef":
        blade = outline("330,420 330,420 620,424 820,478 930,552 930,552 700,600 470,612 330,600 330,600")
        handle = outline("345,430 250,424 120,430 60,470 80,520 210,510 345,512")
    elif look.form == "bread":
        teeth = [(880 - 44 * step - 22 * part, 548 - 12 * part) for step in range(13) for part in (0, 1)]
        blade = [(320, 450), (860, 450), (915, 485), (905, 530), *teeth, (320, 545)]
        handle = outline("335,444 230,440 110,448 60,480 90,560 180,536 335,550")
    else:
        blade = outline("480,452 480,452 640,456 800,520 800,520 640,552 480,548 480,548")
        handle = outline("490,446 380,436 240,442 180,480 200,540 340,544 490,552")
    pen.fill(blade, look.second, shade=8)
    with pen.clip(blade) as steel:
        steel.fill([(0, 300), (1000, 300), (1000, 540), (0, 500)], light(look.second, 0.35), alpha=0.65)
    pen.fill(handle, look.colour, shade=14, glow=7)
    for share in (0.2, 0.5, 0.8):
        xs = [x for x, _ in handle]
        x = min(xs) + (max(xs) - min(xs)) * share
        pen.oval(x, 482 if look.form == "chef" else 494, 13, 13, BRASS, shade=3)


def hammer(pen: Pen, look: Look) -> None:
    pen.fill(
        outline("470,300 528,300 532,560 545,800 530,900 470,900 455,800 468,560"),
        look.second,
        shade=14,
        glow=7,
    )
    pen.box((452, 800, 548, 830), 10, dark(look.second, 0.45))
    head = points(
        "700,222 700,222 640,216 560,226 420,226 300,262 215,296 215,318 300,320 420,330 560,330 "
        "640,344 700,340 700,340"
    )
    pen.fill(smooth(head, closed=True), look.colour, shade=16, glow=8)
    pen.box((690, 206, 740, 356), 12, light(look.colour, 0.2), shade=8)
    pen.box((470, 196, 530, 232), 8, light(look.second, 0.2))
    pen.box((482, 204, 518, 212), 3, dark(look.second, 0.5))


def screwdriver(pen: Pen, look: Look) -> None:
    _driver(pen.at(400, 500, 1, 14), look.colour, look.second, 1.0)
    _driver(pen.at(610, 520, 0.86, -10), mix(look.colour, "#8a4b22", 0.3), look.second, 0.6)


def _driver(pen: Pen, colour: str, steel: str, thickness: float) -> None:
    half = 17 * thickness
    pen.box((500 - half, 470, 500 + half, 850), 4, steel, shade=7, glow=4)
    tip = half * 1.7
    pen.fill(
        [
            (500 - half, 820),
            (500 + half, 820),
            (500 + tip, 890),
            (500 + tip * 0.9, 930),
            (500 - tip * 0.9, 930),
            (500 - tip, 890),
        ],
        light(steel, 0.25),
        shade=6,
    )
    pen.box((476, 440, 524, 500), 6, BRASS, shade=7)
    wide = 62 if thickness > 0.8 else 46
    pen.fill(
        blob(
            (500 - wide * 0.6, 120),
            (500 + wide * 0.6, 120),
            (500 + wide, 230),
            (500 + wide * 0.72, 360),
            (528, 450),
            (472, 450),
            (500 - wide * 0.72, 360),
            (500 - wide, 230),
        ),
        colour,
        shade=18,
        glow=9,
    )
    for x in (-0.35, 0, 0.35):
        pen.curve(
            [(500 + wide * x, 160), (500 + wide * x * 1.3, 270), (500 + wide * x * 0.8, 380)], 5, dark(colour, 0.2)
        )


def plane(pen: Pen, look: Look) -> None:
    pen.fill([(360, 690), (800, 520), (850, 545), (440, 720)], METAL, shade=8, glow=5)
    pen.fill(
        outline("470,640 640,560 760,500 800,520 770,590 640,650 500,700"),
        "#8f979b",
        shade=12,
        glow=9,
    )
    pen.oval(640, 560, 36, 36, BRASS, shade=7, glow=4)
    side = outline(
        "130,700 130,700 190,690 260,640 340,650 420,712 540,708 640,640 760,620 850,690 880,760 "
        "880,760 130,760 130,760"
    )
    pen.fill(side, look.colour, shade=18, glow=10)
    pen.curve([(590, 716), (680, 664), (770, 660), (830, 716)], 6, light(look.colour, 0.25))
    pen.box((110, 752, 890, 802), 8, dark(look.colour, 0.2), shade=10, glow=5)
    pen.box((232, 600, 288, 650), 6, BRASS, shade=8)
    pen.fill(
        outline("204,600 196,530 230,492 292,492 324,530 316,600 260,616"),
        look.second,
        shade=13,
        glow=8,
    )
    pen.curve(points("420,690 380,640 420,590 480,610 470,660 430,650"), 11, "#e9cc98")
    pen.curve(points("90,840 60,800 110,770 150,810 110,840 80,820"), 11, "#e5c48e")


def brush(pen: Pen, look: Look) -> None:
    if look.form == "bath":
        pen.fill(outline("470,90 530,90 538,300 530,520 470,520 462,300"), look.colour, shade=13, glow=7)
        pen.line([(500, 110), (520, 40), (480, 40), (500, 110)], 8, WHITE)
        pen.fill(oval(500, 700, 150, 210), look.second, shade=20)
        for ring in range(5):
            for x, y in arc(500, 700, 142 - ring * 28, 200 - ring * 40, 0, 360)[::3]:
                pen.oval(x, y, 9, 9, dark(look.second, 0.16 + ring % 2 * 0.1))
        pen.fill(oval(492, 690, 118, 176), look.colour, shade=16, glow=9)
        pen.curve([(470, 560), (450, 690), (480, 820)], 5, dark(look.colour, 0.14))
        return
    for step in range(58):
        x = 470 + step * 7.4
        pen.line(
            [(x, 520), (x + look.draw.uniform(-10, 10), 690 + look.draw.uniform(-10, 12))],
            7,
            light(look.second, 0.12 * (step % 3)),
        )
    pen.fill(
        outline("90,460 180,430 330,450 460,420 800,410 920,440 930,520 880,548 470,552 330,520 180,530 92,510"),
        look.colour,
        shade=20,
        glow=10,
    )
    pen.oval(140, 482, 16, 15, dark(look.colour, 0.5))
    pen.curve([(460, 470), (620, 450), (860, 470)], 5, dark(look.colour, 0.15))


def trowel(pen: Pen, look: Look) -> None:
    pen.fill(outline("474,90 526,90 540,220 528,380 472,380 460,220"), look.second, shade=15, glow=8)
    pen.oval(500, 112, 9, 9, dark(look.second, 0.6))
    pen.box((474, 370, 526, 420), 8, BRASS, shade=8)
    pen.taper([(500, 410), (510, 480), (500, 560)], (26, 30, 60), look.colour, shade=8)
    blade = outline("420,540 500,512 580,540 600,680 560,820 500,930 500,930 440,820 400,680")
    pen.fill(blade, look.colour, shade=18, glow=10)
    with pen.clip(blade) as face:
        face.fill([(500, 500), (640, 500), (640, 960), (500, 960)], dark(look.colour, 0.2), alpha=0.6)
    pen.curve([(455, 580), (440, 690), (462, 800)], 9, light(look.colour, 0.5))


def secateurs(pen: Pen, look: Look) -> None:
    steel = look.second
    pen.fill(
        outline("480,500 430,330 450,170 520,90 545,250 540,430 530,510"),
        light(steel, 0.25),
        shade=10,
    )
    pen.fill(outline("505,500 570,380 660,300 690,320 620,430 560,520"), steel, shade=9, glow=5)
    pen.taper([(520, 520), (620, 640), (640, 800), (600, 920)], (70, 64, 56, 40), look.colour, shade=14)
    pen.taper([(500, 520), (400, 640), (350, 780), (380, 910)], (70, 64, 56, 40), look.colour, shade=14)
    pen.curve(points("450,640 500,610 545,640 500,668 460,690 520,720 560,690"), 9, dark(steel, 0.3))
    pen.oval(512, 505, 50, 50, steel, shade=9, glow=6)
    pen.oval(512, 505, 20, 20, BRASS, shade=5)


def watering_can(pen: Pen, look: Look) -> None:
    pen.tube([(330, 470), (180, 470), (150, 640), (300, 720)], 30, look.colour)
    pen.tube([(330, 400), (400, 260), (560, 270), (600, 400)], 28, look.colour)
    pen.taper([(610, 720), (740, 560), (850, 380)], (80, 52, 40), look.colour, shade=12)
    pen.line([(610, 470), (760, 510)], 14, dark(look.colour, 0.2))
    pen.fill([(820, 400), (800, 330), (930, 290), (905, 420)], look.second, shade=12, glow=6)
    pen.at(866, 306, 1, -17).oval(500, 500, 72, 24, light(look.second, 0.3))
    for x, y in ((836, 312), (866, 302), (896, 296), (850, 318), (884, 310)):
        pen.oval(x, y, 6, 4, dark(look.second, 0.5))
    body = Turned(pen, 460, [(430, 168), (560, 184), (690, 196), (800, 200)], look.colour, sharp=True)
    for y in (452, 620, 770):
        body.band(y, y + 12, dark(look.colour, 0.18))
    body.shade(gloss=0.5)
    body.mouth(10)
    pen.fill([*arc(460, 430, 168, 29, 180, 360), (628, 430), (292, 430)], mix(look.colour, WHITE, 0.25))
    pen.fill(box(292, 428, 628, 432), light(look.colour, 0.3))

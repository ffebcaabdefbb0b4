"""What belongs on a bicycle."""

from __future__ import annotations

from deploy.demo.drawing.curves import arc, outline, oval
from deploy.demo.drawing.lathe import turned
from deploy.demo.drawing.look import Look
from deploy.demo.drawing.pen import Pen
from deploy.demo.drawing.tones import BRASS, METAL, WHITE, dark, light, mix

BLACK = "#26262b"


def bell(pen: Pen, look: Look) -> None:
    pen.tube([(-60, 720), (300, 716), (700, 704), (1060, 700)], 96, METAL)
    pen.box((420, 640, 580, 790), 24, look.second, shade=12, glow=6)
    pen.tube([(590, 640), (720, 620), (790, 560)], 26, look.second)
    pen.oval(800, 552, 34, 26, look.second, shade=6, glow=4)
    dome = arc(500, 590, 300, 330, 180, 360)
    pen.fill([*dome, (800, 600), (780, 622), (220, 622), (200, 600)], look.colour, shade=34, glow=16)
    with pen.clip(dome) as brass:
        brass.fill(arc(500, 590, 230, 270, 190, 256) + arc(500, 590, 190, 226, 256, 190), WHITE, alpha=0.6)
        brass.fill([(620, 250), (820, 380), (820, 620), (640, 620)], dark(look.colour, 0.2), alpha=0.4)
    pen.line([(206, 608), (794, 608)], 14, dark(look.colour, 0.3))
    pen.oval(500, 262, 34, 22, light(look.colour, 0.3), shade=6)


def bike_lamp(pen: Pen, look: Look) -> None:
    if look.form == "front":
        pen.fill([(700, 420), (1060, 240), (1060, 820), (700, 600)], look.second, alpha=0.4)
        pen.tube([(-60, 760), (500, 744), (600, 740)], 84, METAL)
        pen.box((380, 620, 500, 790), 20, dark(look.colour, 0.2), shade=10)
        pen.fill(
            outline("180,450 260,390 560,360 690,350 710,660 560,650 260,620 180,560"),
            look.colour,
            shade=22,
            glow=12,
        )
        for x in (280, 320, 360):
            pen.line([(x, 420), (x, 590)], 10, dark(look.colour, 0.5))
        pen.box((440, 380, 530, 404), 10, "#b3260f")
        pen.oval(702, 506, 52, 158, METAL, shade=8)
        pen.oval(710, 506, 40, 136, look.second)
        pen.oval(716, 500, 18, 60, WHITE)
        return
    pen.tube([(560, -60), (500, 500), (440, 1060)], 92, METAL)
    pen.oval(500, 500, 330, 330, look.second, alpha=0.22)
    pen.box((420, 440, 590, 600), 26, BLACK, shade=10)
    pen.oval(500, 510, 218, 218, BLACK, shade=16, glow=8)
    pen.oval(500, 510, 186, 186, look.colour, shade=18)
    for ring, tone in ((150, light(look.colour, 0.15)), (104, look.second), (56, light(look.second, 0.6))):
        pen.oval(500, 510, ring, ring, tone)
    for dot in oval(500, 510, 128, 128)[::8]:
        pen.oval(*dot, 12, 12, light(look.second, 0.5))


def saddle(pen: Pen, look: Look) -> None:
    pen.tube([(300, 560), (420, 650), (640, 640), (800, 560)], 18, look.second)
    pen.tube([(470, 640), (500, 860)], 60, METAL)
    for x in (270, 350):
        for step in range(6):
            y = 600 + step * 30
            pen.tube([(x - 34, y + 10), (x, y - 4), (x + 34, y + 8)], 16, look.second)
    pen.tube([(230, 780), (420, 770), (500, 690)], 18, look.second)
    top = outline(
        "150,420 180,350 300,340 420,400 600,420 780,400 880,430 890,490 860,540 700,520 560,560 "
        "430,640 300,640 190,570"
    )
    pen.fill(top, look.colour, shade=24, glow=14)
    pen.curve([(210, 400), (320, 390), (440, 450), (620, 464), (820, 446)], 9, light(look.colour, 0.4))
    for x, y in ((190, 480), (216, 560), (280, 606), (846, 470), (840, 510)):
        pen.oval(x, y, 14, 14, BRASS, shade=4, glow=2)


def helmet(pen: Pen, look: Look) -> None:
    for x in (330, 640):
        pen.curve([(x, 640), (x + 40, 760), (510, 850)], 14, BLACK)
    pen.box((478, 830, 546, 872), 8, BLACK, glow=4)
    shell = outline("150,660 160,480 280,320 480,250 680,300 820,450 850,640 850,640 780,680 500,700 220,700 150,660")
    pen.fill(shell, look.colour, shade=34, glow=16)
    with pen.clip(shell) as hull:
        for cx, tilt in ((330, -26), (470, -8), (610, 12), (730, 30)):
            vent = hull.at(cx, 440, 1, tilt)
            vent.fill(oval(500, 500, 25, 90), dark(look.colour, 0.5))
            vent.curve([(482, 440), (478, 500), (482, 560)], 6, light(look.colour, 0.25))
        hull.box((100, 628, 900, 650), 0, look.second)
    pen.curve([(160, 672), (300, 712), (520, 716), (850, 656)], 24, mix(look.colour, BLACK, 0.7))
    pen.curve([(250, 430), (330, 345), (440, 300)], 14, light(look.colour, 0.45))


def pump(pen: Pen, look: Look) -> None:
    pen.curve([(470, 760), (300, 740), (220, 560), (330, 400), (300, 250)], 17, BLACK)
    pen.box((276, 200, 330, 262), 10, BLACK, glow=5)
    pen.taper([(300, 800), (500, 772), (700, 800)], (36, 54, 36), BLACK)
    pen.box((486, 170, 514, 330), 6, METAL, shade=5)
    pen.box((330, 130, 670, 192), 30, look.second, shade=14, glow=8)
    pen.box((452, 120, 548, 204), 14, dark(look.second, 0.3), shade=8)
    barrel = turned(pen, 500, [(330, 42), (760, 46)], look.colour)
    barrel.band(400, 414, WHITE)
    barrel.band(424, 430, WHITE)
    turned(pen, 500, [(310, 52), (350, 52)], METAL)
    pen.oval(500, 690, 92, 92, METAL, shade=9, glow=6)
    pen.oval(500, 690, 76, 76, WHITE)
    for angle in range(140, 410, 30):
        pen.line([arc(500, 690, 56, 56, angle, angle + 1)[0], arc(500, 690, 68, 68, angle, angle + 1)[0]], 5, BLACK)
    pen.line([(500, 690), (462, 648)], 6, look.colour)
    pen.oval(500, 690, 9, 9, BLACK)


def multitool(pen: Pen, look: Look) -> None:
    for angle, length in ((-96, 330), (-66, 360), (-38, 350), (-12, 320)):
        key = pen.at(320, 610, 1, angle + 90)
        key.box((484, 500 - length, 516, 510), 8, look.second, shade=7, glow=4)
        key.box((484, 500 - length, 516, 520 - length), 4, dark(look.second, 0.25))
    for angle, length in ((168, 260), (140, 250)):
        key = pen.at(690, 660, 1, angle + 90)
        key.box((484, 500 - length, 516, 510), 8, light(look.second, 0.2), shade=7, glow=4)
    body = pen.at(500, 636, 1, 4)
    body.box((230, 400, 780, 600), 90, look.colour, shade=22, glow=12)
    body.box((300, 452, 710, 548), 44, dark(look.colour, 0.2))
    for x in (316, 694):
        body.oval(x, 500, 44, 44, METAL, shade=8, glow=5)
        body.oval(x, 500, 17, 17, dark(METAL, 0.4))
    for x in (430, 500, 570):
        body.oval(x, 500, 20, 20, look.colour, shade=4)

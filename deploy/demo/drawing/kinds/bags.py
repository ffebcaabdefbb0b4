"""Bags, by what they carry."""

from __future__ import annotations

from deploy.demo.drawing.curves import arc, blob, box, outline, points
from deploy.demo.drawing.look import Look
from deploy.demo.drawing.pen import Pen
from deploy.demo.drawing.tones import BRASS, METAL, dark, light


def bag(pen: Pen, look: Look) -> None:
    drawings = {"tote": _tote, "satchel": _satchel, "rucksack": _rucksack, "holdall": _holdall, "roll": _roll}
    drawings[look.form](pen, look)


def _tote(pen: Pen, look: Look) -> None:
    pen.tube([(380, 420), (390, 180), (500, 130), (610, 180), (620, 420)], 26, dark(look.colour, 0.12))
    body = outline("250,400 250,400 750,400 750,400 776,600 790,800 790,800 210,800 210,800 224,600")
    pen.fill(body, look.colour, shade=20, glow=10)
    pen.box((250, 400, 750, 432), 4, dark(look.colour, 0.12))
    for x in (380, 620):
        pen.box((x - 17, 400, x + 17, 500), 4, dark(look.colour, 0.1))
    for side in (-1, 1):
        pen.fill(
            blob(
                (500, 570),
                (500 + side * 80, 540),
                (500 + side * 160, 560),
                (500 + side * 160, 700),
                (500 + side * 80, 680),
                (500, 706),
            ),
            look.second,
        )
        for step in range(3):
            y = 592 + step * 32
            pen.curve([(500 + side * 24, y), (500 + side * 80, y - 14), (500 + side * 136, y - 4)], 6, look.colour)
    pen.line([(500, 574), (500, 702)], 6, look.colour)
    pen.curve([(300, 460), (290, 620), (276, 760)], 8, dark(look.colour, 0.1))


def _buckle(pen: Pen, x: float, top: float, bottom: float, leather: str) -> None:
    pen.box((x - 26, top, x + 26, bottom), 10, leather, shade=8, glow=4)
    pen.box((x - 38, bottom - 76, x + 38, bottom - 26), 8, BRASS, shade=6, glow=3)
    pen.box((x - 22, bottom - 66, x + 22, bottom - 36), 3, leather)
    pen.line([(x, bottom - 70), (x, bottom - 40)], 6, BRASS)


def _satchel(pen: Pen, look: Look) -> None:
    pen.curve(points("220,450 180,260 330,140 560,130 780,220 790,450"), 26, dark(look.colour, 0.3))
    pen.tube([(420, 400), (430, 340), (570, 340), (580, 400)], 24, look.colour)
    pen.box((180, 400, 820, 800), 36, dark(look.colour, 0.18), shade=18)
    flap = outline("176,420 190,394 500,388 810,394 824,420 824,590 790,650 500,664 210,650 176,590")
    pen.fill(flap, look.colour, shade=18, glow=11)
    pen.curve(points("204,440 204,590 226,626 500,640 774,626 796,590 796,440"), 4, look.second)
    for x in (330, 670):
        _buckle(pen, x, 540, 740, dark(look.colour, 0.1))


def _holdall(pen: Pen, look: Look) -> None:
    pen.tube([(360, 520), (370, 290), (500, 240), (630, 290), (640, 520)], 26, look.second)
    body = outline("150,560 190,450 330,420 670,420 810,450 850,560 850,730 800,800 200,800 150,730")
    pen.fill(body, look.colour, shade=26, glow=12)
    with pen.clip(body) as canvas:
        canvas.box((100, 720, 900, 820), 0, look.second)
        canvas.box((100, 712, 900, 722), 0, dark(look.second, 0.3))
        canvas.fill(outline("100,430 230,430 250,600 200,820 100,820"), dark(look.colour, 0.14))
    pen.curve([(230, 440), (500, 426), (770, 440)], 10, BRASS)
    for x in (360, 640):
        pen.box((x - 22, 440, x + 22, 790), 6, look.second, shade=8, glow=4)
        pen.oval(x, 540, 9, 9, BRASS)
    pen.box((470, 230, 530, 268), 12, dark(look.second, 0.25))
    pen.box((700, 590, 790, 650), 10, look.second, shade=6)


def _rucksack(pen: Pen, look: Look) -> None:
    pen.tube([(440, 260), (450, 190), (550, 190), (560, 260)], 22, look.second)
    for side in (-1, 1):
        pen.curve(
            [(500 + side * 190, 330), (500 + side * 280, 520), (500 + side * 230, 760)], 34, dark(look.second, 0.2)
        )
    body = outline("290,380 330,270 500,240 670,270 710,380 740,620 720,790 500,806 280,790 260,620")
    pen.fill(body, look.colour, shade=24, glow=12)
    flap = outline("286,350 340,256 500,230 660,256 714,350 730,480 690,520 500,536 310,520 270,480")
    pen.fill(flap, light(look.colour, 0.1), shade=18, glow=10)
    pen.box((330, 580, 670, 770), 34, light(look.colour, 0.06), shade=14, glow=7)
    pen.curve([(340, 620), (500, 640), (660, 620)], 8, dark(look.colour, 0.35))
    for x in (400, 600):
        _buckle(pen, x, 430, 620, look.second)


def _roll(pen: Pen, look: Look) -> None:
    pen.box((250, 330, 750, 800), 40, look.colour, shade=24, glow=12)
    pen.fill([(270, 350), (730, 350), (700, 250), (300, 250)], light(look.colour, 0.1), shade=10)
    pen.box((280, 196, 720, 268), 34, look.colour, shade=14, glow=9)
    pen.fill(arc(716, 232, 20, 34, 0, 360), dark(look.colour, 0.35))
    pen.line([(296, 246), (704, 246)], 6, dark(look.colour, 0.3))
    pen.box((478, 190, 522, 560), 6, look.second, shade=6)
    pen.box((460, 400, 540, 452), 10, METAL, shade=7)
    for x in (290, 710):
        pen.line([(x, 330), (x, 790)], 5, dark(look.colour, 0.25))
    pen.fill([(290, 640), (710, 640), (710, 672), (290, 672)], "#e6e8ea")
    pen.fill(box(390, 700, 610, 760, 10), dark(look.colour, 0.12))
    for x in (330, 670):
        pen.taper([(x, 300), (x, 348)], (30, 30), look.second)

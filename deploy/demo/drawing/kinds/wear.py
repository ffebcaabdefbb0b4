"""What is worn."""

from __future__ import annotations

import math
from collections.abc import Sequence

from deploy.demo.drawing.curves import Point, arc, box, outline, oval, points
from deploy.demo.drawing.look import Look
from deploy.demo.drawing.pen import Pen
from deploy.demo.drawing.tones import BRASS, METAL, WHITE, WOOD, against, dark, light, mix


def jumper(pen: Pen, look: Look) -> None:
    body = outline(
        "330,270 330,270 430,232 570,232 670,270 670,270 700,420 706,600 700,790 700,790 300,790 "
        "300,790 294,600 300,420"
    )
    left = outline("335,268 250,320 170,480 110,690 210,730 270,600 330,450")
    right = [(1000 - x, y) for x, y in left]
    for sleeve in (left, right):
        pen.fill(sleeve, look.colour, shade=16, glow=8)
        with pen.clip(sleeve) as wool:
            _knit(wool, look, sleeve=True)
    pen.fill(body, look.colour, shade=18, glow=8)
    with pen.clip(body) as wool:
        _knit(wool, look, sleeve=False)
        wool.box((280, 748, 720, 800), 0, dark(look.colour, 0.08))
        for x in range(306, 700, 16):
            wool.line([(x, 752), (x, 792)], 5, dark(look.colour, 0.24))
    pen.fill(outline("410,240 500,222 590,240 560,300 500,318 440,300"), dark(look.colour, 0.35))
    pen.curve([(404, 240), (440, 308), (500, 328), (560, 308), (596, 240)], 26, light(look.colour, 0.12))
    pen.curve([(404, 240), (500, 218), (596, 240)], 20, dark(look.colour, 0.12))


def _knit(pen: Pen, look: Look, *, sleeve: bool) -> None:
    if look.form == "stripe":
        for step in range(14):
            y = 300 + step * 44
            pen.line([(60, y + (36 if sleeve else 0)), (940, y + (36 if sleeve else 0))], 15, look.second)
        return
    for x in (340, 420, 500, 580, 660) if not sleeve else ():
        for side in (-1, 1):
            wave = [(x + side * 17 * math.sin(y / 26), y) for y in range(290, 760, 8)]
            pen.line(wave, 8, look.second if side > 0 else light(look.colour, 0.5))
    for x in (380, 460, 540, 620):
        pen.line([(x, 290), (x, 760)], 4, look.second)
    for step in range(9) if sleeve else ():
        for centre in (190, 810):
            y = 380 + step * 42
            pen.line([(centre - 90, y), (centre, y + 26), (centre + 90, y)], 6, look.second)


def scarf(pen: Pen, look: Look) -> None:
    tail = [(440, 470), (600, 470), (650, 820), (470, 830)]
    other = [(330, 480), (470, 480), (450, 900), (280, 890)]
    for part in (tail, other):
        _fringe(pen, part, look.colour)
        pen.fill(part, look.colour, shade=14, glow=7)
        with pen.clip(part) as cloth:
            _herringbone(cloth, look)
    loop = outline("240,380 300,230 500,160 700,230 760,380 680,500 500,560 320,500")
    pen.fill(loop, look.colour, shade=20, glow=10)
    with pen.clip(loop) as cloth:
        _herringbone(cloth, look)
    pen.fill(
        outline("340,360 400,280 500,262 600,280 660,360 600,420 500,436 400,420"),
        dark(look.colour, 0.42),
    )
    pen.curve([(262, 420), (360, 500), (500, 520), (640, 490), (738, 420)], 8, dark(look.colour, 0.25))
    pen.curve([(300, 470), (420, 545), (560, 540)], 6, dark(look.colour, 0.25))


def _herringbone(pen: Pen, look: Look) -> None:
    for column in range(28):
        x = 220 + column * 21
        rise = 13 if column % 2 else -13
        for row in range(38):
            y = 150 + row * 21
            pen.line([(x, y), (x + 19, y + rise)], 4, mix(look.colour, look.second, 0.55))


def _fringe(pen: Pen, part: Sequence[Point], colour: str) -> None:
    (x1, y1), (x0, y0) = part[2], part[3]
    for step in range(15):
        t = step / 14
        x, y = x0 + (x1 - x0) * t, y0 + (y1 - y0) * t
        pen.line([(x, y - 6), (x + (6 if step % 2 else -6), y + 52)], 8, dark(colour, 0.12 * (step % 2)))


def umbrella(pen: Pen, look: Look) -> None:
    pen.tube(points("500,180 500,780 500,830 555,880 610,830 606,790"), 20, look.second)
    pen.line([(500, 140), (500, 210)], 12, METAL)
    canopy = [*arc(500, 500, 380, 330, 180, 360)]
    scallops = [
        (880 - 190 * step - 95 + 95 * math.cos(math.radians(a)), 500 - 44 * math.sin(math.radians(a)))
        for step in range(4)
        for a in range(0, 181, 12)
    ]
    outline = canopy + scallops
    pen.fill(outline, look.colour, shade=20, glow=10)
    with pen.clip(outline) as cloth:
        cloth.fill([(500, 170), *arc(500, 500, 190, 330, 270, 360), (690, 500), (500, 456)], dark(look.colour, 0.1))
        cloth.fill(
            [(500, 170), *arc(500, 500, 380, 330, 270, 360), (690, 500), *arc(500, 500, 190, 330, 360, 270)],
            dark(look.colour, 0.26),
        )
        cloth.fill(
            [(500, 170), *arc(500, 500, 190, 330, 270, 180), (310, 500), *arc(500, 500, 380, 330, 180, 270)],
            light(look.colour, 0.14),
        )
    for rx in (190, 0):
        for side in (-1, 1):
            pen.curve(arc(500, 500, rx * side or 1, 330, 270, 360), 4, dark(look.colour, 0.4))


def boots(pen: Pen, look: Look) -> None:
    back, front = pen.at(570, 480, 0.96), pen.at(440, 506)
    for each, colour in ((back, dark(look.colour, 0.12)), (front, look.colour)):
        if look.form == "wellington":
            _wellington(each, colour, look.second)
        else:
            _laced(each, colour, look.second)


def _wellington(pen: Pen, colour: str, second: str) -> None:
    shaft = outline(
        "360,220 360,220 560,220 560,220 556,480 580,620 700,660 760,730 750,780 750,780 366,780 "
        "366,780 350,700 372,520"
    )
    pen.fill(shaft, colour, shade=20, glow=10)
    pen.box((356, 214, 564, 262), 12, second, shade=8)
    pen.oval(460, 216, 100, 18, dark(colour, 0.5))
    pen.curve([(410, 300), (404, 460), (400, 600)], 14, light(colour, 0.4))
    pen.box((352, 762, 764, 806), 16, dark(second, 0.15), shade=10)
    pen.curve([(580, 640), (660, 672), (716, 712)], 7, dark(colour, 0.3))


def _laced(pen: Pen, colour: str, sole: str) -> None:
    boot = outline(
        "356,380 356,380 548,380 548,380 556,520 600,600 720,640 776,710 770,770 770,770 356,770 "
        "356,770 344,680 362,540"
    )
    pen.fill(boot, colour, shade=18, glow=9)
    with pen.clip(boot) as leather:
        leather.fill(outline("650,640 780,660 800,800 640,790 620,720"), dark(colour, 0.18))
        leather.fill(outline("330,600 420,620 430,790 330,790"), dark(colour, 0.18))
    pen.box((350, 366, 554, 408), 18, light(colour, 0.15), shade=8)
    for step in range(5):
        x, y = 512 + step * 17, 438 + step * 40
        pen.line([(x - 4, y), (x + 44, y - 16)], 9, "#e4c98d")
        pen.oval(x - 8, y + 2, 9, 9, BRASS)
    pen.curve([(530, 425), (470, 440), (500, 480), (540, 450)], 7, "#e4c98d")
    pen.box((338, 756, 790, 800), 14, sole, shade=8, glow=4)
    pen.box((338, 770, 450, 812), 8, dark(sole, 0.2))


def cap(pen: Pen, look: Look) -> None:
    {"flat": _flat_cap, "beanie": _beanie, "bobble": _bobble, "cycling": _cycling_cap}[look.form](pen, look)


def _flat_cap(pen: Pen, look: Look) -> None:
    pen.fill(outline("560,640 760,610 900,680 880,730 720,716 560,720"), dark(look.colour, 0.25), shade=10)
    crown = outline("130,640 170,470 340,370 560,360 760,440 850,580 820,660 600,690 330,720 170,710")
    pen.fill(crown, look.colour, shade=26, glow=14)
    with pen.clip(crown) as tweed:
        for _ in range(520):
            x, y = look.draw.uniform(120, 860), look.draw.uniform(350, 720)
            tweed.line(
                [(x, y), (x + 12, y + 5)], 4, look.draw.choice((look.second, light(look.colour, 0.3), "#9a5a34"))
            )
        for path in (
            [(480, 366), (300, 500), (240, 715)],
            [(500, 366), (500, 520), (470, 705)],
            [(520, 366), (680, 500), (720, 680)],
        ):
            tweed.curve(path, 6, dark(look.colour, 0.35))
    pen.oval(498, 366, 26, 15, dark(look.colour, 0.2), shade=4)


def _beanie(pen: Pen, look: Look) -> None:
    crown = outline("230,660 240,470 340,310 500,260 660,310 760,470 770,660 500,700")
    pen.fill(crown, look.colour, shade=26, glow=12)
    with pen.clip(crown) as wool:
        for step in range(-7, 8):
            wool.curve([(500 + step * 6, 262), (500 + step * 30, 430), (500 + step * 38, 690)], 7, look.second)
    _ribbed(pen, (206, 610, 794, 780), look.colour, look.second)


def _ribbed(pen: Pen, corners: tuple[float, float, float, float], colour: str, groove: str) -> None:
    x0, y0, x1, y1 = corners
    pen.box(corners, 46, colour, shade=18, glow=9)
    for x in range(int(x0) + 30, int(x1) - 16, 26):
        pen.line([(x, y0 + 16), (x, y1 - 16)], 6, groove)


def _bobble(pen: Pen, look: Look) -> None:
    tail = outline("250,640 270,430 420,270 600,250 740,330 850,520 880,640 820,650 760,520 680,450 690,560 700,660")
    pen.fill(tail, look.colour, shade=20, glow=10)
    with pen.clip(tail) as wool:
        for step in range(5):
            wool.curve(
                [(200, 560 - step * 86), (420, 540 - step * 70), (720, 470 - step * 40), (960, 560 + step * 20)],
                24,
                look.second if step % 2 else light(look.colour, 0.35),
            )
    _ribbed(pen, (220, 620, 730, 770), look.colour, dark(look.colour, 0.25))
    for step in range(40):
        angle = math.radians(step * 9)
        reach = 78 + look.draw.uniform(-10, 14)
        pen.line(
            [(850, 680), (850 + reach * math.cos(angle), 680 + reach * math.sin(angle))],
            16,
            mix(look.second, "#8a4f12", 0.16 * (step % 3)),
        )
    pen.oval(836, 664, 46, 46, light(look.second, 0.35), alpha=0.6)


def _cycling_cap(pen: Pen, look: Look) -> None:
    pen.fill(outline("520,640 700,600 880,640 930,720 780,740 560,730"), dark(look.colour, 0.2), shade=10)
    crown = outline("170,660 200,450 360,310 560,310 720,430 770,640 480,720 220,730")
    pen.fill(crown, look.colour, shade=24, glow=12)
    with pen.clip(crown) as cloth:
        cloth.taper([(260, 330), (400, 420), (470, 740)], (60, 74, 90), look.second)
        cloth.taper([(300, 310), (470, 400), (560, 740)], (14, 16, 18), WHITE)
    pen.curve([(180, 690), (330, 735), (560, 716), (768, 640)], 20, dark(look.colour, 0.3))
    pen.curve([(600, 660), (760, 650), (890, 690)], 5, light(look.colour, 0.4))


def gloves(pen: Pen, look: Look) -> None:
    _glove(pen.at(640, 500, 0.94, 12), dark(look.colour, 0.1), look.second, mirrored=True)
    _glove(pen.at(390, 510, 0.98, -8), look.colour, look.second, mirrored=False)


def _glove(pen: Pen, colour: str, cuff: str, *, mirrored: bool) -> None:
    flip = -1 if mirrored else 1
    for dx, top, width in ((-96, 290, 66), (-30, 220, 70), (40, 230, 70), (104, 300, 62)):
        x = 500 + flip * dx
        pen.taper(
            [(500 + flip * dx * 0.8, 560), (x, 420), (x + flip * dx * 0.12, top)], (78, 72, width), colour, shade=12
        )
        pen.oval(x + flip * dx * 0.12, top, width / 2, width / 2, colour, shade=8, glow=5)
    pen.taper(
        [(500 + flip * 90, 680), (500 + flip * 200, 560), (500 + flip * 236, 450)], (110, 80, 62), colour, shade=12
    )
    pen.oval(500 + flip * 236, 450, 31, 31, colour, shade=8, glow=5)
    pen.fill(outline("372,520 500,480 628,520 636,650 610,760 390,760 364,650"), colour)
    pen.fill(box(388, 740, 612, 850, 22), cuff, shade=14, glow=7)
    for dx in (-44, 4, 52):
        pen.curve([(500 + flip * dx, 560), (500 + flip * dx * 0.9, 650)], 6, dark(colour, 0.3))


def socks(pen: Pen, look: Look) -> None:
    _sock(pen.at(600, 480, 0.94, 10), mix(look.colour, look.second, 0.35), look.colour, look)
    _sock(pen.at(420, 510, 1, -6), look.colour, look.second, look)


def _sock(pen: Pen, colour: str, second: str, look: Look) -> None:
    sock = outline(
        "380,140 380,140 560,140 560,140 566,420 580,560 700,660 790,740 770,830 660,846 500,780 390,690 366,520"
    )
    pen.fill(sock, colour, shade=20, glow=9)
    with pen.clip(sock) as wool:
        wool.fill(outline("340,580 450,560 480,680 420,760 340,700"), second)
        wool.fill(outline("690,640 830,700 820,860 660,870 640,750"), second)
        wool.box((360, 120, 600, 196), 0, second)
        for x in range(376, 570, 15):
            wool.line([(x, 140), (x, 300)], 4, dark(colour, 0.2))
        for _ in range(90):
            at, high = look.draw.uniform(360, 780), look.draw.uniform(210, 840)
            wool.line([(at, high), (at, high + 9)], 4, light(colour, 0.35))


def coat(pen: Pen, look: Look) -> None:
    pen.curve([(500, 190), (500, 140), (535, 110), (560, 140)], 12, METAL)
    pen.tube([(330, 262), (500, 186), (670, 262)], 24, WOOD)
    left = outline("350,262 270,330 210,520 190,700 270,716 310,560 350,420")
    for sleeve in (left, [(1000 - x, y) for x, y in left]):
        pen.fill(sleeve, dark(look.colour, 0.06), shade=16, glow=8)
    body = outline(
        "340,258 340,258 430,224 570,224 660,258 660,258 690,500 740,880 740,880 500,900 260,880 260,880 310,500"
    )
    pen.fill(body, look.colour, shade=22, glow=10)
    pen.fill([(500, 250), (560, 226), (540, 900), (500, 902)], dark(look.colour, 0.14))
    pen.line([(504, 330), (508, 890)], 6, dark(look.colour, 0.4))
    for side in (-1, 1):
        pen.fill(
            [(500, 340), (500 + side * 92, 222), (500 + side * 120, 300), (500 + side * 40, 372)], look.second, shade=8
        )
        pen.box((500 + side * 130 - 62, 620, 500 + side * 130 + 62, 664), 8, dark(look.colour, 0.18), shade=6)
    for y in (430, 530, 740):
        pen.oval(536, y, 13, 13, against(look.colour, BRASS, look.second), shade=3)
    pen.fill(oval(500, 226, 70, 18), dark(look.second, 0.4))

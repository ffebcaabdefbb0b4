"""Books, notebooks and what is written with."""

from __future__ import annotations

from deploy.demo.drawing.curves import along, box, leaf, outline, oval, points
from deploy.demo.drawing.lathe import Turned, turned
from deploy.demo.drawing.look import Look
from deploy.demo.drawing.pen import Pen
from deploy.demo.drawing.tones import BRASS, CREAM, WHITE, dark, light, mix

PAGES = "#f3e9d2"


def book(pen: Pen, look: Look) -> None:
    if look.form == "stack":
        _stack(pen, look)
        return
    pen.box((262, 150, 772, 868), 14, dark(look.colour, 0.3))
    pen.box((270, 160, 762, 856), 6, PAGES)
    for step in range(4):
        pen.line([(764 - step * 4, 176), (764 - step * 4, 850)], 2, dark(PAGES, 0.2))
    cover = box(238, 132, 744, 842, 12)
    pen.fill(cover, look.colour, shade=10, glow=6)
    pen.box((238, 132, 288, 842), 10, dark(look.colour, 0.2))
    pen.box((328, 184, 700, 790), 6, look.second, alpha=0.22)
    pen.box((380, 214, 650, 240), 6, look.second)
    pen.box((430, 262, 600, 278), 5, look.second)
    with pen.clip(box(328, 184, 700, 790, 6)) as face:
        _motif(face, look)
    pen.box((460, 744, 570, 758), 5, look.second)


def _motif(pen: Pen, look: Look) -> None:
    {"river": _river, "moon": _moon, "wheel": _wheel, "leaf": _twig}[look.motif](pen, look)


def _river(pen: Pen, look: Look) -> None:
    pen.taper(points("690,330 520,400 600,500 430,570 520,660 320,720"), (10, 22, 30, 40, 52, 70), look.second)
    for x, y in ((400, 420), (640, 560), (600, 670), (380, 500)):
        pen.fill([(x - 44, y), (x, y - 66), (x + 44, y)], mix(look.colour, look.second, 0.45))


def _moon(pen: Pen, look: Look) -> None:
    pen.oval(530, 440, 96, 96, look.second)
    for x, y in ((390, 360), (640, 330), (620, 560), (400, 560), (450, 310)):
        pen.oval(x, y, 7, 7, look.second)
    pen.line([(328, 670), (700, 640)], 7, look.second)
    for step in range(5):
        carriage = (360 + step * 62, 596 - step * 5, 408 + step * 62, 634 - step * 5)
        pen.box(carriage, 8, mix(look.colour, look.second, 0.6))


def _wheel(pen: Pen, look: Look) -> None:
    pen.curve([*oval(514, 510, 160), (674, 510)], 16, look.second)
    for step in range(16):
        pen.line([(514, 510), along(514, 510, 156, step * 22.5)], 4, look.second)
    pen.oval(514, 510, 24, 24, look.second)


def _twig(pen: Pen, look: Look) -> None:
    pen.curve([(514, 730), (500, 560), (520, 350)], 9, look.second)
    for step in range(5):
        y = 670 - step * 66
        pen.fill(leaf(508, y, 116 - step * 10, 50, -28), look.second)
        pen.fill(leaf(508, y - 24, 116 - step * 10, 50, -152), look.second)


def _stack(pen: Pen, look: Look) -> None:
    shelf = ((700, 180, 800, look.colour), (590, 226, 770, look.second), (470, 196, 742, "#35597a"))
    for top, x0, x1, colour in shelf:
        bottom = top + (104 if top > 480 else 118)
        pen.box((x0 + 20, top + 10, x1 + 6, bottom - 10), 4, PAGES, shade=6)
        for step in range(4):
            y = top + 26 + step * 18
            pen.line([(x0 + 320, y), (x1 + 4, y)], 3, dark(PAGES, 0.16))
        pen.box((x0, top, x1 - 40, bottom), 16, colour, shade=14, glow=7)
        pen.box((x0 + 46, top + 6, x0 + 60, bottom - 6), 2, CREAM)
        pen.box((x1 - 110, top + 6, x1 - 96, bottom - 6), 2, CREAM)
        pen.box((x0 + 130, top + 40, x0 + 330, top + 58), 6, CREAM)
    pen.fill([(560, 470), (596, 470), (596, 700), (578, 676), (560, 700)], "#c9a13b", shade=5)


def notebook(pen: Pen, look: Look) -> None:
    if look.form == "trio":
        for angle, x, colour in ((16, 600, look.second), (2, 510, CREAM), (-13, 410, look.colour)):
            one = pen.at(x, 510, 0.92, angle)
            one.box((300, 180, 700, 820), 26, colour, shade=12, glow=6)
            one.box((300, 180, 336, 820), 14, dark(colour, 0.14))
            one.box((400, 300, 640, 400), 8, light(colour, 0.7))
            one.line([(430, 340), (610, 340)], 6, dark(colour, 0.5))
            one.line([(430, 368), (550, 368)], 6, dark(colour, 0.5))
        return
    pen.box((262, 160, 766, 852), 18, dark(look.colour, 0.35))
    pen.box((270, 170, 752, 842), 8, PAGES)
    pen.fill([(520, 820), (556, 820), (560, 930), (540, 906), (520, 934)], look.second, shade=5)
    pen.box((240, 140, 742, 828), 20, look.colour, shade=12, glow=7)
    pen.box((240, 140, 300, 828), 18, dark(look.colour, 0.2))
    for y in (230, 380, 560, 720):
        pen.box((240, y, 306, y + 16), 3, look.second)
    pen.box((386, 280, 660, 420), 10, PAGES, shade=4)
    pen.line([(426, 330), (620, 330)], 7, dark(look.colour, 0.1))
    pen.line([(426, 368), (560, 368)], 7, dark(look.colour, 0.1))
    pen.box((690, 140, 712, 828), 0, dark(look.colour, 0.4))


def pen(pen: Pen, look: Look) -> None:
    if look.form == "pencils":
        tones = (look.colour, look.second, "#b5432f", mix(look.colour, "#1f2a44", 0.6), light(look.colour, 0.4))
        for step, tone in enumerate(tones):
            _pencil(pen.at(300 + step * 100, 500 + (36 if step % 2 else -20), 0.98, (step - 2) * 1.6), tone)
        return
    paper_sheet = pen.at(520, 540, 1, 28)
    paper_sheet.curve(points("300,640 340,560 380,640 430,570 470,640 540,590 640,610"), 6, look.colour)
    pen.at(500, 500).box((466, 60, 534, 420), 32, look.colour, shade=16, glow=8)
    pen.box((462, 396, 538, 420), 6, look.second, shade=6)
    pen.box((520, 90, 540, 300), 9, look.second, shade=4)
    pen.fill(points("470,420 530,420 522,720 514,760 486,760 478,720"), look.colour, shade=13, glow=7)
    pen.box((478, 716, 522, 744), 6, look.second, shade=5)
    pen.fill(outline("486,760 514,760 526,810 500,900 474,810"), look.second, shade=7, glow=4)
    pen.line([(500, 806), (500, 890)], 3, dark(look.second, 0.5))
    pen.oval(500, 806, 7, 7, dark(look.second, 0.5))


def _pencil(pen: Pen, colour: str) -> None:
    pen.box((466, 130, 534, 190), 12, "#d8837a", shade=8)
    pen.box((464, 180, 536, 226), 4, BRASS, shade=8, glow=4)
    pen.fill([(466, 226), (488, 226), (488, 760), (466, 760)], light(colour, 0.25))
    pen.fill([(488, 226), (514, 226), (514, 760), (488, 760)], colour)
    pen.fill([(514, 226), (534, 226), (534, 760), (514, 760)], dark(colour, 0.28))
    pen.fill(points("466,756 477,772 488,756 501,772 514,756 524,772 534,756 500,870"), "#e9c894")
    pen.fill([(500, 756), (534, 756), (500, 870)], dark("#e9c894", 0.14))
    pen.fill([(489, 832), (511, 832), (500, 872)], "#33313a")


def ink(pen: Pen, look: Look) -> None:
    pen.box((270, 430, 730, 800), 44, "#d7e2e6", shade=18, glow=10)
    pen.box((304, 500, 696, 776), 30, look.colour, shade=14)
    pen.oval(500, 502, 196, 22, light(look.colour, 0.3))
    pen.box((330, 560, 670, 720), 10, CREAM, shade=5)
    pen.box((390, 596, 610, 616), 6, look.colour)
    pen.box((430, 640, 570, 654), 5, look.second)
    pen.fill(leaf(470, 700, 110, 34, -20), look.second)
    pen.box((286, 470, 304, 740), 8, WHITE, alpha=0.8)
    turned(pen, 500, [(390, 96), (440, 100)], "#d7e2e6")
    cap = Turned(pen, 500, [(280, 116), (300, 122), (400, 122)], dark(look.colour, 0.35))
    for step in range(11):
        f = -0.9 + step * 0.18
        pen.line([cap.on(f, 306, 122), cap.on(f, 396, 122)], 5, light(look.colour, 0.2))
    cap.shade(gloss=0.3)
    pen.oval(500, 280, 116, 20, light(look.colour, 0.18))


def cards(pen: Pen, look: Look) -> None:
    if look.form == "letter":
        _letter(pen, look)
        return
    skies = (look.colour, mix(look.colour, CREAM, 0.6), look.second, "#e7dcc0")
    for angle, x, sky in zip((22, 8, -6, -20), (620, 545, 470, 390), skies, strict=True):
        one = pen.at(x, 530, 0.92, angle)
        one.box((320, 220, 680, 780), 8, WHITE, shade=9)
        with one.clip(box(342, 242, 658, 758)) as face:
            face.box((340, 240, 660, 760), 0, sky)
            _bird(face, dark(look.colour, 0.55), look.second if sky != look.second else CREAM)


def _bird(pen: Pen, body: str, beak: str) -> None:
    pen.fill(outline("340,700 430,670 560,690 660,660 670,780 330,780"), beak)
    pen.line([(490, 690), (490, 560)], 6, body)
    pen.line([(520, 690), (516, 560)], 6, body)
    pen.fill(outline("600,570 520,600 440,560 430,470 500,460 570,500"), body)
    pen.taper([(450, 500), (440, 400), (490, 350), (470, 320)], (50, 24, 24, 36), body)
    pen.fill([(470, 306), (400, 326), (466, 336)], beak)
    pen.oval(474, 316, 5, 5, WHITE)


def _letter(pen: Pen, look: Look) -> None:
    sheet = pen.at(560, 440, 1, 9)
    sheet.box((280, 150, 720, 760), 4, look.colour, shade=8)
    for step in range(7):
        y = 240 + step * 44
        sheet.curve(
            [(340, y), (460, y + 5), (560, y - 4), (660 - step % 3 * 70, y + 2)], 6, mix(look.colour, "#2b2740", 0.65)
        )
    envelope = pen.at(460, 620, 1, -8)
    envelope.box((180, 340, 820, 760), 8, light(look.colour, 0.2), shade=12)
    envelope.fill([(180, 750), (500, 520), (820, 750)], dark(look.colour, 0.07))
    envelope.fill([(180, 344), (820, 344), (500, 590)], look.second)
    envelope.fill([(190, 344), (810, 344), (500, 572)], look.colour, shade=6)
    envelope.fill(outline("440,560 470,510 530,506 564,556 540,616 470,620"), look.second, shade=9, glow=6)
    envelope.curve([*oval(502, 562, 32), (534, 562)], 5, dark(look.second, 0.3))

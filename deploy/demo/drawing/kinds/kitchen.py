"""Pots, cups and pans."""

from __future__ import annotations

from deploy.demo.drawing.curves import arc, blob, box, leaf, outline, oval, points
from deploy.demo.drawing.lathe import Turned, turned
from deploy.demo.drawing.look import Look
from deploy.demo.drawing.pen import Pen
from deploy.demo.drawing.tones import BRASS, METAL, WHITE, WOOD, dark, light, mix

TEA = "#8a4a22"


def kettle(pen: Pen, look: Look) -> None:
    pen.tube([(318, 500), (330, 300), (500, 215), (670, 300), (682, 500)], 24, look.second)
    pen.tube([(400, 238), (500, 214), (600, 238)], 46, dark(WOOD, 0.3))
    pen.taper([(650, 640), (760, 580), (800, 470), (850, 410)], (110, 78, 50, 44), look.colour, shade=14)
    pen.oval(851, 409, 24, 11, dark(look.colour, 0.5))
    body = Turned(pen, 500, points("450,120 480,190 580,245 700,262 775,240 796,226"), look.colour)
    body.shade()
    body.band(772, 800, look.second)
    turned(pen, 500, [(418, 30), (430, 95), (456, 130)], look.colour, gloss=0.3)
    turned(pen, 500, [(362, 14), (372, 30), (396, 34), (416, 16)], look.second)


def teapot(pen: Pen, look: Look) -> None:
    if look.form == "tall":
        _tall_teapot(pen, look)
        return
    pen.tube([(300, 500), (185, 480), (165, 610), (215, 690), (300, 700)], 40, look.colour)
    pen.taper([(700, 690), (790, 640), (800, 520), (872, 460)], (120, 84, 52, 44), look.colour, shade=14)
    pen.oval(874, 459, 24, 12, dark(look.colour, 0.5))
    body = Turned(pen, 500, points("430,110 470,190 560,248 660,256 750,205 800,130"), look.colour)
    body.band(430, 520, look.second)
    body.shade()
    turned(pen, 500, [(392, 26), (404, 84), (436, 122)], look.second)
    turned(pen, 500, [(338, 18), (352, 36), (376, 34), (396, 18)], look.colour)


def _tall_teapot(pen: Pen, look: Look) -> None:
    pen.taper([(640, 620), (720, 560), (730, 430), (795, 370)], (100, 70, 46, 40), look.colour, shade=12)
    pen.oval(797, 369, 22, 10, dark(look.colour, 0.5))
    body = Turned(pen, 500, points("340,95 390,122 500,150 540,158 640,196 740,184 800,140"), look.colour)
    body.band(536, 552, mix(look.colour, "#3f6f66", 0.35))
    body.shade()
    turned(pen, 500, [(306, 24), (316, 76), (346, 106)], look.colour)
    turned(pen, 500, [(262, 16), (274, 30), (296, 28), (310, 14)], look.colour)
    pen.tube([(402, 372), (386, 210), (500, 130), (614, 210), (598, 372)], 26, look.second)


def mug(pen: Pen, look: Look) -> None:
    if look.form == "tumbler":
        _tumbler(pen.at(600, 460, 0.9), light(look.colour, 0.35), look.second)
        _tumbler(pen.at(420, 520), look.colour, look.second)
    elif look.form == "espresso":
        _espresso(pen.at(630, 430, 0.92), look)
        _espresso(pen.at(410, 545), look)
    else:
        pen.tube([(650, 460), (770, 450), (800, 560), (755, 660), (640, 690)], 44, look.colour)
        body = Turned(pen, 490, [(380, 182), (520, 184), (700, 180), (770, 170), (796, 150)], look.colour)
        body.band(380, 460, look.second)
        body.band(476, 488, look.second)
        body.band(772, 800, "#b08a66")
        body.shade(gloss=0.35)
        body.mouth(12, inside=light(look.colour, 0.3), filled=TEA)


def _tumbler(pen: Pen, colour: str, inside: str) -> None:
    body = Turned(pen, 500, [(420, 142), (560, 132), (640, 122), (740, 126), (782, 112)], colour)
    body.shade(gloss=0.4)
    pen.oval(470, 620, 46, 70, dark(colour, 0.3), alpha=0.5)
    body.mouth(10, inside=inside, filled=mix(TEA, "#2a1608", 0.5))


def _espresso(pen: Pen, look: Look) -> None:
    turned(pen, 500, [(690, 210), (712, 170), (728, 110)], look.second, gloss=0)
    pen.oval(500, 690, 212, 36, light(look.second, 0.2))
    pen.oval(500, 692, 150, 24, dark(look.second, 0.25))
    pen.tube([(590, 560), (670, 550), (682, 610), (600, 640)], 24, look.colour)
    body = Turned(pen, 500, [(500, 112), (600, 106), (670, 80), (696, 62)], look.colour)
    body.band(655, 720, look.second)
    body.shade(gloss=0.3)
    body.mouth(9, inside=look.second, filled="#3a1d0d", level=0.25)


def bowl(pen: Pen, look: Look) -> None:
    if look.form == "nest":
        _nest(pen, look)
        return
    body = Turned(pen, 500, [(470, 290), (580, 270), (690, 200), (760, 118), (800, 112)], look.colour, tilt=0.24)
    body.band(745, 830, "#a98466")
    body.shade(gloss=0.3)
    body.mouth(12, inside=look.second, filled="#d9a45a", level=0.3)
    for x, y in ((420, 470), (560, 495), (500, 450)):
        pen.oval(x, y, 46, 15, "#f4e3b5")
        pen.oval(x + 4, y + 2, 20, 7, "#e39a35")
    pen.curve([(330, 490), (400, 515), (480, 508), (590, 525)], 9, "#f3dfae")
    for shift in (0, 34):
        pen.tube([(250 + shift, 340 + shift / 2), (840 + shift, 470 + shift)], 15, "#8a3b2a")


def _nest(pen: Pen, look: Look) -> None:
    sizes = ((470, 300, look.colour), (425, 238, look.second), (385, 176, "#efe4cf"))
    profiles = [[(y, r), (y + 110, r * 0.93), (y + 220, r * 0.68), (800, r * 0.42)] for y, r, _ in sizes]
    shells = list(zip(profiles, sizes, strict=True))
    for profile, (_, _, colour) in shells:
        Turned(pen, 500, profile[:2], colour, tilt=0.2).mouth(14, inside=dark(colour, 0.25))
    for profile, (_, _, colour) in reversed(shells):
        outer = Turned(pen, 500, profile, colour, tilt=0.2)
        outer.shade(gloss=0.4)
        pen.curve(arc(500, profile[0][0], profile[0][1] - 4, profile[0][1] * 0.2, 6, 174), 11, light(colour, 0.35))


def plate(pen: Pen, look: Look) -> None:
    if look.form == "fern":
        pen.fill(
            outline("220,420 420,210 690,230 800,480 690,750 400,790 230,640"),
            look.colour,
            shade=22,
            glow=10,
        )
        pen.fill(
            outline("270,440 440,270 660,285 740,480 650,690 420,725 280,610"),
            light(look.colour, 0.18),
        )
        _frond(pen, look.second)
        return
    for level in range(4):
        y = 760 - level * 44
        rim = turned(pen, 500, [(y - 26, 330), (y - 8, 300), (y + 26, 150)], look.colour, gloss=0.3)
        rim.band(y - 26, y - 16, look.second)
    pen.oval(500, 602, 330, 58, look.second)
    pen.oval(500, 602, 318, 54, look.colour)
    pen.oval(500, 606, 232, 38, dark(look.colour, 0.1))
    pen.oval(500, 610, 222, 34, light(look.colour, 0.3))


def _frond(pen: Pen, colour: str) -> None:
    pen.curve([(380, 690), (500, 520), (640, 330)], 9, colour)
    for step in range(9):
        t = step / 8
        x, y = 400 + 225 * t, 660 - 310 * t
        size = 130 * (1 - t * 0.75)
        pen.fill(leaf(x, y, size, size * 0.32, -10 - 12 * t), colour)
        pen.fill(leaf(x, y, size, size * 0.32, -112 + 10 * t), colour)


def jug(pen: Pen, look: Look) -> None:
    if look.form == "tall":
        profile = points("230,110 330,98 440,120 580,180 700,176 800,124")
        handle, lip_y, lip_r = [(585, 300), (720, 270), (760, 420), (650, 560)], 230, 110
    else:
        profile = points("400,132 470,128 580,190 690,200 770,160 800,130")
        handle, lip_y, lip_r = [(615, 460), (760, 440), (780, 570), (680, 650)], 400, 132
    pen.tube(handle, 38, look.colour)
    pen.fill(
        blob(
            (500 - lip_r + 18, lip_y),
            (500 - lip_r - 66, lip_y - 24),
            (500 - lip_r - 10, lip_y + 66),
            (520 - lip_r, lip_y + 80),
        ),
        light(look.colour, 0.12),
    )
    body = Turned(pen, 500, profile, look.colour)
    body.band(lip_y, lip_y + (800 - lip_y) * (0.42 if look.form == "tall" else 0.34), look.second)
    body.shade()
    body.mouth(11, inside=dark(look.second, 0.25), filled="" if look.form == "tall" else WHITE)


def vase(pen: Pen, look: Look) -> None:
    if look.form == "moon":
        profile = points("300,118 322,112 420,225 550,268 680,232 780,130 800,122")
        body = Turned(pen, 500, profile, look.colour)
        body.band(545, 551, dark(look.colour, 0.1))
        body.shade(gloss=0.6, depth=0.11)
        body.mouth(14)
        return
    pen.curve([(500, 330), (510, 200), (600, 90), (680, 40)], 11, "#6a4a35")
    pen.curve([(520, 190), (440, 110), (420, 50)], 8, "#6a4a35")
    for x, y, angle in (
        (585, 105, 10),
        (560, 140, -120),
        (640, 70, 30),
        (680, 42, -40),
        (455, 125, 190),
        (425, 62, -110),
    ):
        pen.fill(leaf(x, y, 88, 36, angle), look.second, shade=6)
    profile = points("320,50 336,42 440,46 520,120 620,190 710,190 800,126")
    body = Turned(pen, 500, profile, look.colour)
    body.band(320, 356, light(look.colour, 0.45))
    body.shade()
    body.mouth(8)


def casserole(pen: Pen, look: Look) -> None:
    for side in (-1, 1):
        pen.tube(
            [(500 + side * 270, 560), (500 + side * 350, 566), (500 + side * 345, 610), (500 + side * 268, 622)],
            34,
            look.colour,
        )
    body = Turned(pen, 500, [(530, 278), (640, 282), (740, 268), (800, 226)], look.colour)
    body.band(770, 850, look.second)
    body.shade()
    turned(pen, 500, [(410, 60), (440, 170), (490, 262), (534, 292)], look.colour)
    pen.curve(arc(500, 534, 290, 49, 8, 172), 9, look.second)
    turned(pen, 500, [(346, 40), (360, 56), (384, 44), (414, 34)], look.second)


def pan(pen: Pen, look: Look) -> None:
    if look.form == "skillet":
        pen.box((745, 462, 975, 520), 28, look.colour, shade=10, glow=5)
        pen.oval(942, 491, 14, 12, light(look.colour, 0.5))
        pen.fill(oval(470, 490, 320), look.colour, shade=18, glow=12)
        pen.fill(outline("180,380 110,430 110,545 180,600"), look.colour, glow=8)
        pen.fill(oval(470, 490, 286), dark(look.second, 0.2))
        pen.fill(oval(474, 494, 276), look.second)
        pen.fill(arc(470, 490, 240, 240, 195, 262) + arc(470, 490, 214, 214, 262, 195), light(look.second, 0.16))
        _egg(pen)
        return
    pen.taper([(690, 560), (800, 520), (960, 452)], (30, 40, 46), look.second, shade=10)
    body = Turned(pen, 440, [(520, 262), (640, 258), (770, 250), (796, 238)], look.colour)
    body.shade(gloss=0.55)
    body.mouth(10, inside=METAL, filled=WHITE, level=0.5)
    pen.fill(outline("184,512 150,500 176,552 196,560"), light(look.colour, 0.2))


def _egg(pen: Pen) -> None:
    pen.fill(outline("370,470 430,400 540,410 600,480 570,580 470,600 380,560"), WHITE, shade=8)
    pen.oval(486, 500, 58, 56, "#f0ac2e", shade=9, glow=8)


def mill(pen: Pen, look: Look) -> None:
    profile = points("330,62 400,92 450,74 470,60 560,76 660,104 740,120 800,122")
    body = Turned(pen, 500, profile, look.colour)
    body.band(462, 478, BRASS)
    body.band(760, 776, look.second)
    body.shade(gloss=0.4)
    turned(pen, 500, [(236, 22), (262, 66), (310, 70), (336, 56)], look.colour)
    turned(pen, 500, [(196, 14), (208, 24), (236, 18)], BRASS)
    for x, y in ((690, 806), (720, 790), (745, 812), (668, 826)):
        pen.oval(x, y, 10, 8, "#3a2d24", glow=2)


def board(pen: Pen, look: Look) -> None:
    pen.fill(box(180, 330, 760, 680, 40), look.colour, shade=16, glow=8)
    pen.fill(box(730, 455, 940, 555, 46), look.colour, shade=14, glow=6)
    pen.oval(890, 505, 20, 20, dark(look.colour, 0.45))
    for y in (380, 430, 490, 560, 620):
        pen.curve([(205, y), (360, y + 10), (560, y - 8), (730, y + 4)], 4, mix(look.colour, look.second, 0.45))
    crust = outline("260,560 255,450 340,390 450,400 490,470 480,580 380,625")
    pen.fill(crust, "#a5682f", shade=14)
    pen.fill(outline("284,550 282,462 350,416 436,424 464,480 452,566 376,600"), "#efd6a3")
    for x, y, r in ((340, 480, 12), (400, 460, 8), (380, 530, 14), (428, 510, 9), (330, 540, 8), (408, 570, 7)):
        pen.oval(x, y, r, r * 0.8, "#d9b67a")
    for x, y in ((540, 600), (575, 560), (600, 615), (520, 640), (640, 580)):
        pen.oval(x, y, 7, 5, "#b57a3c")

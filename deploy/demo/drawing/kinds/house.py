"""Things that stand about a house."""

from __future__ import annotations

from deploy.demo.drawing.curves import arc, box, outline, oval
from deploy.demo.drawing.lathe import turned
from deploy.demo.drawing.look import Look
from deploy.demo.drawing.pen import Pen
from deploy.demo.drawing.tones import BRASS, CREAM, dark, light, mix


def stool(pen: Pen, look: Look) -> None:
    pen.taper([(480, 460), (510, 740)], (44, 32), dark(look.second, 0.25))
    pen.taper([(360, 450), (250, 800)], (46, 34), look.second, shade=10)
    pen.taper([(640, 450), (740, 812)], (46, 34), look.second, shade=10)
    pen.line([(312, 640), (684, 640)], 20, dark(look.second, 0.12))
    seat = turned(pen, 500, [(400, 260), (440, 268), (470, 236)], look.colour, gloss=0.25)
    pen.fill(oval(500, seat.top[0], 260, 44), light(look.colour, 0.18))
    for step in range(4):
        pen.curve(arc(470, 404, 60 + 46 * step, 9 + 8 * step, 150, 400), 4, mix(look.colour, look.second, 0.5))
    for x in (370, 640, 490):
        pen.oval(x, 398 + (12 if x == 490 else 0), 17, 7, dark(look.second, 0.2))


def blanket(pen: Pen, look: Look) -> None:
    """A pile of folds, each with its round edge to the left; the check shows on top and along the front."""
    for step in range(3):
        y = 720 - step * 92
        fold = box(190, y - 92, 810, y + 82 if step == 0 else y, 44)
        pen.fill(fold, look.colour, shade=14, glow=6)
        with pen.clip(fold) as cloth:
            for x in range(250, 860, 120):
                cloth.box((x, 300, x + 22, 900), 0, look.second, alpha=0.75)
                cloth.box((x + 36, 300, x + 44, 900), 0, look.second, alpha=0.6)
            cloth.box((150, y - 60, 850, y - 44), 0, look.second, alpha=0.75)
            cloth.box((150, y - 100, 850, y - 84), 0, dark(look.colour), alpha=0.7)
    for step in range(24):
        end = 206 + step * 25.5
        pen.line([(end, 800), (end + look.draw.uniform(-5, 5), 836)], 8, mix(look.colour, look.second, step % 2 * 0.7))
    for x in (330, 640):
        pen.box((x, 428, x + 40, 808), 8, "#6b4023", shade=8)
        pen.box((x - 8, 600, x + 48, 660), 8, BRASS, shade=6)
        pen.box((x + 6, 614, x + 34, 646), 4, "#6b4023")
    pen.tube([(350, 440), (380, 370), (630, 370), (660, 440)], 30, "#7a4a28")


def globe(pen: Pen, look: Look) -> None:
    toy = look.form == "toy"
    if not toy:
        turned(pen, 500, [(730, 40), (752, 130), (800, 170)], look.second)
        turned(pen, 500, [(660, 18), (700, 24), (740, 46)], look.second)
    ball = oval(500, 430, 230)
    pen.fill(ball, look.colour, shade=30, glow=14)
    land = mix(look.colour, "#e8cf8a" if not toy else "#67b04e", 0.8)
    with pen.clip(ball) as sea:
        for angle in (-0.66, -0.28, 0.28, 0.66):
            sea.curve(
                [(500 + 230 * angle * 0.2, 200), (500 + 260 * angle, 430), (500 + 230 * angle * 0.2, 660)],
                3,
                light(look.colour, 0.4),
            )
        for y in (330, 430, 530):
            sea.curve(arc(500, y - 22, 260, 40, 0, 180), 3, light(look.colour, 0.4))
        for land_outline in (
            "330,300 400,250 480,270 470,330 420,380 430,440 380,400 320,380",
            "400,460 470,470 500,530 460,600 430,640 400,560",
            "560,280 660,270 720,340 700,400 640,380 620,470 650,540 600,590 560,500 540,380",
            "690,540 740,520 740,580 700,590",
        ):
            sea.fill(outline(land_outline), land, shade=5)
        sea.fill(arc(500, 430, 230, 230, -70, 110) + arc(440, 380, 230, 240, 100, -60), "#1d1633", alpha=0.16)
    if toy:
        pen.oval(470, 222, 30, 15, look.second, shade=5, glow=3)
        pen.fill(outline("340,330 390,270 440,252 400,320 360,390"), CREAM, alpha=0.6)
        return
    pen.curve([(380, 290), (470, 380), (590, 360), (680, 460)], 4, "#b5482f")
    pen.curve(arc(500, 430, 264, 264, -68, 112), 18, dark(BRASS, 0.15))
    pen.curve(arc(497, 427, 264, 264, -68, 112), 9, light(BRASS, 0.2))
    for x, y in ((598, 185), (401, 675)):
        pen.oval(x, y, 17, 17, BRASS, shade=4, glow=3)

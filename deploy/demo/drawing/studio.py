"""Composes a picture: the room, the thing in it, its shadow; the same scene always gives the same bytes."""

from __future__ import annotations

import io
from dataclasses import dataclass
from random import Random

from PIL import Image, ImageFilter

from deploy.demo.drawing import backdrops
from deploy.demo.drawing.kinds import KINDS, pose_of
from deploy.demo.drawing.look import Look, Pose
from deploy.demo.drawing.pen import Pen
from deploy.demo.drawing.tones import dark

SIZE = 1200
WIDTHS = (SIZE, 600, 300)
FINE = 2  # drawn this much larger, then reduced: smooth edges
QUALITY = 82
MEASURE = 200  # the side of the sheet on which a thing is measured
FAINTEST = 90  # of 255: light and smoke are fainter than that
FAR = {Pose.STANDS: (720, 680), Pose.LIES: (760, 740), Pose.HANGS: (720, 740)}  # width and height it has to fit in
NEAR = {Pose.STANDS: (1120, 1080), Pose.LIES: (1240, 1180), Pose.HANGS: (1100, 1180)}
SHADOW = 300  # the side of the sheet on which shadows are blurred
TURNS = (-24, -15, -8, 9, 16, 26)
OVER_THE_EDGE = {"bell", "bike_lamp", "kite", "lamp:pendant"}  # hang on something outside the picture
UPRIGHT = {"book", "coat", "jumper", "turntable", "cards", "packet", "notebook", "gloves", "socks", "scarf"}


@dataclass(frozen=True, slots=True)
class Scene:
    """What to draw. ``name`` seeds what is left to chance; ``near`` is a second view, closer and turned."""

    name: str
    kind: str
    colour: str
    second: str
    paper: str
    accent: str
    form: str = ""
    motif: str = ""
    near: bool = False


def draw(scene: Scene) -> dict[int, bytes]:
    """The picture as WebP by its width in pixels."""
    picture = compose(scene)
    return {width: _encoded(picture, width) for width in WIDTHS}


def compose(scene: Scene) -> Image.Image:
    """The picture at its full size."""
    chance = Random(scene.name)  # noqa: S311 -- not a secret: the same picture at every drawing
    pose = pose_of(scene.kind, scene.form)
    room = backdrops.room_for(scene.colour, scene.second, scene.paper, scene.accent, chance)
    picture = Image.new("RGB", (SIZE * FINE, SIZE * FINE), room.wall)
    chance.choice(backdrops.BACKDROPS[pose])(Pen(picture), room, chance)
    thing = alone(scene, _frame(scene, pose, chance), SIZE * FINE)
    _cast_shadow(picture, thing, pose, dark(room.floor if pose is Pose.STANDS else room.wall, 0.62))
    picture.paste(thing, (0, 0), thing)
    return picture.reduce(FINE)


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the middle of the drawing's own thousand units lies, how large and how turned."""

    x: float = 500
    y: float = 500
    scale: float = 0.5
    angle: float = 0


def alone(scene: Scene, frame: Frame, size: int) -> Image.Image:
    """The thing alone on a transparent sheet of that many pixels."""
    sheet = Image.new("RGBA", (size, size))
    chance = Random(scene.kind + scene.name)  # noqa: S311 -- as above
    look = Look(scene.colour, scene.second, scene.form, scene.motif, scene.accent, chance)
    KINDS[scene.kind](Pen(sheet).at(frame.x, frame.y, frame.scale, frame.angle), look)
    return sheet


def _frame(scene: Scene, pose: Pose, chance: Random) -> Frame:
    """Fit the thing, measured on a small sheet, into the picture; standing things keep their foot on the floor."""
    angle = 0.0
    if pose is Pose.LIES:
        angle = chance.choice(TURNS) / (3 if scene.kind in UPRIGHT else 1)
    if f"{scene.kind}:{scene.form}" in OVER_THE_EDGE or scene.kind in OVER_THE_EDGE:
        return Frame(500 + chance.uniform(-16, 16), 500, 1.3 if scene.near else 0.96)
    outline = alone(scene, Frame(angle=angle), MEASURE).getchannel("A")
    bounds = outline.point(_solid).getbbox() or (0, 0, MEASURE, MEASURE)
    left, top, right, bottom = (2 * (edge * 1000 / MEASURE - 500) for edge in bounds)
    wide, high = (NEAR if scene.near else FAR)[pose]
    scale = min(wide / (right - left), high / (bottom - top))
    x = 500 - scale * (left + right) / 2 + chance.uniform(-20, 12) + (60 if scene.near else 0)
    if pose is Pose.STANDS:
        return Frame(x, (985 if scene.near else chance.uniform(846, 866)) - scale * bottom, scale, angle)
    return Frame(x, 500 - scale * (top + bottom) / 2, scale, angle)


def _cast_shadow(picture: Image.Image, thing: Image.Image, pose: Pose, colour: str) -> None:
    """Light comes from the upper left: a standing thing's shadow lies on the floor to the right, others' behind."""
    solid = thing.getchannel("A").point(_solid)  # light casts no shadow
    outline = solid.reduce(picture.width // SHADOW)
    bounds = outline.getbbox()
    if bounds is None:
        return
    if pose is Pose.STANDS:
        base, squash, lean = bounds[3] - 3, 0.17, 2.6
        onto_floor = (1, lean, -lean * base, 0, 1 / squash, base - base / squash)
        cast = outline.transform(outline.size, Image.Transform.AFFINE, onto_floor, Image.Resampling.BILINEAR)
        soft = cast.filter(ImageFilter.GaussianBlur(3.2)).point(lambda value: value * 0.5)
    else:
        reach = 5 if pose is Pose.LIES else 14
        cast = Image.new("L", outline.size)
        cast.paste(outline, (reach, int(reach * 1.2)))
        soft = cast.filter(ImageFilter.GaussianBlur(2.2 if pose is Pose.LIES else 6)).point(lambda value: value * 0.42)
    picture.paste(colour, (0, 0, *picture.size), soft.resize(picture.size, Image.Resampling.BILINEAR))


def _solid(alpha: int) -> int:
    return alpha if alpha > FAINTEST else 0


def _encoded(picture: Image.Image, width: int) -> bytes:
    sized = picture if width == picture.width else picture.reduce(picture.width // width)
    buffer = io.BytesIO()
    sized.save(buffer, "WEBP", quality=QUALITY, method=2)
    return buffer.getvalue()

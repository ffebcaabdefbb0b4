"""Every kind of thing the demo sells: how it is posed and what draws it, on 1000 × 1000 about (500, 500)."""

from __future__ import annotations

from deploy.demo.drawing.kinds import bags as bags_
from deploy.demo.drawing.kinds import (
    bath,
    cycling,
    garden,
    house,
    kitchen,
    larder,
    light,
    paper,
    play,
    sound,
    tools,
    wear,
)
from deploy.demo.drawing.look import Drawing, Pose

KINDS: dict[str, Drawing] = {
    "bag": bags_.bag,
    "ball": play.ball,
    "basket": garden.basket,
    "bell": cycling.bell,
    "bike_lamp": cycling.bike_lamp,
    "biscuits": larder.biscuits,
    "blanket": house.blanket,
    "blocks": play.blocks,
    "board": kitchen.board,
    "boat": play.boat,
    "book": paper.book,
    "boots": wear.boots,
    "bottle": bath.bottle,
    "bowl": kitchen.bowl,
    "bread": larder.bread,
    "brush": tools.brush,
    "candle": light.candle,
    "cap": wear.cap,
    "cards": paper.cards,
    "casserole": kitchen.casserole,
    "chair": house.stool,
    "cheese": larder.cheese,
    "chocolate": larder.chocolate,
    "clock": sound.clock,
    "cloche": garden.cloche,
    "coat": wear.coat,
    "globe": house.globe,
    "gloves": wear.gloves,
    "hammer": tools.hammer,
    "headphones": sound.headphones,
    "helmet": cycling.helmet,
    "ink": paper.ink,
    "jar": larder.jar,
    "jug": kitchen.jug,
    "jumper": wear.jumper,
    "kettle": kitchen.kettle,
    "kite": play.kite,
    "knife": tools.knife,
    "lamp": light.lamp,
    "lighthouse": light.lighthouse,
    "matches": light.matches,
    "mill": kitchen.mill,
    "mug": kitchen.mug,
    "multitool": cycling.multitool,
    "notebook": paper.notebook,
    "packet": garden.packet,
    "pan": kitchen.pan,
    "pen": paper.pen,
    "plane": tools.plane,
    "plant": garden.plant,
    "plate": kitchen.plate,
    "pots": garden.pots,
    "pump": cycling.pump,
    "radio": sound.radio,
    "saddle": cycling.saddle,
    "scarf": wear.scarf,
    "screwdriver": tools.screwdriver,
    "secateurs": tools.secateurs,
    "soap": bath.soap,
    "socks": wear.socks,
    "teapot": kitchen.teapot,
    "tin": larder.tin,
    "top": play.top,
    "towel": bath.towel,
    "train": play.train,
    "trowel": tools.trowel,
    "tulips": garden.tulips,
    "turntable": sound.turntable,
    "umbrella": wear.umbrella,
    "vase": kitchen.vase,
    "watering_can": tools.watering_can,
}

LYING = (
    "board brush cards chocolate gloves hammer jumper knife multitool notebook packet pan:skillet pen plate:fern scarf"
    " screwdriver secateurs socks trowel turntable bread:loaf book:single"
)
HANGING = "bell bike_lamp clock:wall coat kite lamp:pendant umbrella headphones"
POSES = dict.fromkeys(LYING.split(), Pose.LIES) | dict.fromkeys(HANGING.split(), Pose.HANGS)


def pose_of(kind: str, form: str) -> Pose:
    return POSES.get(f"{kind}:{form}") or POSES.get(kind) or Pose.STANDS

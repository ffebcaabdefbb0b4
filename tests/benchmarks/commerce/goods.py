"""The goods that both shops sell."""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass

from PIL import Image


@dataclass(frozen=True, slots=True)
class Goods:
    """Describe one thing on sale; the price is in minor units."""

    name: str
    slug: str
    sku: str
    price: int
    description: str
    on_hand: int = 1_000_000


GOODS = [
    Goods(f"Thing {number:03}", f"thing-{number:03}", f"T{number:03}", 1000 + 10 * number, f"A thing. Number {number}.")
    for number in range(96)
]
CATEGORY = "things"
VENDOR = "bench"


@functools.cache
def picture() -> bytes:
    """Return a small picture."""
    drawn = io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(drawn, "WEBP")
    return drawn.getvalue()

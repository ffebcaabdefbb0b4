"""Colours as light falls on them: shade leans to violet, light to cream."""

from __future__ import annotations

import math

from vendors.palette import contrast, mix, oklab

DEEP = "#1d1633"
CREAM = "#fff7e6"
WHITE = "#fffdf8"
METAL = "#c6cbce"
BRASS = "#d2a549"
WOOD = "#b98450"
GLASS = "#dcebe8"


def dark(colour: str, share: float = 0.22) -> str:
    return mix(colour, DEEP, share)


def light(colour: str, share: float = 0.3) -> str:
    return mix(colour, CREAM, share)


def apart(one: str, other: str) -> float:
    """How different two colours look: distance in OKLab, about 0.02 just seen, above 0.2 plain."""
    return math.dist(oklab(one), oklab(other))


def against(colour: str, pale: str = WHITE, deep: str = DEEP) -> str:
    """Whichever of a pale and a deep colour is read better on ``colour``."""
    return max((pale, deep), key=lambda each: contrast(each, colour))


__all__ = ["BRASS", "CREAM", "DEEP", "GLASS", "METAL", "WHITE", "WOOD", "against", "apart", "dark", "light", "mix"]

"""A store's colours: from three that the vendor chose to a whole palette that can be read, in light and in dark.

Colours are mixed and moved in OKLCH (https://bottosson.github.io/posts/oklab/), because equal steps look equal there;
contrast is that of WCAG 2.2 (relative luminance). A colour that would fail is moved away from its grounds
until it passes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

TEXT = 4.5  # WCAG 1.4.3
STRONG = 7.0  # WCAG 1.4.6, for running text
CONTROL = 3.0  # WCAG 1.4.11, for the edges of fields
WHITE = "#ffffff"
STEP = 0.01


@dataclass(frozen=True, slots=True)
class Palette:
    """Hex colours for one scheme: ``ink``, ``muted``, ``link`` can be read on ``paper``, ``surface`` and ``wash``."""

    paper: str
    surface: str
    wash: str
    ink: str
    muted: str
    line: str
    edge: str
    link: str
    accent: str
    on_accent: str


@dataclass(frozen=True, slots=True)
class Oklch:
    lightness: float
    chroma: float
    hue: float

    @classmethod
    def of(cls, colour: str) -> Oklch:
        lightness, a, b = oklab(colour)
        return cls(lightness, math.hypot(a, b), math.atan2(b, a))

    @property
    def hex(self) -> str:
        """The nearest colour that a screen shows: chroma gives way until it fits."""
        chroma = self.chroma
        while chroma > 0 and not all(-0.0005 <= part <= 1.0005 for part in self._linear(chroma)):
            chroma = max(0.0, chroma - 0.004)
        return "#" + "".join(f"{round(255 * gamma(min(1.0, max(0.0, part)))):02x}" for part in self._linear(chroma))

    def _linear(self, chroma: float) -> tuple[float, float, float]:
        return linear_of_oklab(self.lightness, chroma * math.cos(self.hue), chroma * math.sin(self.hue))


def light(accent: str, paper: str, ink: str) -> Palette:
    """The palette that the vendor chose, moved only where it could not be read."""
    grounds = (paper, mix(paper, WHITE, 0.55), mix(paper, accent, 0.1))
    strong = readable(ink, grounds, STRONG)
    fill, on_fill = fill_and_text(accent)
    return Palette(
        paper=grounds[0],
        surface=grounds[1],
        wash=grounds[2],
        ink=strong,
        muted=readable(mix(strong, paper, 0.32), grounds, TEXT),
        line=mix(paper, strong, 0.16),
        edge=readable(mix(paper, strong, 0.45), grounds, CONTROL),
        link=readable(accent, grounds, TEXT),
        accent=fill,
        on_accent=on_fill,
    )


def dark(accent: str, paper: str, ink: str) -> Palette:
    """The same store by night: its accent's hue in the dark grounds, its paper's hue in the text."""
    tone, warmth = Oklch.of(accent), Oklch.of(paper)
    tint = min(tone.chroma * 0.22, 0.022)
    grounds = (
        Oklch(0.175, tint, tone.hue).hex,
        Oklch(0.215, tint, tone.hue).hex,
        Oklch(0.255, tint * 1.6, tone.hue).hex,
    )
    strong = readable(Oklch(0.93, min(warmth.chroma, 0.02), warmth.hue).hex, grounds, STRONG)
    fill, on_fill = fill_and_text(readable(accent, grounds[:1], CONTROL))
    return Palette(
        paper=grounds[0],
        surface=grounds[1],
        wash=grounds[2],
        ink=strong,
        muted=readable(Oklch(0.74, min(warmth.chroma, 0.02), warmth.hue).hex, grounds, TEXT),
        line=mix(grounds[0], strong, 0.18),
        edge=readable(mix(grounds[0], strong, 0.4), grounds, CONTROL),
        link=readable(replace(tone, lightness=max(tone.lightness, 0.74)).hex, grounds, TEXT),
        accent=fill,
        on_accent=on_fill,
    )


def schemes(accent: str, paper: str, ink: str) -> dict[str, tuple[str, str]]:
    """Each token's (light, dark) pair."""
    by_day, by_night = light(accent, paper, ink), dark(accent, paper, ink)
    return {token.name: (getattr(by_day, token.name), getattr(by_night, token.name)) for token in fields(Palette)}


def contrast(one: str, other: str) -> float:
    """The WCAG contrast ratio, 1 to 21."""
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def readable(colour: str, grounds: Iterable[str], ratio: float) -> str:
    """``colour``, moved away from its grounds in steps of lightness until it has ``ratio`` on each of them."""
    grounds = tuple(grounds)
    away = -STEP if min(map(luminance, grounds)) > 0.18 else STEP
    tone = Oklch.of(colour)
    moved = colour
    while any(contrast(moved, ground) < ratio for ground in grounds) and 0 < tone.lightness < 1:
        tone = replace(tone, lightness=min(1.0, max(0.0, tone.lightness + away)))
        moved = tone.hex
    return moved


def fill_and_text(colour: str) -> tuple[str, str]:
    """A filled control and the text upon it: white where that needs little change, else near-black of the same hue."""
    tone = Oklch.of(colour)
    if contrast(colour, WHITE) >= CONTROL:
        return readable(colour, (WHITE,), TEXT), WHITE
    text = readable(Oklch(0.22, min(tone.chroma, 0.04), tone.hue).hex, (colour,), TEXT)
    return colour, text


def mix(one: str, other: str, share: float) -> str:
    """``one`` with ``share`` (0 to 1) of ``other`` in it, mixed in OKLab."""
    parts = [a + (b - a) * share for a, b in zip(oklab(one), oklab(other), strict=True)]
    return Oklch(parts[0], math.hypot(parts[1], parts[2]), math.atan2(parts[2], parts[1])).hex


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(colour: str) -> tuple[float, float, float]:
    """The linear-light parts (0 to 1) of #rrggbb."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return red, green, blue


def gamma(part: float) -> float:
    return 12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055


def oklab(colour: str) -> tuple[float, float, float]:
    red, green, blue = linear(colour)
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    middle = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def linear_of_oklab(lightness: float, a: float, b: float) -> tuple[float, float, float]:
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )

"""A store's palette: three colours chosen by the vendor, extended to a readable light and dark scheme.

Colours are mixed in OKLCH (https://bottosson.github.io/posts/oklab/), where equal steps look equal; contrast is that
of WCAG 2.2 (relative luminance). The lightness of a colour with too little contrast is changed until it passes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

TEXT_CONTRAST = 4.5  # WCAG 1.4.3
STRONG_CONTRAST = 7.0  # WCAG 1.4.6, for running text
CONTROL_CONTRAST = 3.0  # WCAG 1.4.11, for the edges of fields
VISIBLE_CONTRAST = 1.5  # below it a button is not seen at all
WHITE = "#ffffff"
LIGHTNESS_STEP = 0.01


@dataclass(frozen=True, slots=True)
class Palette:
    """Hold the hex colours of one scheme; text is readable on ``paper``, ``surface`` and ``wash``."""

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
    """Represent a colour in OKLCH; the hue is in radians."""

    lightness: float
    chroma: float
    hue: float

    @classmethod
    def from_hex(cls, colour: str) -> Oklch:
        """Convert ``#rrggbb``."""
        lightness, a, b = oklab(colour)
        return cls(lightness, math.hypot(a, b), math.atan2(b, a))

    @property
    def hex(self) -> str:
        """Return the nearest sRGB colour, with chroma reduced until it is in gamut."""
        chroma = self.chroma
        while chroma > 0 and not all(-0.0005 <= part <= 1.0005 for part in self._linear(chroma)):
            chroma = max(0.0, chroma - 0.004)
        return "#" + "".join(
            f"{round(255 * gamma_encode(min(1.0, max(0.0, part)))):02x}" for part in self._linear(chroma)
        )

    def _linear(self, chroma: float) -> tuple[float, float, float]:
        return oklab_to_linear_rgb(self.lightness, chroma * math.cos(self.hue), chroma * math.sin(self.hue))


def light_palette(accent: str, paper: str, ink: str) -> Palette:
    """Build the light scheme: the vendor's colours, changed only if unreadable."""
    backgrounds = (paper, mix(paper, WHITE, 0.55), mix(paper, accent, 0.1))
    strong = ensure_contrast(ink, backgrounds, STRONG_CONTRAST)
    fill, on_fill = fill_and_text(accent)
    return Palette(
        paper=backgrounds[0],
        surface=backgrounds[1],
        wash=backgrounds[2],
        ink=strong,
        muted=ensure_contrast(mix(strong, paper, 0.32), backgrounds, TEXT_CONTRAST),
        line=mix(paper, strong, 0.16),
        edge=ensure_contrast(mix(paper, strong, 0.45), backgrounds, CONTROL_CONTRAST),
        link=ensure_contrast(accent, backgrounds, TEXT_CONTRAST),
        accent=fill,
        on_accent=on_fill,
    )


def dark_palette(accent: str, paper: str, ink: str) -> Palette:
    """Build the dark scheme: the accent's hue in the backgrounds, the paper's hue in the text."""
    tone, warmth = Oklch.from_hex(accent), Oklch.from_hex(paper)
    tint = min(tone.chroma * 0.22, 0.022)
    backgrounds = (
        Oklch(0.175, tint, tone.hue).hex,
        Oklch(0.215, tint, tone.hue).hex,
        Oklch(0.255, tint * 1.6, tone.hue).hex,
    )
    strong = ensure_contrast(Oklch(0.93, min(warmth.chroma, 0.02), warmth.hue).hex, backgrounds, STRONG_CONTRAST)
    fill, on_fill = fill_and_text(ensure_contrast(accent, backgrounds[:1], CONTROL_CONTRAST))
    return Palette(
        paper=backgrounds[0],
        surface=backgrounds[1],
        wash=backgrounds[2],
        ink=strong,
        muted=ensure_contrast(Oklch(0.74, min(warmth.chroma, 0.02), warmth.hue).hex, backgrounds, TEXT_CONTRAST),
        line=mix(backgrounds[0], strong, 0.18),
        edge=ensure_contrast(mix(backgrounds[0], strong, 0.4), backgrounds, CONTROL_CONTRAST),
        link=ensure_contrast(replace(tone, lightness=max(tone.lightness, 0.74)).hex, backgrounds, TEXT_CONTRAST),
        accent=fill,
        on_accent=on_fill,
    )


def light_dark_pairs(accent: str, paper: str, ink: str) -> dict[str, tuple[str, str]]:
    """Return each design token's (light, dark) pair."""
    light, dark = light_palette(accent, paper, ink), dark_palette(accent, paper, ink)
    return {token.name: (getattr(light, token.name), getattr(dark, token.name)) for token in fields(Palette)}


def contrast(one: str, other: str) -> float:
    """Return the WCAG contrast ratio of two colours, 1 to 21."""
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def ensure_contrast(colour: str, backgrounds: Iterable[str], ratio: float) -> str:
    """Return ``colour``, lightened or darkened in steps until its contrast to each background is ``ratio``."""
    backgrounds = tuple(backgrounds)
    step = -LIGHTNESS_STEP if min(map(luminance, backgrounds)) > 0.18 else LIGHTNESS_STEP
    tone = Oklch.from_hex(colour)
    moved = colour
    while any(contrast(moved, background) < ratio for background in backgrounds) and 0 < tone.lightness < 1:
        tone = replace(tone, lightness=min(1.0, max(0.0, tone.lightness + step)))
        moved = tone.hex
    return moved


def fill_and_text(colour: str) -> tuple[str, str]:
    """Return the colours of a filled control and of its text: white if that needs little change, else near-black."""
    tone = Oklch.from_hex(colour)
    if contrast(colour, WHITE) >= CONTROL_CONTRAST:
        return ensure_contrast(colour, (WHITE,), TEXT_CONTRAST), WHITE
    text = ensure_contrast(Oklch(0.22, min(tone.chroma, 0.04), tone.hue).hex, (colour,), TEXT_CONTRAST)
    return colour, text


def mix(one: str, other: str, share: float) -> str:
    """Mix a ``share`` (0 to 1) of ``other`` into ``one``, in OKLab."""
    parts = [a + (b - a) * share for a, b in zip(oklab(one), oklab(other), strict=True)]
    return Oklch(parts[0], math.hypot(parts[1], parts[2]), math.atan2(parts[2], parts[1])).hex


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.2, 0 to 1."""
    red, green, blue = linear_rgb(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear_rgb(colour: str) -> tuple[float, float, float]:
    """Return the linear-light components (0 to 1) of ``#rrggbb``."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return red, green, blue


def gamma_encode(part: float) -> float:
    """Encode a linear component with the sRGB transfer function."""
    return 12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055


def oklab(colour: str) -> tuple[float, float, float]:
    """Convert ``#rrggbb`` to OKLab."""
    red, green, blue = linear_rgb(colour)
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    middle = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def oklab_to_linear_rgb(lightness: float, a: float, b: float) -> tuple[float, float, float]:
    """Convert OKLab to linear sRGB."""
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )


def faults(accent: str, paper: str, ink: str) -> dict[str, str]:
    """Return which of a vendor's colours cannot be used, and why, in words; the palettes mend smaller lacks."""
    found = {}
    if (ratio := contrast(ink, paper)) < TEXT_CONTRAST:
        found["ink"] = (
            f"Text in this ink cannot be read on this paper: the contrast is {ratio:.1f} to 1, and text needs "
            f"{TEXT_CONTRAST} to 1. Take a darker ink or a lighter paper."
        )
    if (ratio := contrast(accent, paper)) < VISIBLE_CONTRAST:
        found["accent"] = (
            f"Buttons in this accent do not show on this paper: the contrast is {ratio:.1f} to 1, and it needs "
            f"{VISIBLE_CONTRAST} to 1. Take a stronger accent."
        )
    return found

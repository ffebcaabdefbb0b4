"""A store's colours can be read in both schemes, whatever the vendor chose."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendors.palette import (
    CONTROL_CONTRAST,
    TEXT_CONTRAST,
    contrast,
    dark_palette,
    fill_and_text,
    light_dark_pairs,
    light_palette,
    luminance,
    mix,
)

ROOT = Path(__file__).resolve().parents[3]
DEMO = sorted((ROOT / "deploy/demo/catalogue").glob("*.toml"))
colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def demo_vendors():
    for path in DEMO:
        vendor = tomllib.loads(path.read_text())
        if "accent" in vendor:
            yield pytest.param(vendor["accent"], vendor["paper"], vendor["ink"], id=path.stem)


def unreadable(palette):
    """Each pair of text and ground that falls short, with its ratio."""
    grounds = (palette.paper, palette.surface, palette.wash)
    pairs = [(text, ground, TEXT_CONTRAST) for text in (palette.ink, palette.muted, palette.link) for ground in grounds]
    pairs += [(palette.edge, ground, CONTROL_CONTRAST) for ground in grounds]
    pairs.append((palette.on_accent, palette.accent, TEXT_CONTRAST))
    return [(text, ground, contrast(text, ground)) for text, ground, least in pairs if contrast(text, ground) < least]


def test_contrast_known_values():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", [light_palette, dark_palette])
@pytest.mark.parametrize(("accent", "paper", "ink"), list(demo_vendors()))
def test_palette_of_demo_vendor(scheme, accent, paper, ink):
    assert unreadable(scheme(accent, paper, ink)) == []


@given(accent=colours, ink=colours, lightness=st.floats(0, 0.4))
def test_palette_of_any_light_paper(accent, ink, lightness):
    paper = mix("#ffffff", accent, lightness * 0.3)

    assert unreadable(light_palette(accent, paper, ink)) == []
    assert unreadable(dark_palette(accent, paper, ink)) == []


@given(accent=colours)
def test_palette_where_ink_equals_paper(accent):
    assert unreadable(light_palette(accent, "#f5f5f5", "#f5f5f5")) == []


@given(colour=colours)
def test_filled_control(colour):
    fill, text = fill_and_text(colour)

    assert contrast(fill, text) >= TEXT_CONTRAST


def test_dark_grounds_are_dark():
    palette = dark_palette("#ffdd00", "#ffffff", "#000000")

    assert max(map(luminance, (palette.paper, palette.surface, palette.wash))) < 0.05


def test_schemes_name_every_token_of_the_style():
    declared = set(re.findall(r"--([a-z-]+): light-dark", (ROOT / "mall/page_css/tokens.css").read_text()))

    assert {name.replace("_", "-") for name in light_dark_pairs("#1f5f5b", "#faf8f4", "#22201c")} <= declared


def test_the_malls_own_palette():
    css = (ROOT / "mall/page_css/tokens.css").read_text()
    pairs = re.findall(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", css)
    single = re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", css)
    for scheme in (0, 1):
        token = {name: both[scheme] for name, *both in pairs} | dict(single)
        texts = [(text, ground) for text in ("ink", "muted", "link") for ground in ("paper", "surface", "wash")]
        texts += [("on-accent", "accent"), ("on-frame", "frame"), ("frame-muted", "frame-field"), ("on-lamp", "lamp")]
        texts += [(state, f"{state}-wash") for state in ("good", "warn", "bad")]
        texts += [("ink", f"{state}-wash") for state in ("good", "warn", "bad")]
        texts += [("lamp", "frame"), ("bad", "paper"), ("bad", "surface")]

        assert [(a, b) for a, b in texts if contrast(token[a], token[b]) < TEXT_CONTRAST] == []
        assert [
            ground
            for ground in ("paper", "surface", "wash")
            if contrast(token["edge"], token[ground]) < CONTROL_CONTRAST
        ] == []

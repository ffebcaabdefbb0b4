"""Look at pages with axe-core (WCAG 2.2 A and AA), and at whether they fit their window."""

from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page

from tests.e2e.farm import Farm
from tests.e2e.shopper import MASTER

SCRIPT = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


class Look(NamedTuple):
    """How a shopper sees a page."""

    width: int
    scheme: str
    language: str

    @property
    def options(self) -> dict:
        """Return what a browser needs for it, and for axe: a page's CSP lets no script in."""
        return {
            "viewport": {"width": self.width, "height": 900}, "color_scheme": self.scheme, "bypass_csp": True,
        }  # fmt: skip

    def choose(self, page: Page, farm: Farm, path: str = "/about/") -> None:
        """Choose the language at the foot of a page of the master; it is that of all pages from then on."""
        page.goto(farm.url(MASTER, path))
        page.locator(f"footer [name=language][value={self.language}]").press("Enter")
        page.wait_for_function("language => document.documentElement.lang.startsWith(language)", arg=self.language[:2])


SIZES = [(320, "dark"), (1280, "light"), (320, "light"), (1280, "dark")]
ONE_BY_ONE = ("de", "en-ie", "de", "en-ie")
LOOKS = [Look(*size, language) for size, language in zip(SIZES, ONE_BY_ONE, strict=True)]
LOOKS += [Look(*size, "en-ie" if language == "de" else "de") for size, language in zip(SIZES, ONE_BY_ONE, strict=True)]


def faults_of(page: Page, *, is_whole: bool = True) -> list[str]:
    """Return the faults of the page that is shown, whose CSP is bypassed; of its width only, if not `is_whole`."""
    faults = []
    if is_whole:
        if not SCRIPT.exists():
            pytest.skip("axe-core of package.json is not installed")
        page.evaluate(SCRIPT.read_text())
        violations = page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]
        faults = [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in violations]
    if page.evaluate("document.documentElement.scrollWidth") > page.viewport_size["width"]:
        faults.append("wider than the window")
    return faults

"""Every kind of letter in a browser, as a mail program would show it: light and dark, wide and narrow.

``LETTERS=/tmp/letters SCALE=4 pytest tests/e2e/test_letters.py`` leaves a picture of each there, to be looked at.
"""

import os
from pathlib import Path

import pytest

from mall.admin_site.mail_kinds import BY_NAME
from tests.e2e.test_admin_look import AXE, WCAG
from vendors.mail import Sender, render_mail

SENDER = Sender("The mall", "https://mall.example/", "help@mall.example", "The mall")
LOOKS = [(320, "dark"), (600, "light"), (320, "light"), (600, "dark")]
ONCE = 6  # kinds that axe looks at in a short run: one of each shape
PICTURES = os.environ.get("LETTERS")


@pytest.fixture(scope="module")
def letters():
    return {name: render_mail(kind, sender=SENDER, context=kind.sample())[2] for name, kind in BY_NAME.items()}


def test_letters_fit_pass_axe_and_fetch_nothing(letters, new_page, scale):
    if not AXE.exists():
        pytest.skip("axe-core of package.json is not installed")
    found, fetched = [], []
    looked_at = set(list(letters)[:: len(letters) // ONCE] if scale == 1 else letters)
    for width, scheme in LOOKS[:scale]:
        page = new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.on("request", lambda request: fetched.append(request.url))
        for name, html in letters.items():
            page.set_content(html)
            if page.evaluate("document.documentElement.scrollWidth") > width:
                found.append((name, width, "wider than the window"))
            if name in looked_at:
                page.evaluate(AXE.read_text())
                violations = page.evaluate("rules => axe.run(document, rules)", WCAG)["violations"]
                found += [(name, scheme, each["id"], each["nodes"][0]["html"][:120]) for each in violations]
            if PICTURES:
                page.screenshot(path=Path(PICTURES) / f"{name}-{width}-{scheme}.png", full_page=True)
        assert page.faults == []
    assert found == []
    assert fetched == []

"""Every kind of letter in a browser, as a mail program would show it: light and dark, wide and narrow.

``LETTERS=/tmp/letters SCALE=4 pytest tests/e2e/test_letters.py`` leaves a picture of each there, to be looked at.
"""

import os
from pathlib import Path

import pytest
from django.utils import translation

from mall.admin_site.mail_kinds import BY_NAME
from tests.e2e.axe import faults_of
from vendors.mail import Sender, render_mail

SENDER = Sender("The mall", "https://mall.example/", "help@mall.example", "The mall")
LANGUAGES = ("de", "en-ie")
SIZES = [(320, "dark"), (600, "light"), (320, "light"), (600, "dark")]
LOOKS = [(*size, LANGUAGES[(place + turn) % 2]) for turn in range(2) for place, size in enumerate(SIZES)]
ONCE = 6  # kinds that axe looks at in a short run: one of each shape
PICTURES = os.environ.get("LETTERS")


@pytest.fixture(scope="module")
def letters():
    """Each kind's HTML, by language."""
    found = {}
    for language in LANGUAGES:
        with translation.override(language):
            found[language] = {
                name: render_mail(kind, sender=SENDER, context=kind.sample())[2] for name, kind in BY_NAME.items()
            }
    return found


def test_letters_fit_pass_axe_and_fetch_nothing(letters, new_page, scale):
    found, fetched = [], []
    looked_at = set(list(BY_NAME)[:: len(BY_NAME) // ONCE] if scale == 1 else BY_NAME)
    for width, scheme, language in LOOKS[:scale]:
        page = new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.on("request", lambda request: fetched.append(request.url))
        for name, html in letters[language].items():
            page.set_content(html)
            found += [(name, width, scheme, language, fault) for fault in faults_of(page, is_whole=name in looked_at)]
            if PICTURES:
                page.screenshot(path=Path(PICTURES) / f"{name}-{width}-{scheme}-{language}.png", full_page=True)
        assert page.faults == []
    assert found == []
    assert fetched == []

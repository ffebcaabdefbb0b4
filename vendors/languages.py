"""The languages that shoppers read, by Django's codes: which there are, and what others call them."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.utils.translation import get_language, to_locale

CHOICE: Final = "language"  # the session's variable, the parameter of an address, and the field of the form
CODE_LENGTH: Final = 10


def codes() -> list[str]:
    """Return the codes of the languages on offer."""
    return [code for code, _ in settings.LANGUAGES]


def current() -> str:
    """Return the code of the language that is written now."""
    found = get_language() or settings.LANGUAGE_CODE
    return found if found in codes() else settings.LANGUAGE_CODE


def known(code: object) -> str:
    """Return a code that is on offer, '' for any other text."""
    return code if isinstance(code, str) and code in codes() else ""


def tag_of(code: str) -> str:
    """Return the tag of BCP 47, as pages, letters and headers name a language: en-IE, de."""
    language, _, country = code.partition("-")
    return f"{language}-{country.upper()}" if country else language


def babel_locale() -> str:
    """Return the name under which Babel has the signs of the language that is written now: en_IE, de."""
    return to_locale(current())


def without_choice(address: str) -> str:
    """Return an address that names no language any more."""
    parts = urlsplit(address)
    if f"{CHOICE}=" not in parts.query:
        return address
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != CHOICE]
    return urlunsplit(parts._replace(query=urlencode(kept)))

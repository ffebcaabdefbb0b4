"""The style sheet of the shoppers' pages: one file for browsers, made of the parts in ``page_css/`` (ADR 94)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

NAME = "mall/css/page.css"
HERE = Path(__file__).parent
SHEET = HERE / "static" / NAME  # git ignores it
PARTS_FOLDER = HERE / "page_css"
PARTS = ("reset", "tokens", "base", "layout", "components", "pages")  # the first names the layers in their order


class PageSheetFinder(BaseFinder):
    """Bring the sheet up to date as collectstatic and WhiteNoise look for static files, so that nobody has to build it.

    The finder after it, of the apps' folders, then finds it as it does any other file.
    """

    def find(self, path: str, find_all: bool = False) -> list[str]:  # type: ignore[override]  # noqa: FBT001, FBT002 -- Django's signature
        """Return nothing; where the sheet is looked for, it is as its parts are now."""
        if path == NAME:
            write_sheet()
        return []

    def list(self, ignore_patterns: Sequence[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:  # type: ignore[override]
        """Yield nothing; the sheet is as its parts are now."""
        write_sheet()
        yield from ()


def sheet_text() -> str:
    """Return the text of the sheet: its parts one after another."""
    return "\n".join((PARTS_FOLDER / f"{part}.css").read_text() for part in PARTS)


def write_sheet() -> None:
    """Write the sheet where its file is missing or old; a reader never sees half of it."""
    text = sheet_text()
    if SHEET.exists() and SHEET.read_text() == text:
        return
    half = SHEET.with_suffix(f".{os.getpid()}")
    half.write_text(text)
    half.replace(SHEET)

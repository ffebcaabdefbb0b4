"""The shoppers' pages have one style sheet, which nobody builds: it is made where static files are looked for."""

from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command

from mall import page_sheet


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Parts and a sheet of this test's own."""
    for part in page_sheet.PARTS:
        (tmp_path / f"{part}.css").write_text(f".{part} {{}}\n")
    monkeypatch.setattr(page_sheet, "PARTS_FOLDER", tmp_path)
    monkeypatch.setattr(page_sheet, "SHEET", tmp_path / "page.css")
    return tmp_path


def test_each_part_is_in_the_sheet():
    assert {path.stem for path in page_sheet.PARTS_FOLDER.glob("*.css")} == set(page_sheet.PARTS)
    assert Path(finders.find(page_sheet.NAME)).read_text() == page_sheet.sheet_text()


def test_the_sheet_follows_its_parts(parts):
    finders.find(page_sheet.NAME)
    assert page_sheet.SHEET.read_text().split() == [word for part in page_sheet.PARTS for word in (f".{part}", "{}")]
    (parts / "pages.css").write_text(".new {}\n")
    finders.find(page_sheet.NAME)
    assert ".new" in page_sheet.SHEET.read_text()


def test_another_file_makes_no_sheet(parts):
    finders.find("mall/js/mall.js")
    assert not page_sheet.SHEET.exists()


def test_a_tree_that_cannot_be_written_does_with_a_sheet_that_is_right(parts):
    page_sheet.write_sheet()
    before = page_sheet.SHEET.stat().st_mtime_ns
    page_sheet.write_sheet()
    assert page_sheet.SHEET.stat().st_mtime_ns == before


def test_collected_it_has_a_name_of_its_content(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    }
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["admin", "*.js", "*.svg"])
    assert len(list(tmp_path.glob("mall/css/page.*.css"))) == 1

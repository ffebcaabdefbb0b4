"""Cells as people type them, and as Excel makes them: days, moments, pieces, yes and no."""

import pytest
import time_machine
from django.utils import timezone

from vendors.sheets.cells import read_begin, read_cell, read_end, read_flag, read_pieces
from vendors.sheets.errors import CellError

SPRING, AUTUMN = "29.03.2026 01:30", "25.10.2026 01:30"


@pytest.mark.parametrize(
    ("text", "begin"),
    [
        ("31.12.2026", "2026-12-31T00:00:00+00:00"),
        ("1.7.2026", "2026-07-01T00:00:00+01:00"),
        ("01. 07. 2026 9:05", "2026-07-01T09:05:00+01:00"),
        ("2026-12-31", "2026-12-31T00:00:00+00:00"),
        ("2026-12-31 18:00", "2026-12-31T18:00:00+00:00"),
        ("2026-12-31T18:00:07.5", "2026-12-31T18:00:07+00:00"),
        ("2026-07-01T18:00:00+02:00", "2026-07-01T17:00:00+01:00"),
        ("2026-07-01 18:00Z", "2026-07-01T19:00:00+01:00"),
        ("46387", "2026-12-31T00:00:00+00:00"),
        ("46387.75", "2026-12-31T18:00:00+00:00"),
        ("46387,75", "2026-12-31T18:00:00+00:00"),
        (AUTUMN, "2026-10-25T01:30:00+01:00"),
    ],
)
def test_moments_are_read_in_the_malls_zone(text, begin):
    assert read_cell(text, read_begin).isoformat() == begin


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("31.12.2026", "2027-01-01T00:00:00+00:00"),
        ("28.3.2026", "2026-03-29T00:00:00+00:00"),
        ("29.3.2026", "2026-03-30T00:00:00+01:00"),
        ("46387", "2027-01-01T00:00:00+00:00"),
        ("31.12.2026 00:00", "2026-12-31T00:00:00+00:00"),
    ],
)
def test_a_day_alone_is_within_the_sale(text, end):
    assert read_end(text).isoformat() == end


@pytest.mark.parametrize(
    "text",
    ["12/31/2026", "tomorrow", "31.13.2026", "30.2.2026", "2026-1-1 25:00", "31.12.26", SPRING, "123", "9999-12-31"],
)
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(CellError):
        read_end(text)


@pytest.mark.parametrize(("text", "pieces"), [("5", 5), ("5.0", 5), ("5,00", 5), ("-1", -1), ("+2", 2), ("0", 0)])
def test_pieces(text, pieces):
    assert read_pieces(text) == pieces


@pytest.mark.parametrize("text", ["1.000", "1,5", "five", "1e3", "9" * 30, "1000000001", "--1", "٣"])
def test_what_is_no_number_of_pieces_is_refused(text):
    with pytest.raises(CellError, match="is no number of pieces"):
        read_pieces(text)


def test_yes_and_no():
    assert [read_flag(text) for text in ("yes", "WAHR", "x", "No", "falsch", "0")] == [True] * 3 + [False] * 3
    with pytest.raises(CellError):
        read_flag("perhaps")


def test_a_cell_has_no_spaces_around_it_and_one_kind_of_line_end():
    assert read_cell("  '=x\r\ny  ", str) == "'=x\ny"
    assert read_cell("'=x\r\ny  ", str) == "=x\ny"
    assert read_cell("   ", str) == ""


@time_machine.travel("2026-07-01")
def test_the_zone_is_the_malls():
    assert timezone.get_current_timezone_name() == "Europe/Dublin"

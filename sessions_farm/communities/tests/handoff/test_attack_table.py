"""ATTACKS.md names tests that are there: at least the 26 groups of attacks that the hand-off was designed against."""

from pathlib import Path

import pytest

from sessions_farm.tests.support.named_tests import missing_tests, rows_of

APP = Path(__file__).parents[2]
FOLDERS = (APP / "tests", APP.parent / "tests")
ROWS = rows_of(APP / "ATTACKS.md")


def test_table_has_every_group_of_attacks():
    assert [int(number) for number, _ in ROWS] == list(range(1, len(ROWS) + 1))
    assert len(ROWS) >= 26


@pytest.mark.parametrize("cell", [cell for _, cell in ROWS], ids=[number for number, _ in ROWS])
def test_row_names_tests_that_are_there(cell):
    assert missing_tests(cell, FOLDERS) == []

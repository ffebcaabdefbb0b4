"""support_watch/FAULTS.md names tests that are there, a row for each fault."""

from pathlib import Path

import pytest

from sessions_farm.tests.support.named_tests import missing_tests, rows_of

TESTS = Path(__file__).parents[2]
FOLDERS = [TESTS / "unit" / "support_watch", TESTS / "integration" / "support_watch", TESTS / "e2e"]
ROWS = rows_of(TESTS.parent / "support_watch" / "FAULTS.md")


def test_table_has_each_fault():
    assert [number for number, _ in ROWS] == [f"E{number}" for number in range(1, 21)]


@pytest.mark.parametrize(("number", "cell"), ROWS, ids=[number for number, _ in ROWS])
def test_row_names_tests_that_are_there(number, cell):
    assert missing_tests(cell, FOLDERS) == []

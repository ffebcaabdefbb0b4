"""shipping/FAULTS.md names tests that are there, a row for each fault and trap."""

from pathlib import Path

import pytest

from sessions_farm.tests.support.named_tests import missing_tests, rows_of

TESTS = Path(__file__).parents[2]
FOLDERS = [TESTS / "unit" / "shipping", TESTS / "integration" / "shipping", TESTS / "integration" / "aftersale"]
ROWS = rows_of(TESTS.parent / "shipping" / "FAULTS.md")


def test_table_has_each_fault_and_trap():
    every = [*(f"D{number}" for number in range(1, 29)), *(f"T{number}" for number in range(1, 10))]
    assert [number for number, _ in ROWS] == every


@pytest.mark.parametrize(("number", "cell"), ROWS, ids=[number for number, _ in ROWS])
def test_row_names_tests_that_are_there(number, cell):
    assert missing_tests(cell, FOLDERS) == []


def test_name_that_is_no_test_is_noticed():
    assert missing_tests("`test_keys.py::test_nothing`, `test_absent.py`", FOLDERS) == [
        "test_keys.py::test_nothing",
        "test_absent.py::",
    ]

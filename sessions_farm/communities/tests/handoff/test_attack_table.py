"""ATTACKS.md names tests that are there: at least the 26 groups of attacks that the hand-off was designed against."""

import ast
import re
from pathlib import Path

import pytest

APP = Path(__file__).parents[2]
FOLDERS = (APP / "tests", APP.parent / "tests")
ROWS = re.findall(r"^\| (\d+) \|.*\|([^|]+)\|$", (APP / "ATTACKS.md").read_text(), re.MULTILINE)


def test_table_has_every_group_of_attacks():
    assert [int(number) for number, _ in ROWS] == list(range(1, len(ROWS) + 1))
    assert len(ROWS) >= 26


@pytest.mark.parametrize("cell", [cell for _, cell in ROWS], ids=[number for number, _ in ROWS])
def test_row_names_tests_that_are_there(cell):
    named = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", cell)
    assert named
    for file, test in named:
        trees = [ast.parse((folder / file).read_text()) for folder in FOLDERS if (folder / file).exists()]
        assert trees, file
        tests = {node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert not test or test in tests, test

"""Tables of faults and attacks: the tests that their rows name, looked up without running them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

ROW = re.compile(r"^\| ([DET]?\d+) \|.*\|([^|]+)\|$", re.MULTILINE)


def rows_of(table: Path) -> list[tuple[str, str]]:
    """Return the number of each row, and its last cell."""
    return ROW.findall(table.read_text())


def missing_tests(cell: str, folders: Iterable[Path]) -> list[str]:
    """Return the names in a cell that are no test of those folders; a cell that names none is itself missing."""
    named = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", cell)
    return [f"{file}::{test}" for file, test in named if not _is_there(file, test, folders)] if named else [cell]


def _is_there(file: str, test: str, folders: Iterable[Path]) -> bool:
    trees = [ast.parse((folder / file).read_text()) for folder in folders if (folder / file).exists()]
    names = {
        node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    return bool(trees) and (not test or test in names)

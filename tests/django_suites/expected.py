"""Compare the failures of a run with the table of those that are explained (``expected.toml``)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

TABLE = Path(__file__).with_name("expected.toml")


def explained() -> dict[str, str]:
    """Return the reason of each explained failure, by the test's dotted name."""
    return tomllib.loads(TABLE.read_text())


def complaints(failed: Iterable[str], labels: Iterable[str], reasons: Mapping[str, str]) -> list[str]:
    """Return a line for each failure without a reason, and for each reason whose test, below the labels, passes."""
    failed = set(failed)
    beginnings = tuple(f"{label}." for label in labels)
    stale = {test for test in reasons if test.startswith(beginnings)} - failed
    return [f"fails unexplained: {test}" for test in sorted(failed - set(reasons))] + [
        f"is explained, but passes: {test}" for test in sorted(stale)
    ]

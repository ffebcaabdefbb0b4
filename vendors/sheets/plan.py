"""The plan of an import: the changes of each row, or its faults; the preview is its text, row by row."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

NEW_PRODUCT, NEW_VARIANT, CHANGED, UNCHANGED = "new product", "new variant", "changed", ""
HEADINGS = ("Row", "SKU", "What", "Column", "From", "To")

type Difference = tuple[str, str, str]  # a column's heading, from, to


@dataclass(slots=True)
class Line:
    """Hold a row of the file: its values by column, its faults in words, and its differences from the shop."""

    number: int
    values: dict[str, Any] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    what: str = UNCHANGED
    differences: list[Difference] = field(default_factory=list)

    @property
    def sku(self) -> str:
        """Return the SKU as it is in the file; '' where there is none."""
        return str(self.values.get("sku", ""))

    def refuse(self, column: str, words: str) -> None:
        """Add a fault of a column."""
        self.faults.append(f"{column}: {words}")

    def change(self, column: str, before: object, after: object) -> None:
        """Add a difference; a row that was the same is a changed one then."""
        self.differences.append((column, in_words(before), in_words(after)))
        self.what = self.what or CHANGED


@dataclass(slots=True)
class Plan:
    """Hold the rows of a file with the changes of each, and the writes of all."""

    lines: list[Line]
    writes: Any = None

    @property
    def faulty(self) -> list[Line]:
        """Return the rows with a fault."""
        return [line for line in self.lines if line.faults]

    def counts(self) -> dict[str, int]:
        """Return the number of rows by their kind of change."""
        return dict(Counter(line.what or "unchanged" for line in self.lines))

    def preview(self) -> list[tuple[str, ...]]:
        """Return every difference as a row of texts under HEADINGS; an unchanged row has none."""
        return [
            (str(line.number), line.sku, line.what, *difference)
            for line in self.lines
            for difference in line.differences
        ]


def in_words(value: object) -> str:
    """Return a value as the preview shows it."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)

"""A kind of spreadsheet: its columns, the rows that it is made from, and the plan that it is imported by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from vendors.models import Vendor
from vendors.sheets.cells import Reader, read_cell
from vendors.sheets.errors import CellError, FileRefusedError
from vendors.sheets.plan import Line, Plan
from vendors.sheets.reading import Row, Table, heading_key
from vendors.sheets.writing import Value

type Progress = Callable[[int], None]

SHEETS: dict[str, Sheet] = {}
STEP = 500  # rows between two reports of progress


@dataclass(frozen=True, slots=True)
class Column:
    """Hold a column: the name of its value, its heading, whether a file needs it, and an example."""

    name: str
    heading: str
    help: str
    example: Value = None
    is_needed: bool = False
    is_shown_only: bool = False


class Sheet(ABC):
    """Describe one kind of spreadsheet. A subclass registers itself under ``name``."""

    name: ClassVar[str]
    title: ClassVar[str]
    columns: ClassVar[tuple[Column, ...]]
    can_import: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__:
            SHEETS[cls.name] = cls()

    @property
    def headings(self) -> list[str]:
        """Return the headings in order."""
        return [column.heading for column in self.columns]

    @abstractmethod
    def rows(self, vendor: Vendor) -> Iterator[Sequence[Value]]:
        """Yield the cells of a vendor's own rows."""

    def example(self, vendor: Vendor) -> list[list[Value]]:
        """Return the rows of the example file."""
        return [[column.example for column in self.columns]]


class ImportableSheet(Sheet):
    """Describe a spreadsheet that is imported, too."""

    @abstractmethod
    def readers(self, vendor: Vendor) -> dict[str, Reader]:
        """Return the reader of each column that is read, by name."""

    @abstractmethod
    def lock(self, vendor: Vendor, lines: list[Line]) -> None:
        """Lock the rows that lines are about, in the order of all services; within a transaction."""

    @abstractmethod
    def compare(self, vendor: Vendor, lines: list[Line], present: set[str]) -> Any:
        """Compare lines with the vendor's rows: add faults and differences; return the writes."""

    @abstractmethod
    def write(self, writes: Any, user: Any, now: datetime) -> None:
        """Write the writes of ``compare``, in bulk and with the audit log; within the transaction of ``lock``."""

    def parse(self, vendor: Vendor, table: Table, progress: Progress = lambda _: None) -> list[Line]:
        """Return the rows of a table with their values and the faults of single cells. Raise FileRefusedError."""
        columns = self._columns_of(table)
        readers, lines = self.readers(vendor), []
        for count, row in enumerate(table.rows, start=1):
            lines.append(_line(row, columns, readers))
            if count % STEP == 0:
                progress(count)
        _refuse_doubled(lines)
        return lines

    def plan(self, vendor: Vendor, table: Table, lines: list[Line]) -> Plan:
        """Return the plan for parsed lines."""
        present = {column.name for column in self._columns_of(table).values()}
        return Plan(lines, self.compare(vendor, lines, present))

    def _columns_of(self, table: Table) -> dict[str, Column]:
        """Return the columns of a table by the key of their heading. Raise FileRefusedError."""
        known = {heading_key(column.heading): column for column in self.columns}
        names = ", ".join(self.headings)
        for heading in table.headings:
            if heading_key(heading) not in known:
                raise FileRefusedError(f"There is no column “{heading[:60]}”. The columns are: {names}.")
        found = {heading_key(heading): known[heading_key(heading)] for heading in table.headings}
        for column in self.columns:
            if column.is_needed and column not in found.values():
                raise FileRefusedError(f"The column “{column.heading}” is missing.")
        return found


def _line(row: Row, columns: dict[str, Column], readers: dict[str, Reader]) -> Line:
    line = Line(row.number)
    for key, column in columns.items():
        if column.is_shown_only:
            continue
        try:
            line.values[column.name] = read_cell(row.texts.get(key, ""), readers[column.name])
        except CellError as error:
            line.values[column.name] = ""
            line.refuse(column.heading, str(error))
    return line


def _refuse_doubled(lines: list[Line]) -> None:
    """Refuse a SKU that is in two rows; both are named."""
    first: dict[str, Line] = {}
    for line in lines:
        if line.sku and line.sku in first:
            line.refuse("SKU", f"“{line.sku}” is in row {first[line.sku].number}, too.")
        first.setdefault(line.sku, line)

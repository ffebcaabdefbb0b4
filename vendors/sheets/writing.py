"""Writing of spreadsheets: XLSX with numbers and dates as such, CSV in two kinds; no cell is a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import models
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from vendors.sheets import neutral
from vendors.sheets.errors import CellError

type Value = str | int | Decimal | datetime | None

BOM = "\ufeff"  # without it Excel takes a CSV for the encoding of Windows
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLSX_CELL = 32_767  # characters
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]|_(?=x[0-9A-Fa-f]{4}_)")


class Format(models.TextChoices):
    """List the formats of a file that is made."""

    XLSX = "xlsx", "Excel (XLSX)"
    CSV = "csv", "CSV: commas, 12.50"
    SEMICOLON = "semicolon", "CSV for Excel in German, French and others: semicolons, 12,50"

    @property
    def suffix(self) -> str:
        """Return the end of the file's name."""
        return "xlsx" if self is Format.XLSX else "csv"

    @property
    def content_type(self) -> str:
        """Return the file's media type."""
        return XLSX_TYPE if self is Format.XLSX else "text/csv; charset=utf-8"


@dataclass(frozen=True, slots=True)
class _Style:
    """Hold how a kind of CSV writes."""

    delimiter: str
    point: str
    moment: str


STYLES = {
    Format.CSV: _Style(",", ".", "%Y-%m-%d %H:%M:%S"),
    Format.SEMICOLON: _Style(";", ",", "%d.%m.%Y %H:%M:%S"),
}


def write(form: Format, headings: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    """Return a file with headings and rows; times are local already. Raise CellError where XLSX cannot hold a text."""
    if form is Format.XLSX:
        return _xlsx(headings, rows)
    style, text = STYLES[form], io.StringIO(newline="")
    writer = csv.writer(text, delimiter=style.delimiter, lineterminator="\r\n")
    writer.writerow(headings)
    writer.writerows([_csv_cell(value, style) for value in row] for row in rows)
    return (BOM + text.getvalue()).encode()


def _csv_cell(value: Value, style: _Style) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return value.strftime(style.moment)
        case Decimal():
            return f"{value:f}".replace(".", style.point)
        case int():
            return str(value)
    return neutral.escape(value)


def _xlsx(headings: Sequence[str], rows: Iterable[Sequence[Value]]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Sheet")
    sheet.freeze_panes = "A2"
    heads = [WriteOnlyCell(sheet, heading) for heading in headings]
    for position, head in enumerate(heads):
        head.font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(position + 1)].width = max(12, len(headings[position]) + 3)
    sheet.append(heads)
    try:
        for row in rows:
            sheet.append([_xlsx_cell(sheet, value) for value in row])
    except BaseException:
        sheet.close()
        sheet._writer.cleanup()  # noqa: SLF001 -- the only way to remove the temporary file of a book that is not saved
        raise
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _xlsx_cell(sheet: Any, value: Value) -> Any:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        cell = WriteOnlyCell(sheet, value)
        if isinstance(value, Decimal):
            cell.number_format = "0." + "0" * -int(value.as_tuple().exponent) if value.as_tuple().exponent else "0"
        elif isinstance(value, datetime):
            cell.number_format = "yyyy-mm-dd hh:mm:ss"
        return cell
    text = CONTROL.sub(lambda found: f"_x{ord(found[0]):04X}_", neutral.escape(value))
    if len(text) > XLSX_CELL:
        raise CellError(
            f"“{value[:40]}…” has more than {XLSX_CELL:,} characters, the most of an XLSX cell: choose CSV."
        )
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"  # not an error value, whatever it reads like
    return cell

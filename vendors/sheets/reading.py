"""Reading of a spreadsheet: a file's bytes into rows of texts, whichever program wrote it, within limits."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vendors.sheets import workbooks
from vendors.sheets.errors import FileRefusedError
from vendors.sheets.limits import CELL_LENGTH, COLUMNS, FILE_BYTES, ROWS

ENCODINGS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
DELIMITERS = ",;\t"
SEPARATOR_LINE = re.compile(r"sep=([,;\t|])\r?\n")  # Excel's own, before the heading
TEXT_FORMULA = re.compile(r'="([^"]*)"')  # how people keep Excel from reading 007 as a number


@dataclass(frozen=True, slots=True)
class Row:
    """Hold a row's number, as a spreadsheet program shows it, and its texts by the heading in small letters."""

    number: int
    texts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """Hold the headings as they are in the file, and the rows below them that have a text."""

    headings: list[str]
    rows: list[Row]


def read_table(content: bytes) -> Table:
    """Return the table of a file. Raise FileRefusedError."""
    refuse_unreadable(content)
    lines = workbooks.read_lines(content) if workbooks.is_zip(content) else _csv_lines(content)
    return _table_of(lines)


def refuse_unreadable(content: bytes) -> None:
    """Raise FileRefusedError for a file whose size or first look says that it cannot be read."""
    if not content.strip():
        raise FileRefusedError("The file is empty.")
    if len(content) > FILE_BYTES:
        raise FileRefusedError(f"The file has more than {FILE_BYTES // 2**20} MB. Split it.")
    workbooks.refuse_other_formats(content)
    if not workbooks.is_zip(content):
        _decode(content)


def heading_key(text: str) -> str:
    """Return a heading as it is compared: in small letters, with single spaces."""
    return " ".join(text.replace("_", " ").casefold().split())


def _table_of(lines: Iterator[tuple[int, list[str]]]) -> Table:
    number, headings = next(((number, line) for number, line in lines if not _is_blank(line)), (0, []))
    headings = [heading.strip() for heading in headings]
    while headings and not headings[-1]:
        headings.pop()
    if fault := _fault_of(headings, number):
        raise FileRefusedError(fault)
    rows = list(_rows([heading_key(heading) for heading in headings], lines))
    if not rows:
        raise FileRefusedError(f"There is nothing below the headings in row {number}.")
    return Table(headings, rows)


def _fault_of(headings: list[str], number: int) -> str:
    """Return why headings in a row cannot be, as a sentence; '' where they can."""
    doubled = [key for key, times in Counter(map(heading_key, headings)).items() if times > 1]
    faults = (
        (not headings, "The file is empty."),
        (len(headings) > COLUMNS, f"The file has more than {COLUMNS} columns."),
        (not all(headings), f"A column between others has no heading in row {number}."),
        (doubled, f"Two columns have the heading “{doubled[0] if doubled else ''}”."),
    )
    return next((text for is_wrong, text in faults if is_wrong), "")


def _rows(keys: list[str], lines: Iterable[tuple[int, list[str]]]) -> Iterator[Row]:
    count = 0
    for number, line in lines:
        if _is_blank(line):
            continue
        count += 1
        if count > ROWS:
            raise FileRefusedError(f"The file has more than {ROWS:,} rows. Split it.")
        if not _is_blank(line[len(keys) :]):
            raise FileRefusedError(f"Row {number} has more cells than there are headings.")
        if any(len(text) > CELL_LENGTH for text in line):
            raise FileRefusedError(f"Row {number} has a cell with more than {CELL_LENGTH:,} characters.")
        yield Row(number, dict(zip(keys, line, strict=False)))


def _is_blank(line: list[str]) -> bool:
    return not any(text.strip() for text in line)


def _csv_lines(content: bytes) -> Iterator[tuple[int, list[str]]]:
    text, first = _decode(content), 1
    delimiter = ""
    if found := SEPARATOR_LINE.match(text):
        text, first, delimiter = text[found.end() :], 2, found[1]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter or _delimiter(text))
    try:
        for number, line in enumerate(reader, start=first):
            yield number, [_without_formula(cell) for cell in line]
    except csv.Error as error:
        limit = csv.field_size_limit()
        raise FileRefusedError(
            f"Row {reader.line_num} cannot be read: a quotation mark is missing, or a cell has more than {limit:,} "
            "characters."
        ) from error


def _without_formula(cell: str) -> str:
    found = TEXT_FORMULA.fullmatch(cell)
    return found[1] if found else cell


def _decode(content: bytes) -> str:
    """Return the text of a CSV file: UTF-8, or as Excel writes it on Windows, which has no mark."""
    encoding = next((name for mark, name in ENCODINGS.items() if content.startswith(mark)), "utf-8")
    for each in (encoding, "cp1252"):
        try:
            text = content.decode(each)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise FileRefusedError("This is no spreadsheet. Save it as XLSX or CSV.")


def _delimiter(text: str) -> str:
    """Return the delimiter that parts the first line into the most cells."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    return max(DELIMITERS, key=lambda delimiter: len(next(csv.reader([line], delimiter=delimiter), [])))

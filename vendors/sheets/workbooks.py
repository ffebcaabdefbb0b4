"""Reading of XLSX files, and words for their likes: with a password, with macros, of other programs.

An archive is refused by what it says of its size before it is unpacked; zipfile unpacks no more than it says. XML that
declares entities is refused by defusedxml, which openpyxl uses where it is installed.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
import zipfile
from collections.abc import Iterator
from datetime import datetime, time
from typing import Any

import openpyxl

from vendors.sheets.errors import FileRefusedError
from vendors.sheets.limits import COLUMNS, SHEET_ROWS, UNPACKED_BYTES, UNPACKED_FILES

logger = logging.getLogger(__name__)

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # Excel's format before 2007, and the wrapping of an encrypted one
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
FORMULA = re.compile(rb"<(?:\w+:)?f[ >/]")
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")  # how XLSX writes a control character
BROKEN = "The file is damaged, or no spreadsheet. Open it, and save it as XLSX again."


def is_zip(content: bytes) -> bool:
    """Return whether the file is an archive, as XLSX files are."""
    return content.startswith(b"PK")


def refuse_other_formats(content: bytes) -> None:
    """Raise FileRefusedError for a file of another spreadsheet format, or an archive that unpacks to too much."""
    if content.startswith(OLE):
        has_password = ENCRYPTED in content
        what = "The file has a password" if has_password else "This is the format of Excel before 2007"
        raise FileRefusedError(f"{what}. Save it as XLSX without a password.")
    if is_zip(content) and (fault := _fault_of(_entries(content))):
        raise FileRefusedError(fault)


def _entries(content: bytes) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise FileRefusedError(BROKEN) from error


def _fault_of(entries: list[zipfile.ZipInfo]) -> str:
    """Return why an archive is not read, as a sentence; '' for one that is."""
    names = {entry.filename for entry in entries}
    faults = (
        (any(entry.flag_bits & 1 for entry in entries), "The file has a password. Save it as XLSX without one."),
        (any(name.endswith("vbaProject.bin") for name in names), "The file has macros. Save it as XLSX without them."),
        ("content.xml" in names, "This is a file of LibreOffice. Save it as XLSX or CSV."),
        ("xl/workbook.xml" not in names, BROKEN),
        (len(entries) > UNPACKED_FILES, "The file has too many parts. Save the one sheet as CSV."),
        (
            sum(entry.file_size for entry in entries) > UNPACKED_BYTES,
            f"The file unpacks to more than {UNPACKED_BYTES // 2**20} MB. Split it.",
        ),
    )
    return next((text for is_wrong, text in faults if is_wrong), "")


def read_lines(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield the numbers and texts of the first worksheet's rows. Raise FileRefusedError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what openpyxl does not keep: filters, pictures, validations
        try:
            yield from _lines(content)
        except FileRefusedError:
            raise
        except Exception as error:  # of the library, the archive or the XML: each broken file has its own
            logger.info("A workbook was not read", exc_info=True)
            raise FileRefusedError(BROKEN) from error


def unescape(text: str) -> str:
    """Return a text with the control characters that XLSX writes as _x000D_."""
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def _lines(content: bytes) -> Iterator[tuple[int, list[str]]]:
    results = _cells(content, data_only=True)
    formulas = _cells(content, data_only=False) if _has_formulas(content) else None
    for number, row in enumerate(results, start=1):
        if number > SHEET_ROWS:
            return
        line = [_text(cell) for cell in row]
        if formulas is not None:
            line = [text or _formula(cell) for text, cell in zip(line, next(formulas), strict=False)]
        yield number, line


def _cells(content: bytes, *, data_only: bool) -> Iterator[tuple[Any, ...]]:
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=data_only, keep_links=False)
    visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    if not visible:
        raise FileRefusedError("The file has no worksheet.")
    visible[0].reset_dimensions()  # some programs write wrong ones
    yield from visible[0].iter_rows(max_col=COLUMNS + 1)


def _has_formulas(content: bytes) -> bool:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/")]
        return any(FORMULA.search(archive.read(name)) for name in sheets)


def _formula(cell: Any) -> str:
    """Return a formula whose result the file does not have; '' for another cell."""
    return str(cell.value) if cell.data_type == "f" else ""


def _text(cell: Any) -> str:
    """Return a cell as a person would type it."""
    value = cell.value
    match value:
        case None:
            text = ""
        case bool():
            text = "yes" if value else "no"
        case float():
            text = _decimal(value)
        case datetime():
            has_time = value.time() != time() or "h" in str(cell.number_format).lower()
            text = value.isoformat(sep=" ", timespec="seconds") if has_time else value.date().isoformat()
        case str():
            text = unescape(value)
        case _:
            text = str(value)
    return text


def _decimal(number: float) -> str:
    """Return a number with the 15 digits that Excel shows, without an exponent."""
    text = f"{number:.15g}"
    return text if "e" not in text else f"{number:.15f}".rstrip("0").rstrip(".")

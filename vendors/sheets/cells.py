"""Values of cells: read as people type them, refused in words, and written so that they are read again."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from openpyxl.utils.datetime import from_excel

from vendors.amounts import AmountError, parse_amount
from vendors.money import Money
from vendors.sheets import neutral
from vendors.sheets.errors import CellError

type Reader = Callable[[str], Any]

MOMENT = re.compile(
    r"(?:(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"|(?P<day_2>\d{1,2})\. ?(?P<month_2>\d{1,2})\. ?(?P<year_2>\d{4}))"
    r"(?:[T ]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?(?P<zone>Z|[+-]\d{2}:\d{2})?)?",
    re.ASCII,
)
SERIAL = re.compile(r"\d{5}(?:[.,]\d+)?", re.ASCII)  # days since 1900, as Excel counts; five digits: 1927 to 2173
PIECES = re.compile(r"([+-]?\d{1,12})(?:[.,]0{1,2})?", re.ASCII)  # 1.000 may be a thousand
MOST_PIECES = 1_000_000_000
YES = {"yes", "y", "true", "x", "1", "ja", "wahr"}  # Excel in German writes a true cell as WAHR
NO = {"no", "n", "false", "0", "nein", "falsch"}


def read_cell(text: str, reader: Reader) -> Any:
    """Return the value of a cell; '' for an empty one. Raise CellError."""
    if text in neutral.ERRORS:
        raise CellError(f"“{text}” is an error of the spreadsheet.")
    if text.startswith("="):
        raise CellError(f"“{text}” is a formula without its result: write the result.")
    plain = neutral.unescape(text).replace("\r\n", "\n").replace("\r", "\n").strip()
    return reader(plain) if plain else ""


def text_of(model: type[models.Model], name: str) -> Reader:
    """Return a reader of texts that the field of a model takes."""
    field: Any = model._meta.get_field(name)

    def read(text: str) -> str:
        try:
            return str(field.clean(text, None))
        except ValidationError as error:
            raise CellError(" ".join(error.messages)) from error

    return read


def amount_in(currency: str) -> Reader:
    """Return a reader of prices in a currency, in minor units."""

    def read(text: str) -> int:
        try:
            minor = parse_amount(text, currency)
        except AmountError as error:
            raise CellError(str(error)) from error
        if minor == 0:
            raise CellError("A price is more than nothing.")
        return minor

    return read


def choice_of(choices: type[models.TextChoices]) -> Reader:
    """Return a reader of one of some words."""
    values = {word.casefold(): each.value for each in choices for word in (each.value, str(each.label))}

    def read(text: str) -> str:
        if text.casefold() not in values:
            raise CellError(f"“{text}” is none of {', '.join(choices.values)}.")
        return values[text.casefold()]

    return read


def read_flag(text: str) -> bool:
    """Return whether a text says yes. Raise CellError."""
    word = text.casefold()
    if word not in YES | NO:
        raise CellError(f"“{text}” is neither yes nor no.")
    return word in YES


def read_pieces(text: str) -> int:
    """Return a whole number. Raise CellError."""
    found = PIECES.fullmatch(text)
    if not found or abs(int(found[1])) > MOST_PIECES:
        raise CellError(f"“{text}” is no number of pieces.")
    return int(found[1])


def read_begin(text: str) -> datetime:
    """Return a moment in the mall's zone; a day alone is its beginning. Raise CellError."""
    return _moment(text, days=0)


def read_end(text: str) -> datetime:
    """Return a moment in the mall's zone; a day alone is its end, for it is within the sale. Raise CellError."""
    return _moment(text, days=1)


def local(moment: datetime | None) -> datetime | None:
    """Return a moment as cells have it: in the mall's zone, without the zone and parts of a second."""
    return timezone.localtime(moment).replace(tzinfo=None, microsecond=0) if moment else None


def major(minor: int | None, currency: str) -> Decimal | None:
    """Return an amount as cells have it."""
    return None if minor is None else Money(minor, currency).major


def _moment(text: str, *, days: int) -> datetime:
    found = MOMENT.fullmatch(text)
    try:
        if SERIAL.fullmatch(text):
            moment: datetime = from_excel(float(text.replace(",", ".")))
            has_time = "." in text or "," in text
        elif found:
            moment, has_time = _of_parts(found.groupdict()), found["hour"] is not None
        else:
            raise CellError(f"“{text}” is no date: write 2026-12-31, 31.12.2026, or 2026-12-31 18:00.")
        return _in_zone(moment if has_time else moment + timedelta(days=days), text)
    except (ValueError, OverflowError) as error:
        raise CellError(f"“{text}” is no date that there is.") from error


def _of_parts(parts: dict[str, str | None]) -> datetime:
    year, month, day = (int(parts[name] or parts[f"{name}_2"] or 0) for name in ("year", "month", "day"))
    hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
    moment = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 -- its zone comes next
    zone = parts["zone"]
    return datetime.fromisoformat(f"{moment.isoformat()}{zone}") if zone else moment


def _in_zone(moment: datetime, text: str) -> datetime:
    """Return a moment with the mall's zone; of two at the change of the clocks the first. Raise CellError."""
    zone = timezone.get_current_timezone()
    if moment.tzinfo is not None:
        return moment.astimezone(zone)
    aware = moment.replace(microsecond=0, tzinfo=zone)
    if aware.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != aware.replace(tzinfo=None):
        raise CellError(f"“{text}” is an hour that the clocks leave out that day.")
    return aware

"""The form field for a list of days: a person types one day or one span a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

LONGEST = 366  # days of one span
ONE_DAY = timedelta(days=1)
HELP = "Holidays, on which nothing leaves: one day a line, or a span: 2026-12-24 to 2027-01-01."


class DaysField(forms.CharField):
    """Take days as lines of text."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["widget"] = forms.Textarea({"rows": 4, "spellcheck": "false"})
        super().__init__(**{"help_text": HELP, **kwargs})

    def prepare_value(self, value: Any) -> Any:
        """Return days as lines, those in a row as a span; a text as it was typed."""
        return "\n".join(_lines_of(value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """Return the days in order. Raise ValidationError in words."""
        days: set[date] = set()
        for line in str(value or "").splitlines():
            if line.strip():
                days |= set(_days_in(line.strip()))
        return sorted(days)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare the days, not how they are written."""
        try:
            return bool(sorted(initial or []) != self.to_python(data))
        except ValidationError:
            return True


def _days_in(line: str) -> Iterator[date]:
    first, _, last = line.partition(" to ")
    try:
        begin = date.fromisoformat(first.strip())
        end = date.fromisoformat(last.strip()) if last else begin
    except ValueError as error:
        raise ValidationError(f"“{line}” is no day; write it like 2026-12-24, or 2026-12-24 to 2027-01-01.") from error
    if not begin <= end <= begin + timedelta(days=LONGEST):
        raise ValidationError(f"“{line}” ends before it begins, or takes longer than a year.")
    return (begin + timedelta(days=number) for number in range((end - begin).days + 1))


def _lines_of(days: Iterable[date]) -> Iterator[str]:
    spans: list[list[date]] = []
    for day in sorted(days):
        if spans and day == spans[-1][1] + ONE_DAY:
            spans[-1][1] = day
        else:
            spans.append([day, day])
    return (str(first) if first == last else f"{first} to {last}" for first, last in spans)

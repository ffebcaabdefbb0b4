"""Pages of a sorted list by the key of the row beside them, so a late page costs no more than the first.

A cursor is the sort key of a row, and how many rows come before the page, as an address carries them.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

LONGEST = 1000  # characters of an address
MOST_BEFORE = 10**7


@dataclass(frozen=True, slots=True)
class Order:
    """Sort by some fields, all of them upwards or all of them downwards; the last one tells all rows apart."""

    fields: tuple[str, ...]
    downwards: bool = False

    def sort[Rows: QuerySet[Any]](self, rows: Rows, *, backwards: bool = False) -> Rows:
        """Return the rows in this order, or from its end."""
        sign = "-" if self.downwards != backwards else ""
        return rows.order_by(*(f"{sign}{field}" for field in self.fields))

    def beyond(self, key: Sequence[Any], *, backwards: bool = False) -> Q:
        """Select the rows behind a key, or before it."""
        compare = "lt" if self.downwards != backwards else "gt"
        found = Q()
        for place, field in enumerate(self.fields):
            same = dict(zip(self.fields[:place], key[:place], strict=True))
            found |= Q(**same, **{f"{field}__{compare}": key[place]})
        return Q(**{f"{self.fields[0]}__{compare}e": key[0]}) & found

    def key_of(self, row: Any) -> tuple[Any, ...]:
        """Return the key of a row."""
        return tuple(getattr(row, field) for field in self.fields)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Hold the key that a page begins behind, or ends before, and the number of rows before that page."""

    key: tuple[Any, ...]
    rows_before: int

    def encode(self) -> str:
        """Return the cursor as text for an address."""
        plain = [value.isoformat() if isinstance(value, datetime) else value for value in self.key]
        text = json.dumps([self.rows_before, *plain], ensure_ascii=False, separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str, like: Sequence[type]) -> Cursor | None:
    """Return the cursor that a text holds, with a key of these types; None for any other text."""
    if not text or len(text) > LONGEST:
        return None
    try:
        before, *plain = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        key = tuple(
            datetime.fromisoformat(value) if kind is datetime else value
            for value, kind in zip(plain, like, strict=True)
        )
    except (ValueError, TypeError, binascii.Error, RecursionError):
        return None
    is_sound = isinstance(before, int) and 0 <= before <= MOST_BEFORE
    return Cursor(key, before) if is_sound and all(map(_is_sound, key, like)) else None


def _is_sound(value: Any, kind: type) -> bool:
    if kind is datetime:
        return isinstance(value, datetime) and value.tzinfo is not None
    if kind is int:
        return type(value) is int and abs(value) < 2**62
    return isinstance(value, str) and "\0" not in value

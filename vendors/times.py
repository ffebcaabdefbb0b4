"""Times as people write them, in the mall's zone."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString


def as_written(at: datetime | None) -> str:
    """Return a time as "Fri 27 Nov 2026, 18:42" in the mall's zone; a dash for none."""
    return date_format(timezone.localtime(at), "D j M Y, H:i") if at else "–"


def with_zone(at: datetime | None) -> SafeString | str:
    """Return a time as "29 November 2026, 06:30 GMT" in a ``<time>``; an empty string for none."""
    if at is None:
        return ""
    words = date_format(timezone.localtime(at), "j F Y, H:i T")
    return format_html('<time datetime="{}">{}</time>', at.isoformat(timespec="seconds"), words)

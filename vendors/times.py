"""Times as people write them, in the mall's zone."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.formats import date_format


def as_written(at: datetime | None) -> str:
    """Return a time as "Fri 27 Nov 2026, 18:42" in the mall's zone; a dash for none."""
    return date_format(timezone.localtime(at), "D j M Y, H:i") if at else "–"

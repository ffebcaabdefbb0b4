"""Times as people write them, in the mall's zone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext


def as_written(at: datetime | None) -> str:
    """Return a time as "Fri 27 Nov 2026, 18:42" in the mall's zone; a dash for none."""
    return date_format(timezone.localtime(at), gettext("D j M Y, H:i")) if at else "–"


def with_zone(at: datetime | None) -> SafeString | str:
    """Return a time as "29 November 2026, 06:30 GMT" in a ``<time>``; an empty string for none."""
    if at is None:
        return ""
    words = date_format(timezone.localtime(at), gettext("j F Y, H:i T"))
    return format_html('<time datetime="{}">{}</time>', at.isoformat(timespec="seconds"), words)


def days_as_written(first: date | None, last: date | None) -> str:
    """Return days as "Tue 1 Dec", "Tue 1 to Thu 3 Dec" or "Wed 30 Dec to Mon 4 Jan"; '' for none."""
    if first is None or last is None:
        return ""
    if first == last:
        return date_format(first, gettext("D j M"))
    begin = gettext("D j") if first.month == last.month else gettext("D j M")
    days = {"first": date_format(first, begin), "last": date_format(last, gettext("D j M"))}
    return gettext("%(first)s to %(last)s") % days


def weekdays_as_written(days: Collection[int]) -> str:
    """Return weekdays, which date.weekday() counts, as "Monday to Friday" or "Tuesday, Friday"."""
    found = sorted(days)
    names = [str(WEEKDAYS[day]) for day in found]
    is_row = len(found) > 2 and found == list(range(found[0], found[-1] + 1))
    if is_row:
        return gettext("%(first)s to %(last)s") % {"first": names[0], "last": names[-1]}
    return ", ".join(names)

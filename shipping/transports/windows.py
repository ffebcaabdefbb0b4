"""Windows of a route: the times of day at which a department that dials in takes its orders."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError

from shipping.transports.base import RouteSettings

TIME_OF_DAY = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
LONGEST = 12 * 60
DEFAULT_MINUTES = 15
ONE_DAY = timedelta(days=1)


class TimesOfDayField(forms.CharField):
    """Times of day, such as 08:00 12:30."""

    def clean(self, value: Any) -> str:
        words = str(super().clean(value)).replace(",", " ").split()
        if not all(TIME_OF_DAY.fullmatch(word) for word in words):
            raise ValidationError("Write times of day with blanks between them, such as 08:00 12:30 16:00.")
        return " ".join(sorted({f"{int(word.partition(':')[0]):02}:{word.partition(':')[2]}" for word in words}))


class WindowSettings(RouteSettings):
    """The windows in which a route sends; none where they are left empty."""

    windows = TimesOfDayField(
        required=False,
        label="Only at",
        help_text="Times of day in the shop's own zone, such as 08:00 12:00 16:00: what has gathered goes then."
        " Leave it empty to send at once.",
    )
    window_minutes = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=LONGEST,
        label="For so many minutes",
        help_text=f"How long each of them lasts: {DEFAULT_MINUTES} where it is left empty.",
    )


def opens_at(config: dict[str, Any], zone: ZoneInfo, now: datetime) -> datetime | None:
    """Return the start of the window that is open now, else of the next one; None where the route is always open.

    Windows are of the wall clock: each comes once a day, also on the days on which the clock is changed, and one may
    last over midnight.
    """
    found = TIME_OF_DAY.findall(str(config.get("windows", "")))
    if not found:
        return None
    length = timedelta(minutes=int(config.get("window_minutes") or DEFAULT_MINUTES))
    today = now.astimezone(zone).date()
    starts = sorted(
        datetime.combine(today + day * ONE_DAY, time(int(hour), int(minute)), tzinfo=zone).astimezone(UTC)
        for day in (-1, 0, 1, 2)
        for hour, minute in found
    )
    return next(start for start in starts if start + length > now)

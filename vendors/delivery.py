"""Delivery by a vendor: its rates by zone, its calendar, and the dates that follow from them.

No database here. Working days on the way are Mondays to Fridays; a shop's closed days matter until its goods leave.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

WEEKEND: Final = frozenset({5, 6})  # as date.weekday() counts
FARTHEST: Final = 400  # days that are looked through for one on which goods leave
ONE_DAY: Final = timedelta(days=1)


class DeliveryMethod(StrEnum):
    """List the speeds of delivery."""

    STANDARD = "standard"
    EXPRESS = "express"


@dataclass(frozen=True, slots=True)
class Destination:
    """Hold where goods go: a country, and a postcode that is None while it is not known."""

    country: str
    postcode: str | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """Hold a charge in minor units, the goods' value from which it is free, and the working days on the way."""

    charge: int
    days_from: int
    days_until: int
    free_from: int | None = None


@dataclass(frozen=True, slots=True)
class Zone:
    """Hold the rates for some countries, or for the postcodes of one that begin so; without rates nothing is sent."""

    countries: frozenset[str]
    prefixes: tuple[str, ...]
    rates: Mapping[DeliveryMethod, Rate]


@dataclass(frozen=True, slots=True)
class Calendar:
    """Hold when a shop's goods leave: on which days, weekdays as date.weekday() counts, and ordered before when."""

    time_zone: ZoneInfo
    cut_off: time
    weekdays: frozenset[int]
    closed: frozenset[date]

    def sending_day(self, ordered_at: datetime) -> date:
        """Return the day on which goods leave that are ordered at a time."""
        local = ordered_at.astimezone(self.time_zone)
        first = local.date() if local.time() < self.cut_off else local.date() + ONE_DAY
        days = (first + timedelta(days=number) for number in range(FARTHEST))
        return next((day for day in days if day.weekday() in self.weekdays and day not in self.closed), first)


@dataclass(frozen=True, slots=True)
class Promise:
    """Hold the end of the day on which goods leave, and the days from which and until which they arrive."""

    send_by: datetime
    first: date
    last: date


def squeeze(postcode: str) -> str:
    """Return a postcode in capitals, without spaces and hyphens, for comparison."""
    return re.sub(r"[\s-]", "", postcode).upper()


def zone_for(zones: Iterable[Zone], destination: Destination) -> Zone | None:
    """Return the zone of a destination: that of the longest beginning of its postcode, else that of its country.

    While the postcode is not known, the country's own zone counts before those of its parts.
    """
    found = [zone for zone in zones if destination.country in zone.countries]
    if destination.postcode is None:
        return min(found, key=lambda zone: bool(zone.prefixes), default=None)
    code = squeeze(destination.postcode)
    fits = [(len(prefix), zone) for zone in found for prefix in zone.prefixes or ("",) if code.startswith(prefix)]
    return max(fits, key=lambda fit: fit[0])[1] if fits else None


def promise(calendar: Calendar, ordered_at: datetime, days_from: int, days_until: int) -> Promise:
    """Return the promise for goods ordered at a time that are so many working days on the way."""
    sent = calendar.sending_day(ordered_at)
    end = datetime.combine(sent + ONE_DAY, time.min, tzinfo=calendar.time_zone)
    return Promise(end, add_working_days(sent, days_from), add_working_days(sent, days_until))


def add_working_days(day: date, number: int) -> date:
    """Return the day so many working days later."""
    while number > 0:
        day += ONE_DAY
        number -= day.weekday() not in WEEKEND
    return day

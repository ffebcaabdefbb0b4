"""Windows of routes: one a day and moment, over midnight and over a change of the clock."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from shipping.transports.windows import TimesOfDayField, opens_at

DUBLIN = ZoneInfo("Europe/Dublin")
MINUTE = timedelta(minutes=1)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("windows", "minutes", "now", "opens"),
    [
        ("08:00 12:00", 15, "2026-12-01 07:59", "2026-12-01 08:00"),
        ("08:00 12:00", 15, "2026-12-01 08:14", "2026-12-01 08:00"),  # open now
        ("08:00 12:00", 15, "2026-12-01 08:15", "2026-12-01 12:00"),
        ("08:00 12:00", 15, "2026-12-01 23:00", "2026-12-02 08:00"),
        ("08:00", None, "2026-07-01 06:59", "2026-07-01 07:00"),  # of the wall clock
        ("23:50", 30, "2026-12-02 00:10", "2026-12-01 23:50"),  # over midnight
        ("23:50", 30, "2026-12-02 00:20", "2026-12-02 23:50"),
        ("", 15, "2026-12-01 08:00", None),
    ],
)
def test_window_that_is_open_or_comes_next(windows, minutes, now, opens):
    config = {"windows": windows, "window_minutes": minutes}
    assert opens_at(config, DUBLIN, at(now)) == (opens and at(opens))


@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24"])
@pytest.mark.parametrize("moment", ["00:30", "01:30", "23:30"])
def test_each_day_has_each_window_once_though_the_clock_is_changed(day, moment):
    """The hour that is left out, and the one that comes twice, are in these days."""
    now, starts = at(f"{day} 00:00"), []
    for _ in range(3 * 24 * 12):
        start = opens_at({"windows": moment, "window_minutes": 5}, DUBLIN, now)
        if start <= now and start not in starts:
            starts.append(start)
        now += 5 * MINUTE
    days = [start.astimezone(DUBLIN).date() for start in starts]
    assert len(days) == len(set(days))
    first = datetime.fromisoformat(day).date()
    assert {first + timedelta(days=1), first + timedelta(days=2)} <= set(days)


@pytest.mark.parametrize(("typed", "kept"), [("12:00, 8:05  12:00", "08:05 12:00"), ("", "")])
def test_times_are_brought_into_order(typed, kept):
    assert TimesOfDayField(required=False).clean(typed) == kept


@pytest.mark.parametrize("typed", ["24:00", "8", "noon", "08:60"])
def test_other_texts_are_no_times(typed):
    with pytest.raises(ValidationError):
        TimesOfDayField().clean(typed)

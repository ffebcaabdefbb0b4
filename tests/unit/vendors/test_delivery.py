"""The calendar of a shop, the zone of an address, and the days that follow: cut-off, weekends, holidays, clocks."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendors.delivery import Calendar, DeliveryMethod, Destination, Rate, Zone, add_working_days, promise, zone_for

MONDAY_TO_FRIDAY = frozenset(range(5))
DUBLIN = "Europe/Dublin"


def calendar(zone=DUBLIN, cut_off=time(14), weekdays=MONDAY_TO_FRIDAY, closed=()):
    return Calendar(ZoneInfo(zone), cut_off, frozenset(weekdays), frozenset(closed))


def at(text, zone=DUBLIN):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("ordered", "leaves"),
    [
        ("2026-12-01T13:59:59", "2026-12-01"),  # a Tuesday, before the cut-off
        ("2026-12-01T14:00", "2026-12-02"),  # at the cut-off it is too late
        ("2026-12-04T13:00", "2026-12-04"),
        ("2026-12-04T15:00", "2026-12-07"),  # Friday afternoon: Monday
        ("2026-12-05T10:00", "2026-12-07"),  # Saturday
        ("2026-12-06T23:59", "2026-12-07"),  # Sunday night, hours before Monday's cut-off
        ("2026-12-24T13:00", "2026-12-24"),
        ("2026-12-24T15:00", "2026-12-29"),  # over the weekend and two holidays
    ],
)
def test_goods_leave_on_the_next_sending_day_after_the_cut_off(ordered, leaves):
    closed = [date(2026, 12, 25), date(2026, 12, 28)]
    assert calendar(closed=closed).sending_day(at(ordered)) == date.fromisoformat(leaves)


def test_the_shops_own_clock_counts_whatever_the_order_is_written_in():
    moment = datetime(2026, 12, 1, 23, 30, tzinfo=UTC)  # Tuesday; in Auckland 12:30 on Wednesday
    assert calendar().sending_day(moment) == date(2026, 12, 2)
    assert calendar("Pacific/Auckland").sending_day(moment) == date(2026, 12, 2)
    assert calendar("Pacific/Auckland").sending_day(moment + timedelta(hours=2)) == date(2026, 12, 3)
    assert calendar("America/New_York").sending_day(moment - timedelta(hours=5)) == date(2026, 12, 1)


@pytest.mark.parametrize(
    ("utc", "leaves"),
    [
        ("2026-03-27T13:59", "2026-03-27"),  # Friday before the clocks go forward: 13:59 in Dublin
        ("2026-03-30T12:59", "2026-03-30"),  # Monday after it: 13:59 in Dublin
        ("2026-03-30T13:00", "2026-03-31"),
        ("2026-10-23T12:59", "2026-10-23"),  # Friday before they go back
        ("2026-10-26T13:59", "2026-10-26"),
        ("2026-10-26T14:00", "2026-10-27"),
    ],
)
def test_the_cut_off_stays_at_its_hour_when_the_clocks_change(utc, leaves):
    moment = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert calendar().sending_day(moment) == date.fromisoformat(leaves)


def test_a_day_of_the_change_has_its_own_length():
    """What leaves on the Sunday on which the clocks go back is late 25 hours after it began."""
    found = promise(calendar(weekdays=range(7)), at("2026-10-25T00:30"), 1, 1)
    assert found.send_by - at("2026-10-25T00:00").astimezone(UTC) == timedelta(hours=25)
    assert found.send_by.astimezone(UTC) == datetime(2026, 10, 26, tzinfo=UTC)


def test_days_on_the_way_skip_weekends_and_not_the_shops_holidays():
    friday = at("2026-12-04T10:00")
    found = promise(calendar(closed=[date(2026, 12, 7)]), friday, 1, 3)
    assert (found.first, found.last) == (date(2026, 12, 7), date(2026, 12, 9))
    same_day = promise(calendar(weekdays=range(7)), at("2026-12-05T10:00"), 0, 1)
    assert (same_day.first, same_day.last) == (date(2026, 12, 5), date(2026, 12, 7))


def test_a_shop_that_never_sends_does_not_hang():
    assert calendar(weekdays=()).sending_day(at("2026-12-01T10:00")) == date(2026, 12, 1)


moments = st.integers(0, 2 * 365 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
zones = st.sampled_from([DUBLIN, "Pacific/Auckland", "America/New_York", "Asia/Kathmandu", "Pacific/Chatham"])
sending = st.builds(
    calendar,
    zone=zones,
    cut_off=st.times(),
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    closed=st.frozensets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=9),
)


@given(sending, moments, st.integers(0, 9), st.integers(0, 9))
def test_a_promise_is_in_order_and_leaves_on_a_day_of_the_shop(shop, moment, first, more):
    found = promise(shop, moment, first, first + more)
    leaves = shop.sending_day(moment)
    assert leaves.weekday() in shop.weekdays
    assert leaves not in shop.closed
    assert moment < found.send_by
    assert leaves <= found.first <= found.last
    assert leaves >= moment.astimezone(shop.time_zone).date()


@given(sending, moments, st.timedeltas(timedelta(0), timedelta(days=9)))
def test_who_orders_later_is_not_promised_earlier(shop, moment, more):
    assert promise(shop, moment, 1, 2).send_by <= promise(shop, moment + more, 1, 2).send_by


@given(st.dates(date(2026, 1, 1), date(2027, 1, 1)), st.integers(1, 30))
def test_working_days_end_on_a_working_day(day, number):
    found = add_working_days(day, number)
    assert found.weekday() < 5
    assert number <= (found - day).days <= number // 5 * 2 + number + 2


# Zones

STANDARD = {DeliveryMethod.STANDARD: Rate(500, 2, 3)}


def zone(countries, *prefixes, rates=STANDARD):
    return Zone(frozenset(countries.split()), prefixes, rates)


BRITAIN, HIGHLANDS, SKYE = zone("GB"), zone("GB", "IV", "HS"), zone("GB", "IV5")
EUROPE, CANARIES = zone("FR ES"), zone("ES", "35", "38", rates={})
ALL = [HIGHLANDS, BRITAIN, CANARIES, EUROPE, SKYE]


@pytest.mark.parametrize(
    ("country", "postcode", "found"),
    [
        ("GB", "M2 5BQ", BRITAIN),
        ("GB", "IV1 1AA", HIGHLANDS),
        ("GB", "iv1-1aa", HIGHLANDS),
        ("GB", "IV51 9XB", SKYE),  # the longest beginning
        ("GB", None, BRITAIN),  # not known yet: the country
        ("ES", "28039", EUROPE),
        ("ES", "35001", CANARIES),  # a part that is not delivered to
        ("FR", "35001", EUROPE),  # Rennes
        ("US", "95014", None),
        ("AQ", "", None),
        ("", "", None),
    ],
)
def test_the_zone_of_an_address(country, postcode, found):
    assert zone_for(ALL, Destination(country, postcode)) is found


def test_a_shop_that_sends_to_a_part_alone():
    """A country without a postcode may be served; with another part's it is not."""
    assert zone_for([SKYE], Destination("GB")) is SKYE
    assert zone_for([SKYE], Destination("GB", "M2 5BQ")) is None

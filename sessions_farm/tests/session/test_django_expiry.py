"""How long a session lives by what Django says: set_expiry() and its kin, in every store and by both names."""

from __future__ import annotations

import datetime

import pytest
from django.utils import timezone

from sessions_farm.conf import options
from sessions_farm.models import Session
from sessions_farm.session.variables import SIGNED_IN, STAFF
from sessions_farm.tests.support.both_ways import BOTH_WAYS, Farm, Told, farm_settings, in_both_ways


@pytest.fixture(params=BOTH_WAYS)
def farm(request, settings, tmp_path):
    name, way = request.param
    settings.SESSIONS_FARM = farm_settings(name, tmp_path)
    return Farm(way)


@in_both_ways
async def test_expiry_is_djangos_arithmetic(farm):
    now, tick = timezone.now(), datetime.timedelta(seconds=10)
    default = options().idle
    for given_expiry, age in [(None, default), (0, default), (10, 10), (-5, -5), (now + tick, 10), (now - tick, -10)]:
        session = farm()
        await session.set_expiry(given_expiry)
        assert await session.get_expiry_age(modification=now) == age
        assert await session.get_expiry_date(modification=now) == now + datetime.timedelta(seconds=age)
        # What is given besides needs no session.
        stranger = farm((await farm.saved(a=1)).key)
        assert await stranger.get_expiry_age(modification=now, expiry=given_expiry) == age
        assert not stranger.session.accessed


@in_both_ways
async def test_expiry_can_be_a_span_and_be_taken_back(farm):
    session = farm()
    await session.set_expiry(datetime.timedelta(hours=1))
    assert 3500 < await session.get_expiry_age() <= 3600
    await session.set_expiry(None)
    await session.set_expiry(None)
    assert (await session.get_expiry_age(), dict(await session.items())) == (options().idle, {})


@in_both_ways
async def test_expiry_says_what_will_happen(farm):
    """By the time-outs of its kind, which ``set_expiry`` moves within their caps, and never beyond the absolute end."""
    given, month, hour = options(), datetime.timedelta(days=90), datetime.timedelta(hours=1)
    for kind, custom, age in [
        ({}, None, given.idle),
        ({SIGNED_IN: True}, None, given.idle_signed_in),
        ({SIGNED_IN: True, STAFF: True}, None, given.idle_staff),
        ({SIGNED_IN: True, STAFF: True}, month, given.idle_staff),
        ({SIGNED_IN: True, STAFF: True}, hour, 3600),
        ({SIGNED_IN: True}, month, given.absolute),
    ]:
        session = await farm.saved(a=1, **kind)
        await session.set_expiry(custom)
        await session.save()
        found = farm(session.key)
        assert age - 60 <= await found.get_expiry_age() <= age
        left = await found.get_expiry_date() - timezone.now()
        assert age - 60 <= left.total_seconds() <= age


@in_both_ways
async def test_zero_means_the_end_of_the_browser_and_nothing_means_the_setting(farm, settings):
    for at_close in (False, True):
        settings.SESSION_EXPIRE_AT_BROWSER_CLOSE = at_close
        session = farm()
        for given_expiry, closes in [(10, False), (0, True), (None, at_close)]:
            await session.set_expiry(given_expiry)
            assert await session.get_expire_at_browser_close() is closes


@in_both_ways
async def test_expiry_is_kept_with_the_session(farm):
    moment = timezone.now() + datetime.timedelta(days=1)
    for given_expiry, found in [(300, 300), (0, 0), (moment, moment.isoformat())]:
        session = await farm.saved(a=1)
        await session.set_expiry(given_expiry)
        await session.save()
        assert await farm.stored(session.key) == {"a": 1, "_session_expiry": found}


@in_both_ways
async def test_expiry_may_be_a_fraction_of_a_second_more(farm):
    for late in (False, True):
        session = await farm.saved(a=1) if late else farm()
        await session.set("a", 1)
        await session.set_expiry(90.5)
        await session.save()
        assert await farm.stored(session.key) == {"a": 1, "_session_expiry": 90.5}


@in_both_ways
async def test_session_is_gone_when_its_time_is_over(farm):
    for over in (-10, datetime.timedelta(seconds=-10), timezone.now() - datetime.timedelta(days=400)):
        for late in (False, True):  # from its first save, or from a later one
            session = await farm.saved(a=1) if late else farm()
            await session.set("b", 1)
            await session.set_expiry(over)
            await session.save()
            assert (await farm().exists(session.key), await farm.stored(session.key)) == (False, {})


@in_both_ways
async def test_clear_expired_leaves_who_lives(farm):
    live, over = await farm.saved(a=1), farm()
    await over.set_expiry(-10)
    await over.save()
    rows = Told(Session.objects, farm.way)
    held = await rows.count()  # none in a store that is no database
    await farm().clear_expired()
    assert await rows.count() == max(held - 1, 0)
    assert (await farm.stored(live.key), await farm.stored(over.key)) == ({"a": 1}, {})

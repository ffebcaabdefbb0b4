"""Mails about goods that no department hears of: to both sides, each trouble once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from mall.accounts.models import User
from shipping import services, tasks
from shipping.models import Dispatch, Route
from shipping.runner import drain
from vendors.models import Membership

HOUR = timedelta(hours=1)


@pytest.fixture
def people(vendor, make_vendor):
    """Those who should read of it, and those who should not."""
    User.objects.create_superuser("mall@example.org", "secret", name="Mall")
    for name, seller, role in (
        ("owner", vendor, "owner"),
        ("packer", vendor, "orders"),
        ("writer", vendor, "catalogue"),
        ("rival", make_vendor("rival"), "owner"),
    ):
        user = User.objects.create_user(f"{name}@example.org", "secret", name=name, is_staff=True)
        Membership.objects.create(vendor=seller, user=user, role=role)
    return {"mall@example.org", "owner@example.org", "packer@example.org"}


@pytest.fixture
def route(route_to, scripted):
    return route_to("http", {"url": scripted.url}, {"secret": scripted.secret})


def read(mailoutbox):
    """Return who was written to, and the text; empty the box."""
    got = {address for mail in mailoutbox for address in mail.to}, mailoutbox[0].body if mailoutbox else ""
    mailoutbox.clear()
    return got


def test_route_that_fails_for_long_is_mailed_once(people, route, vendor, place_order, scripted, mailoutbox):
    place_order(vendor)
    now = timezone.now()
    failing = {"failures": 9, "open_until": now + HOUR, "reason": "Answered 503: closed for the night"}
    Route.objects.update(failing_since=now - HOUR / 2, **failing)
    tasks.send_alarms()
    assert mailoutbox == [], "half an hour is not long"
    Route.objects.update(failing_since=now - 2 * HOUR)
    tasks.send_alarms()
    to, text = read(mailoutbox)
    assert to == people
    assert "closed for the night" in text
    assert "/admin/shipping/route/" in text
    tasks.send_alarms()
    assert mailoutbox == []
    scripted.answers = [scripted.ack()]
    drain(now=now + 2 * HOUR)
    Route.objects.update(failing_since=now - 2 * HOUR, **failing)
    place_order(vendor)
    tasks.send_alarms()
    assert read(mailoutbox)[0] == people, "the next failure is another one"


def test_dead_dispatch_and_held_route_are_mailed(people, route, vendor, place_order, dispatch_of, mailoutbox):
    row = dispatch_of(place_order(vendor))
    Dispatch.objects.update(state="dead", next_at=None, reason="Refused (422)")
    tasks.send_alarms()
    to, text = read(mailoutbox)
    assert to == people
    assert f"{row.consignment.number}: Refused (422)" in text
    services.redrive(dispatch_ids=[row.pk], now=timezone.now())
    services.hold_route(route=route, reason="The password is wrong.")
    tasks.send_alarms()
    _, text = read(mailoutbox)
    assert "The password is wrong." in text
    assert "Given up" not in text
    tasks.send_alarms()
    assert mailoutbox == []

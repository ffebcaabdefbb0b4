"""Mails about goods that no department hears of: to both sides, each trouble once."""

import signal
import smtplib
import urllib.request
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.utils import timezone

from mall.accounts.models import User
from shipping import alarms, services, tasks
from shipping.models import Dispatch, Route
from shipping.runner import drain
from vendors.models import Membership

HOUR = timedelta(hours=1)
NO_SERVER = {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": {"host": "127.0.0.1", "port": 1}}


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
    alarms.send_alarms(timezone.now())
    assert mailoutbox == [], "half an hour is not long"
    Route.objects.update(failing_since=now - 2 * HOUR)
    alarms.send_alarms(timezone.now())
    to, text = read(mailoutbox)
    assert to == people
    assert "closed for the night" in text
    assert "/admin/shipping/route/" in text
    alarms.send_alarms(timezone.now())
    assert mailoutbox == []
    scripted.answers = [scripted.ack()]
    drain(now=now + 2 * HOUR)
    Route.objects.update(failing_since=now - 2 * HOUR, **failing)
    place_order(vendor)
    alarms.send_alarms(timezone.now())
    assert read(mailoutbox)[0] == people, "the next failure is another one"


def test_dead_dispatch_and_held_route_are_mailed(people, route, vendor, place_order, dispatch_of, mailoutbox):
    row = dispatch_of(place_order(vendor))
    Dispatch.objects.update(state="dead", next_at=None, reason="Refused (422)")
    alarms.send_alarms(timezone.now())
    to, text = read(mailoutbox)
    assert to == people
    assert f"{row.consignment.number}: Refused (422)" in text
    services.redrive(dispatch_ids=[row.pk], now=timezone.now())
    services.hold_route(route=route, reason="The password is wrong.")
    alarms.send_alarms(timezone.now())
    _, text = read(mailoutbox)
    assert "The password is wrong." in text
    assert "Given up" not in text
    alarms.send_alarms(timezone.now())
    assert mailoutbox == []


def test_one_refused_address_keeps_the_alarm_from_nobody(people, route, vendor, place_order, mailoutbox, monkeypatch):
    place_order(vendor)
    services.hold_route(route=route, reason="The password is wrong.")
    send = EmailMessage.send

    def refuse_one(mail, *arguments, **options):
        if mail.to == ["owner@example.org"]:
            raise smtplib.SMTPRecipientsRefused({"owner@example.org": (550, b"No such user")})
        return send(mail, *arguments, **options)

    monkeypatch.setattr(EmailMessage, "send", refuse_one)
    assert alarms.send_alarms(timezone.now()) == 1
    assert read(mailoutbox)[0] == people - {"owner@example.org"}
    assert alarms.send_alarms(timezone.now()) == 0, "the others got it a second time"


def test_alarm_that_cannot_be_written_keeps_no_other(
    people, make_vendor, place_order, dispatch_of, mailoutbox, monkeypatch
):
    for name in ("broken", "sound"):
        place_order(make_vendor(name))
    Dispatch.objects.update(state="dead", next_at=None, reason="Refused (422)")
    written = alarms.build_mail

    def break_one(kind, *, context, **more):
        if context["trouble"].vendor.slug == "broken":
            raise LookupError("its mall has no master")
        return written(kind, context=context, **more)

    monkeypatch.setattr(alarms, "build_mail", break_one)
    assert alarms.send_alarms(timezone.now()) == 1
    assert "Sound" in read(mailoutbox)[1]


def test_alarm_that_no_server_takes_is_tried_again(people, route, vendor, place_order, mailoutbox, settings):
    place_order(vendor)
    services.hold_route(route=route, reason="The password is wrong.")
    mailers, settings.MAILERS = settings.MAILERS, {"default": NO_SERVER}
    assert alarms.send_alarms(timezone.now()) == 0
    settings.MAILERS = mailers
    assert alarms.send_alarms(timezone.now()) == 1
    assert read(mailoutbox)[0] == people


@pytest.mark.django_db(transaction=True)
def test_without_a_dispatchd_the_drain_raises_alarms(people, route, vendor, place_order, mailoutbox):
    place_order(vendor)
    services.hold_route(route=route, reason="The password is wrong.")
    tasks.drain_outbox()
    assert read(mailoutbox)[0] == people


@pytest.mark.django_db(transaction=True)
def test_dispatchd_raises_alarms_by_its_own_clock(
    people, route, vendor, place_order, manage, mailbox_department, wait_until, unused_tcp_port
):
    """No Redis, no Celery, no beat: it mails, and its metrics say what waits."""
    place_order(vendor)
    services.hold_route(route=route, reason="The password is wrong.")
    dead = "redis://127.0.0.1:1/0"
    process = manage(
        *("dispatchd", "--metrics-port", unused_tcp_port),
        SMTP_HOST="127.0.0.1",
        SMTP_PORT=str(mailbox_department.port),
        REDIS_URL=dead,
        BROKER_URL=dead,
    )
    try:
        wait_until(lambda: len(mailbox_department.messages) == len(people), 60)
        with urllib.request.urlopen(f"http://127.0.0.1:{unused_tcp_port}/metrics", timeout=60) as page:
            said = page.read().decode()
        assert "mall_dispatch_routes_held 1.0" in said
        assert 'mall_dispatch_unfinished{state="held"} 1.0' in said
        wait_until(lambda: not alarms.find_troubles(timezone.now()))
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert all(b"The password is wrong." in mail for mail in mailbox_department.messages)


@pytest.mark.django_db(transaction=True)
def test_two_processes_do_not_mail_the_same_alarm(people, route, vendor, place_order, mailoutbox):
    place_order(vendor)
    services.hold_route(route=route, reason="The password is wrong.")
    another = connection.copy()
    try:
        with another.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [alarms.lock_name(vendor)])
            assert alarms.send_alarms(timezone.now()) == 0
            cursor.execute("COMMIT")
    finally:
        another.close()
    assert alarms.send_alarms(timezone.now()) == 1
    assert read(mailoutbox)[0] == people

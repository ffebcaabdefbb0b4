"""What grows with time goes by its age: audit rows, attempts, and who bought in orders of long ago."""

from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from cart.orders.models import Order
from mall import retention, tasks
from shipping.models import Attempt, Dispatch, ScriptRun
from tests.support.consignments import make_consignments
from tests.support.dispatch_world import World

pytestmark = pytest.mark.django_db


def test_rows_past_their_age_go_batch_by_batch(settings, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 2)
    settings.AUDIT_DAYS, settings.ATTEMPT_DAYS = 10, 20
    now = timezone.now()
    kind = ContentType.objects.get_for_model(Order)
    for days in (1, 9, 11, 12, 13, 400):
        entry = LogEntry.objects.create(content_type=kind, object_pk="1", object_repr="1", action=1)
        LogEntry.objects.filter(pk=entry.pk).update(timestamp=now - timedelta(days=days))
    world = World(1, "http://127.0.0.1:1/", "secret")
    world.write(2)
    told, waiting = Dispatch.objects.all()
    Dispatch.objects.filter(pk=told.pk).update(state="acked", acked_at=now, ack_by="http")
    for dispatch, days in ((told, 19), (told, 21), (told, 22), (told, 23), (waiting, 30)):
        ended = now - timedelta(days=days)
        Attempt.objects.create(
            dispatch=dispatch, number=days, route=world.routes[0], started_at=ended, ended_at=ended, outcome="retry"
        )
    for days in (19, 21):
        at = now - timedelta(days=days)
        fields = {"next_at": at, "until": at, "ended_at": at, "state": "missed", "seconds": 1}
        ScriptRun.objects.create(route=world.routes[0], key=f"run_{days}", script="report", **fields)
    none = dict.fromkeys(retention.KINDS, 0)
    assert retention.purge(now) == none | {"audit rows": 4, "attempts": 3, "script runs": 1}
    assert LogEntry.objects.filter(content_type=kind).count() == 2
    assert sorted(Attempt.objects.values_list("number", flat=True)) == [19, 30]
    assert ScriptRun.objects.get().key == "run_19"
    assert retention.purge(now) == none


def test_who_bought_is_erased_after_the_orders_term(settings):
    settings.ORDER_DAYS, settings.UNPAID_DAYS = 100, 10
    world = World(1, "http://127.0.0.1:1/", "secret")
    vendor = world.routes[0].department.vendor
    now = timezone.now()
    for mark, days in (("OLD", 101), ("NEW", 99), ("OPEN", 101)):
        state = "open" if mark == "OPEN" else "delivered"
        make_consignments(vendor, 1, mark, now=now - timedelta(days=days), state=state)
    for mark, days in (("GONE", 11), ("LATE", 9)):
        make_consignments(vendor, 1, mark, now=now - timedelta(days=days), state="draft")
        drafts = Order.objects.filter(number__startswith=mark)
        drafts.update(state="expired", placed_at=None, created_at=now - timedelta(days=days))
    tasks.erase_orders()
    kept = set(Order.objects.exclude(email="").values_list("number", flat=True))
    assert {number.partition("-")[0] for number in kept} == {"NEW", "OPEN", "LATE"}
    assert Order.objects.filter(number__startswith="OLD", name="", line1="").exists()

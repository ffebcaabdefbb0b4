"""Bulk actions act on the rows that the list showed, each from the state that was seen, with one summary."""

import time

from auditlog.models import LogEntry
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cart.letters.models import Letter
from cart.orders.models import Consignment, OrderLine
from tests.integration.orders.conftest import sign_in
from tests.support.consignments import make_consignments
from vendors import bulk_actions
from vendors.bulk_actions import BulkActionsMixin, pack, unpack
from vendors.jobs import running
from vendors.jobs.models import Job
from vendors.models import Membership

State = Consignment.State


def states(consignments) -> set[str]:
    rows = Consignment.objects.filter(pk__in=[each.pk for each in consignments])
    return set(rows.values_list("state", flat=True))


def test_everything_is_what_the_list_showed_and_not_what_came_later(sides, open_desk):
    shown = make_consignments(sides[0].vendor, 5)
    desk = open_desk()
    later = make_consignments(sides[0].vendor, 3, "LATER")
    page = desk.act("pack_consignments", everything=True).content.decode()
    assert "6 of 6 done." in page, "five, and that of the two vendors"
    assert (states(shown), states(later)) == ({State.PACKED}, {State.OPEN})


def test_control_the_query_alone_takes_what_came_later(sides, open_desk, monkeypatch):
    make_consignments(sides[0].vendor, 5)
    desk = open_desk()
    later = make_consignments(sides[0].vendor, 3, "LATER")
    rows = [[row.pk, row.vendor_id, row.state] for row in Consignment.objects.filter(vendor=sides[0].vendor)]
    monkeypatch.setattr(bulk_actions, "unpack", lambda *_: rows)
    desk.act("pack_consignments", everything=True)
    assert states(later) == {State.PACKED}


def test_a_row_that_came_back_into_the_queue_is_done_only_from_the_state_that_was_seen(sides, open_desk):
    rows = make_consignments(sides[0].vendor, 2, state=State.PACKED, packed_at=None)
    desk = open_desk(queue="packed")
    Consignment.objects.filter(pk=rows[0].pk).update(state=State.OPEN)  # a piece was missing
    page = desk.act("send_consignments", *rows).content.decode()
    assert "1 × It was packed, and is to be packed by now." in page
    assert [Consignment.objects.get(pk=row.pk).state for row in rows] == [State.OPEN, State.SENT]


def test_a_row_that_was_deleted_meanwhile_is_told(sides, open_desk):
    gone, stays = make_consignments(sides[0].vendor, 2)
    desk = open_desk()
    OrderLine.objects.filter(consignment=gone).delete()
    Consignment.objects.filter(pk=gone.pk).delete()
    page = desk.act("pack_consignments", gone, stays).content.decode()
    assert "1 of 2 done, 1 left as they are. 1 × It is not there any more." in page
    assert states([stays]) == {State.PACKED}


def test_refusals_of_thousands_of_rows_are_one_summary(sides, open_desk, scale):
    """At SCALE=10, 3,000: they were a 500 when each was a message."""
    number = 300 * scale
    rows = make_consignments(sides[0].vendor, number)
    desk = open_desk()
    Consignment.objects.filter(pk__in=[row.pk for row in rows]).update(state=State.CANCELLED)
    response = desk.act("pack_consignments", everything=True)
    job = Job.objects.get()
    assert response.redirect_chain == [(f"/admin/jobs/job/{job.pk}/change/", 302)]
    running.run_due_jobs()
    job.refresh_from_db()
    assert (job.state, job.done, job.refused) == (Job.State.FINISHED, 1, number)
    assert (
        f"{number} × It was to be packed, and is cancelled by now."
        in desk.client.get(response.request["PATH_INFO"]).text
    )


def test_a_list_that_does_not_say_what_it_showed_changes_nothing(sides, open_desk):
    mine, other = open_desk(), open_desk(sign_in(sides[0].staff["owner"]))
    mine.shown = other.shown  # signed, for another person
    for everything in (True, False):
        page = mine.act("pack_consignments", sides[0].rows[Consignment], everything=everything).content.decode()
        assert "does not say what it showed" in page
    assert states([sides[0].rows[Consignment]]) == {State.OPEN}


def test_who_lost_the_vendor_since_the_list_was_shown_changes_nothing(sides, open_desk):
    desk = open_desk()
    Membership.objects.filter(user=sides[0].staff["orders"]).update(vendor=sides[1].vendor)
    desk.act("pack_consignments", everything=True)
    assert states([each.rows[Consignment] for each in sides]) == {State.OPEN}


def test_the_malls_staff_act_on_all_vendors_in_one_job(sides, open_desk):
    desk = open_desk(sign_in(get_user_model().objects.create_superuser("mall@example.org", "secret")))
    desk.act("pack_consignments", everything=True)
    assert states([each.rows[Consignment] for each in sides]) == {State.PACKED}
    assert Job.objects.get().vendor is None


def test_who_works_for_two_vendors_starts_a_job_for_each(sides, open_desk):
    Membership.objects.create(user=sides[1].staff["orders"], vendor=sides[0].vendor, role="orders")
    open_desk(sign_in(sides[1].staff["orders"])).act("pack_consignments", everything=True)
    assert states([each.rows[Consignment] for each in sides]) == {State.PACKED}
    assert {job.vendor for job in Job.objects.select_related("vendor")} == {each.vendor for each in sides}


def test_the_audit_log_has_each_row_with_who_and_what(sides, open_desk):
    row = sides[0].rows[Consignment]
    open_desk().act("pack_consignments", row)
    entry = LogEntry.objects.get_for_object(row).first()
    assert entry.actor == sides[0].staff["orders"]
    assert entry.changes["state"] == ["open", "packed"]


def test_undo_takes_one_step_back_and_the_letter_with_it(sides, open_desk):
    sent, packed = make_consignments(sides[0].vendor, 2)
    open_desk().act("pack_consignments", sent, packed)
    open_desk(queue="packed").act("send_consignments", sent)
    assert Letter.objects.get().key == sent.number
    page = open_desk(queue="all").act("take_back_consignments", sent, packed, sides[0].rows[Consignment])
    assert "1 × There is no step to undo." in page.text
    assert [Consignment.objects.get(pk=row.pk).state for row in (sent, packed)] == [State.PACKED, State.OPEN]
    assert not Letter.objects.exists()


def test_every_admin_with_actions_acts_on_what_was_shown():
    ours = [
        each for each in admin.site._registry.values() if each.__module__.startswith(("vendors", "cart", "shipping"))
    ]
    assert len([each for each in ours if each.actions]) >= 7
    assert [each for each in ours if each.actions and not isinstance(each, BulkActionsMixin)] == []


def test_keys_come_back_as_they_were():
    rows = [(7, 1, "open"), (3, 1, "open"), (5, 2, "sent")]
    assert unpack(pack(rows, "s"), "s") == [[3, 1, "open"], [5, 2, "sent"], [7, 1, "open"]]
    assert unpack(pack(rows, "s"), "other") is None
    assert len(pack([(n * 3, 1, "open") for n in range(10_000)], "s")) < 2_000


def test_a_bulk_action_over_many_rows(sides, open_desk, scale):
    """At SCALE=10, 10,000 rows: the page is free at once, the job is done within a minute."""
    number = 1_000 * scale
    rows = make_consignments(sides[0].vendor, number)
    desk = open_desk()
    began = time.monotonic()
    desk.act("send_consignments", rows[0], everything=True)
    free = time.monotonic() - began
    assert Job.objects.get().is_open, "the page left it to the worker"
    began = time.monotonic()
    with CaptureQueriesContext(connection) as queries:
        running.run_due_jobs()
    took = time.monotonic() - began
    job = Job.objects.get()
    assert (job.done, job.refused) == (min(number + 1, bulk_actions.MOST), 0)
    assert Letter.objects.filter(kind="sent").count() == job.done
    if scale >= 10:
        assert (free < 5, took < 60) == (True, True), f"page {free:.2f} s, job {took:.1f} s"
    assert len(queries) < number / 10

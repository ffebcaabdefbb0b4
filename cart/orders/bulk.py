"""The bulk actions of the packing desk."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from cart.orders import packing, slips
from cart.orders.models import Consignment
from cart.orders.packing import PREVIOUS, Delivery
from vendors.bulk_actions import BulkAction, RowsAction, SeenRow
from vendors.jobs.models import Job, Refusal
from vendors.jobs.run import Run
from vendors.scoped_admin import ORDER_ROLES

State = Consignment.State
PERMISSION = "orders.change_consignment"
FILE_BATCH = 200
AS_PAGE = 50  # slips that are shown as a page; more are made as a file


class MoveConsignments(RowsAction):
    """Move consignments to a state, each from the one that was seen."""

    roles = ORDER_ROLES
    permission = PERMISSION
    to: State

    def apply(self, job: Job, rows: list[SeenRow]) -> list[Refusal]:
        """Move the rows; return those that could not be."""
        return named(move(job, {row[0]: row[1] for row in rows}, self.to))


class PackConsignments(MoveConsignments):
    name = "pack_consignments"
    description = "Mark as packed"
    to = State.PACKED


class SendConsignments(MoveConsignments):
    name = "send_consignments"
    description = "Mark as sent"
    to = State.SENT


class TakeBackConsignments(RowsAction):
    """Undo the last step of consignments: sent ones are packed again, packed ones are to be packed."""

    name = "take_back_consignments"
    description = "Undo the last step"
    roles = ORDER_ROLES
    permission = PERMISSION

    def apply(self, job: Job, rows: list[SeenRow]) -> list[Refusal]:
        """Take the rows back; return those that could not be."""
        refused = {row[0]: "There is no step to undo." for row in rows if row[1] not in PREVIOUS}
        for state, to in sorted(PREVIOUS.items(), reverse=True):  # sent before packed, so none goes two steps
            refused |= move(job, {row[0]: row[1] for row in rows if row[1] == state}, to)
        return named(refused)


class SendTracked(RowsAction):
    """Mark consignments as sent, each with its tracking number and carrier."""

    name = "send_tracked"
    description = "Send with tracking numbers"
    roles = ORDER_ROLES
    permission = PERMISSION

    def apply(self, job: Job, rows: list[SeenRow]) -> list[Refusal]:
        """Send the rows; return those that could not be."""
        deliveries = {key: Delivery(carrier, tracking_number) for key, _, tracking_number, carrier in rows}
        return named(move(job, {row[0]: row[1] for row in rows}, State.SENT, deliveries=deliveries))


class PrintSlips(BulkAction):
    """Show a few slips as a page to print; make a PDF of many."""

    name = "print_slips"
    description = "Print packing slips"
    roles = ORDER_ROLES
    permission = PERMISSION

    def answer(self, request: HttpRequest, rows: list[SeenRow]) -> HttpResponse | None:
        """Lead to the page of a few slips."""
        if len(rows) > AS_PAGE:
            return None
        keys = [row[0] for row in rows]
        packing.mark_printed(consignment_ids=keys, now=timezone.now())
        return HttpResponseRedirect(
            f"{reverse('admin:orders_consignment_slips')}?{urlencode({'pk': keys}, doseq=True)}"
        )

    def run(self, run: Run) -> str:
        """Make the file, from its beginning where a worker died."""
        keys = [row[0] for row in run.job.arguments["rows"]]
        run.progress(0, len(keys))
        with slips.SlipsFile() as pages:
            for start in range(0, len(keys), FILE_BATCH):
                batch = keys[start : start + FILE_BATCH]
                for slip in slips.find_slips(batch, vendor_id=run.job.vendor_id):
                    pages.add(slip)
                run.progress(start + len(batch), len(keys))
            content = pages.content()
        with run.batch():
            packing.mark_printed(consignment_ids=pages.keys, now=timezone.now())
            run.output("packing-slips.pdf", "application/pdf", content)
        return f"{len(pages.keys):,} slips are in the file."


def move(job: Job, seen: dict[int, str], to: State, **more: Any) -> dict[int, str]:
    """Move consignments of the job's vendor; return the reasons of those that could not be."""
    return packing.move_consignments(seen=seen, to=to, now=timezone.now(), vendor_id=job.vendor_id, **more)


def named(refused: dict[int, str]) -> list[Refusal]:
    """Return refusals with the numbers of their consignments."""
    numbers = dict(Consignment.objects.filter(pk__in=refused).values_list("pk", "number"))
    return [(numbers.get(pk, f"row {pk}"), reason) for pk, reason in refused.items()]

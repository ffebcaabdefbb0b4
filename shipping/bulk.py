"""The bulk actions of dispatches."""

from __future__ import annotations

from django.utils import timezone

from shipping import services
from vendors.bulk_actions import RowsAction, SeenRow
from vendors.jobs.models import Job, Refusal
from vendors.scoped_admin import ORDER_ROLES


class RedriveDispatches(RowsAction):
    """Send dead dispatches again, under the same key."""

    name = "redrive"
    description = "Send again (only dead dispatches)"
    roles = ORDER_ROLES
    permission = "shipping.change_dispatch"

    def apply(self, job: Job, rows: list[SeenRow]) -> list[Refusal]:
        """Make the dead ones due; return the others."""
        keys = {row[0] for row in rows}
        sent = services.redrive(dispatch_ids=keys, vendor_id=job.vendor_id, now=timezone.now())
        return [(f"dispatch {key}", "It is not dead, so it goes by itself.") for key in sorted(keys - sent)]


class ReplayDispatches(RowsAction):
    """Send acknowledged dispatches once more, under the same key."""

    name = "replay"
    description = "Send once more (only acknowledged dispatches; a department that has them changes nothing)"
    roles = ORDER_ROLES
    permission = "shipping.change_dispatch"

    def apply(self, job: Job, rows: list[SeenRow]) -> list[Refusal]:
        """Make the acknowledged ones due; return the others."""
        keys = {row[0] for row in rows}
        sent = services.replay(dispatch_ids=keys, vendor_id=job.vendor_id, now=timezone.now())
        return [
            (f"dispatch {key}", "It is not acknowledged, or a newer revision replaced it.")
            for key in sorted(keys - sent)
        ]

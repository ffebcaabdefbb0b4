"""The status of dispatches in words for shoppers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from sessions_farm.communities.query_plans import planned
from shipping.models import Action, Dispatch
from shipping.states import State

if TYPE_CHECKING:
    from cart.orders.models import Order

WORDS = {
    State.READY: gettext_lazy("being passed to the shop"),
    State.SENDING: gettext_lazy("being passed to the shop"),
    State.HELD: gettext_lazy("waiting for the shop's shipping department"),
    State.SENT: gettext_lazy("passed to the shop"),
    State.ACKED: gettext_lazy("received by the shop"),
    State.DEAD: gettext_lazy("delayed: we are asking the shop"),
    State.CANCELLED: gettext_lazy("cancelled"),
}


@dataclass(frozen=True, slots=True)
class DispatchStatus:
    """The status of a consignment's dispatch: ``state`` is the word for shoppers, ``code`` the state itself."""

    state: str
    code: str
    since: datetime
    attempts: int
    acked_at: datetime | None


def for_order(order: Order) -> dict[int, DispatchStatus]:
    """Return the newest revision's status by consignment id; consignments without a dispatch are left out."""
    return {row.consignment_id: status_of(row) for row in _dispatches_of(order.pk)}


@planned
def _dispatches_of(order_id: int) -> QuerySet[Dispatch]:
    rows = Dispatch.objects.filter(consignment__order=order_id)
    return rows.order_by("consignment", "revision").defer("body")


def status_of(dispatch: Dispatch) -> DispatchStatus:
    """Return the status of one dispatch."""
    state = State(dispatch.state)
    if dispatch.action == Action.CANCEL:
        state = State.CANCELLED  # whether the department knows it yet is no matter of the shopper's
    elif dispatch.acked_at:
        state = State.ACKED  # also while it is sent once more
    return DispatchStatus(
        state=str(WORDS[state]),
        code=state,
        since=dispatch.acked_at or dispatch.first_sent_at or dispatch.created_at,
        attempts=dispatch.fence,
        acked_at=dispatch.acked_at,
    )

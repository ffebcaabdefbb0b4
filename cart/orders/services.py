"""Services that change placed orders and the address book."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from cart.orders import states
from cart.orders.models import Address, Consignment


class StaleConsignmentError(Exception):
    """Report a consignment that has left the expected state."""


def transition_consignment(
    *,
    consignment_id: int,
    to: Consignment.State,
    now: datetime,
) -> None:
    """Make a state transition. Raise StaleConsignmentError if the current state does not allow it.

    The UPDATE names the allowed states (optimistic locking), so concurrent transitions have one winner.
    """
    fields: dict[str, Any] = {"state": to}
    if to == Consignment.State.SENT:
        fields["sent_at"] = now
    if not Consignment.objects.filter(pk=consignment_id, state__in=states.predecessors(to)).update(**fields):
        state = Consignment.objects.values_list("state", flat=True).get(pk=consignment_id)
        raise StaleConsignmentError(
            f"Consignment {consignment_id} is {Consignment.State(state).label}; it cannot become {to.label}."
        )


@transaction.atomic
def save_address(*, user: Any, fields: Mapping[str, str]) -> Address:
    """Save an address in the user's address book; idempotent. The first becomes the default."""
    existing = Address.objects.filter(user=user, **fields).first()
    if existing is not None:
        return existing
    is_first = not Address.objects.filter(user=user, is_default=True).exists()
    return Address.objects.create(user=user, is_default=is_first, **fields)

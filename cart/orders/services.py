"""Every change of an order after it was placed, and of the address book."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from cart.orders import states
from cart.orders.models import Address, Consignment, Order

LEASE = timedelta(minutes=5)


class Stale(Exception):
    """The consignment is not in the state any more that the change was meant for."""


def move_consignment(
    *,
    consignment_id: int,
    to: Consignment.State,
    now: datetime,
) -> None:
    """Move a consignment on. Raise Stale where it is, by now, in a state that this one does not follow."""
    fields: dict[str, Any] = {"state": to}
    if to == Consignment.State.SENT:
        fields["sent_at"] = now
    if not Consignment.objects.filter(pk=consignment_id, state__in=states.before(to)).update(**fields):
        state = Consignment.objects.values_list("state", flat=True).get(pk=consignment_id)
        raise Stale(f"Consignment {consignment_id} is {Consignment.State(state).label}; it cannot become {to.label}.")


@transaction.atomic
def save_address(*, user: Any, fields: Mapping[str, str]) -> Address:
    """Keep an address in the person's book, once; the first becomes the default."""
    known = Address.objects.filter(user=user, **fields).first()
    if known is not None:
        return known
    is_first = not Address.objects.filter(user=user, is_default=True).exists()
    return Address.objects.create(user=user, is_default=is_first, **fields)


def claim_mail(*, order_id: int, now: datetime) -> bool:
    """Take on the sending of an order's confirmation for five minutes; False where it is sent or being sent."""
    return bool(Order.objects.mail_due(now).filter(pk=order_id).update(mail_due_at=now + LEASE))


def mail_sent(*, order_id: int) -> None:
    Order.objects.filter(pk=order_id).update(mail_due_at=None)

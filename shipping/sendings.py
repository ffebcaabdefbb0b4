"""Sendings: the word of a department that goods went out, whose tracking number reaches the shopper."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cart.orders.models import Consignment
from cart.orders.packing import Delivery, move_consignments
from cart.orders.tracking import LONGEST

State = Consignment.State


class SendingRefusedError(ValueError):
    """A department's word that goods went out cannot be taken."""


@dataclass(frozen=True, slots=True)
class Sending:
    """The consignment that went out, by its number, and how."""

    consignment: str
    carrier: str = ""
    tracking_number: str = ""

    @classmethod
    def parse(cls, document: dict[str, Any]) -> Sending:
        """Return the sending in a department's JSON; raise SendingRefusedError for anything else."""
        values = [document.get(name, "") for name in ("consignment", "carrier", "tracking_number")]
        if not all(isinstance(value, str) and len(value) <= LONGEST and value.isprintable() for value in values):
            raise SendingRefusedError(f"Each part of a sending is a text of {LONGEST} letters at most.")
        if not values[0]:
            raise SendingRefusedError("It names no consignment.")
        return cls(*(value.strip() for value in values))


def record_sending(*, vendor_id: int, sending: Sending, now: datetime) -> bool:
    """Mark a consignment as sent; return False where it was already, by the same number.

    Raise LookupError where the vendor has no such consignment, SendingRefusedError where it cannot be sent now.
    """
    row = Consignment.objects.filter(number=sending.consignment.upper(), vendor=vendor_id).first()
    if row is None or row.state == State.DRAFT:
        raise LookupError(f"This vendor has no consignment {sending.consignment!r}.")
    if row.state in {State.SENT, State.DELIVERED} and row.tracking_number == sending.tracking_number:
        return False
    delivery = Delivery(sending.carrier, sending.tracking_number)
    refused = move_consignments(
        seen={row.pk: row.state}, to=State.SENT, now=now, vendor_id=vendor_id, deliveries={row.pk: delivery}
    )
    if refused:
        raise SendingRefusedError(refused[row.pk])
    return True

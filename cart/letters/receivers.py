"""Signal receivers of letters: the buyer hears once that a consignment was sent, when that is for good, and came."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.dispatch import receiver

from cart.letters.models import Letter
from cart.orders.models import Consignment
from cart.orders.signals import (
    buyers_erased,
    consignments_delivered,
    consignments_sent,
    consignments_taken_back,
)

CLOCKS_APART = timedelta(minutes=1)  # of nodes; a letter is never sent while its cause can be taken back


@receiver(consignments_sent, dispatch_uid="letters.write_sent")
def on_consignments_sent(*, consignments: Sequence[Consignment], until: datetime, now: datetime, **_: object) -> None:
    """Write a letter for each consignment, due when the sending cannot be taken back."""
    _write_letters(Letter.Kind.SENT, consignments, due_at=until + CLOCKS_APART, now=now)


@receiver(consignments_delivered, dispatch_uid="letters.write_delivered")
def on_consignments_delivered(*, consignments: Sequence[Consignment], now: datetime, **_: object) -> None:
    """Write a letter for each consignment; the next sweep sends it."""
    _write_letters(Letter.Kind.DELIVERED, consignments, due_at=now, now=now)


@receiver(consignments_taken_back, dispatch_uid="letters.withdraw_sent")
def on_consignments_taken_back(*, consignments: Sequence[Consignment], **_: object) -> None:
    """Delete the letters that were not tried yet."""
    orders = {consignment.order_id for consignment in consignments}
    numbers = {consignment.number for consignment in consignments}
    Letter.objects.filter(order__in=orders, kind=Letter.Kind.SENT, key__in=numbers, tries=0, sent_at=None).delete()


@receiver(buyers_erased, dispatch_uid="letters.delete_letters")
def on_buyers_erased(*, orders: list[int], **_: object) -> None:
    """Delete the letters to erased buyers."""
    Letter.objects.filter(order__in=orders).delete()


def _write_letters(kind: Letter.Kind, consignments: Sequence[Consignment], *, due_at: datetime, now: datetime) -> None:
    Letter.objects.bulk_create(
        [
            Letter(
                order_id=consignment.order_id,
                kind=kind,
                key=consignment.number,
                facts={"consignment": consignment.number},
                created_at=now,
                due_at=due_at,
            )
            for consignment in consignments
        ],
        ignore_conflicts=True,
    )

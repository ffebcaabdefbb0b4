"""Services that change a bank transfer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Sum

from cart.checkout.payments.manual.models import BackTransfer, Transfer

State = Transfer.State


class TransferError(Exception):
    """Report a transfer that cannot be changed so, in words for the mall's staff."""


@transaction.atomic
def receive_transfer(*, reference: str, user: Any, now: datetime) -> Transfer:
    """Record that the whole amount of a transfer is on the account; idempotent. It counts though it was cancelled."""
    transfer = Transfer.objects.select_for_update(no_key=True).get(reference=reference)
    if transfer.state in {State.AWAITED, State.CANCELLED}:
        transfer.state, transfer.received_at, transfer.received_by = State.RECEIVED, now, user
        transfer.save(update_fields=["state", "received_at", "received_by"])
    return transfer


@transaction.atomic
def cancel_transfer(*, unstarted: Transfer) -> Transfer:
    """Await a transfer no longer, whether it was asked for or not; a received one stays."""
    Transfer.objects.bulk_create([unstarted], ignore_conflicts=True)
    transfer = Transfer.objects.select_for_update(no_key=True).get(reference=unstarted.reference)
    if transfer.state == State.AWAITED:
        transfer.state = State.CANCELLED
        transfer.save(update_fields=["state"])
    return transfer


@transaction.atomic
def ask_back_transfer(*, reference: str, amount: int, key: str) -> BackTransfer:
    """Ask the mall's staff to transfer an amount back, once for each key.

    Raise Transfer.DoesNotExist, or TransferError if it was not received or less is left of it.
    """
    transfer = Transfer.objects.select_for_update(no_key=True).get(reference=reference)
    existing = transfer.refunds.filter(key=key).first()
    if existing is not None:
        return existing
    back = transfer.refunds.aggregate(sum=Sum("amount", default=0))["sum"]
    if transfer.state != State.RECEIVED or not 0 < amount <= transfer.amount - back:
        raise TransferError(
            f"{amount} of {transfer} cannot go back: it is {transfer.get_state_display()}, {back} went already."
        )
    return BackTransfer.objects.create(transfer=transfer, key=key, amount=amount)


@transaction.atomic
def make_back_transfer(*, key: str, user: Any, now: datetime) -> BackTransfer:
    """Record that an amount was transferred back; idempotent."""
    transfer = Transfer.objects.select_for_update(no_key=True).get(refunds__key=key)
    back = transfer.refunds.get(key=key)
    if back.made_at is None:
        back.made_at, back.made_by = now, user
        back.save(update_fields=["made_at", "made_by"])
        made = transfer.refunds.filter(made_at__isnull=False).aggregate(sum=Sum("amount"))["sum"]
        if made == transfer.amount:
            transfer.state = State.REFUNDED
            transfer.save(update_fields=["state"])
    return back

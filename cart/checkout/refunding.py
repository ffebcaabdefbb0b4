"""Refunds carried to the gateway: outside any transaction, once for each key, asked again until they are made."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import Sum

from cart.checkout.errors import PaymentError
from cart.checkout.looks import move_on
from cart.checkout.payments.base import RefundStatus
from cart.checkout.payments.gateways import get_gateway
from cart.letters.models import Letter
from cart.letters.services import write_letter
from cart.orders.models import Order, Payment, Refund
from cart.orders.signals import refund_made
from cart.transactions import in_transaction

logger = logging.getLogger(__name__)

BATCH = 200  # refunds in one sweep


@transaction.atomic
def claim_due_refunds(now: datetime) -> list[Refund]:
    """Return the due refunds, the longest overdue first, each with its next look moved on."""
    due = Refund.objects.filter(state=Refund.State.DUE, next_look_at__lte=now).order_by("next_look_at")
    claimed = list(due.select_for_update(no_key=True, skip_locked=True, of=("self",)).select_related("payment")[:BATCH])
    move_on(Refund, claimed, now)
    return claimed


def make_refund(refund: Refund, now: datetime) -> bool:
    """Let the gateway make a refund; return False if it must be asked again later.

    Idempotent. Raise LookupError for a gateway that is configured no more.
    """
    payment = refund.payment
    try:
        status = get_gateway(payment.gateway).refund(payment, amount=refund.amount, key=refund.key)
    except PaymentError as error:
        log = logger.error if error.permanent else logger.warning
        log("Refund %s of payment %s failed: %s", refund.key, payment.reference, error)
        return False
    if status is not RefundStatus.MADE:
        return False
    _mark_made(refund, now)
    return True


@in_transaction
def _mark_made(refund: Refund, now: datetime) -> None:
    """Record that the money went back; a payment of which nothing is left is refunded."""
    order = Order.objects.select_for_update(no_key=True).get(payments=refund.payment_id)
    payment = Payment.objects.select_for_update(no_key=True).get(pk=refund.payment_id)
    due = Refund.objects.filter(pk=refund.pk, state=Refund.State.DUE)
    if not due.update(state=Refund.State.MADE, made_at=now):
        return
    made = payment.refunds.filter(state=Refund.State.MADE).aggregate(sum=Sum("amount"))["sum"]
    if made == payment.amount:
        Payment.objects.filter(pk=payment.pk, state=Payment.State.CAPTURED).update(state=Payment.State.REFUNDED)
    refund.refresh_from_db()
    facts = {"amount": refund.amount, "currency": payment.currency}
    write_letter(order=order, kind=Letter.Kind.REFUNDED, key=refund.key, facts=facts)
    refund_made.send(sender=Refund, refund=refund, order=order, now=now)

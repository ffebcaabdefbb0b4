"""Services of the mall's staff for bank transfers: paid, and transferred back; the order follows at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cart.checkout.finalise import finalise, refund_payment
from cart.checkout.payments.manual import services
from cart.checkout.refunding import make_refund
from cart.orders.models import Order, Payment, Refund

GATEWAY = "manual"


def mark_paid(*, reference: str, user: Any, now: datetime) -> Order:
    """Record that a transfer is on the account, and settle its payment; idempotent.

    What comes after its time is placed where the goods are still to be had, and goes back where they are not.
    """
    services.receive_transfer(reference=reference, user=user, now=now)
    return finalise(payment=Payment.objects.select_related("order").get(gateway=GATEWAY, reference=reference), now=now)


def mark_transferred_back(*, key: str, user: Any, now: datetime) -> None:
    """Record that an amount was transferred back, and its refund as made; idempotent."""
    services.make_back_transfer(key=key, user=user, now=now)
    refund = Refund.objects.filter(key=key, state=Refund.State.DUE).select_related("payment").first()
    if refund is not None:
        make_refund(refund, now)
    payment = Payment.objects.filter(gateway=GATEWAY, reference=key, state=Payment.State.REFUND_DUE).first()
    if payment is not None:
        refund_payment(payment)

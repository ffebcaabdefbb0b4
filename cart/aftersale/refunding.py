"""Services that give money back without goods: for a consignment or a whole order, each once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from cart.checkout.tasks import enqueue_refunds
from cart.orders import refunds
from cart.orders.models import Order, Refund
from cart.transactions import in_transaction


@in_transaction
def refund_amount(
    *,
    order_id: int,
    amount: int,
    key: str,
    why: str,
    now: datetime,
    user: Any = None,
    consignment_id: int | None = None,
) -> Refund:
    """Give an amount of a consignment back, or of all consignments in proportion; once for each key of the order.

    It is split over the rest of each line and delivery, to the penny. Raise refunds.RefundError; nothing was
    changed then.
    """
    order = Order.objects.select_for_update(no_key=True).get(pk=order_id)
    unique = f"{order.number}-{key}"
    existing = Refund.objects.filter(key=unique).first()
    if existing is not None:
        return existing
    payment = refunds.lock_captured_payment(order)
    left = refunds.refundable(order, consignment_id=consignment_id)
    refund = refunds.write_refund(
        payment=payment, amounts=refunds.share_of(amount, left), key=unique, why=why, user=user, now=now
    )
    if refund is None:
        raise refunds.RefundError(f"Nothing was charged for order {order.number}.")
    transaction.on_commit(enqueue_refunds, robust=True)
    return refund

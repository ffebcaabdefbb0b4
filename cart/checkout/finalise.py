"""The last phase of a checkout: apply the result of a payment to its order, exactly once.

Browser return, webhook and sweeper all call ``finalise``, which is idempotent. The gateway is called before and after
the transaction, never inside it.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction

from cart.checkout.errors import PaymentError
from cart.checkout.payments.base import ChargeResult, ChargeStatus
from cart.checkout.payments.gateways import get_gateway
from cart.checkout.prepare import order_quantities
from cart.orders.models import Consignment, Order, Payment
from cart.orders.signals import order_finalising, order_placed
from cart.orders.tasks import enqueue_confirmation
from cart.services import lock_carts_of_purchase, remove_bought
from cart.transactions import in_transaction
from vendors import stock

logger = logging.getLogger(__name__)

LATE_HOLD = timedelta(minutes=1)


def finalise(*, payment: Payment, now: datetime) -> Order:
    """Fetch the result of a payment and apply it: place the order, record a declined card, or refund.

    Idempotent, also under concurrency. Raise PaymentError if the gateway does not answer, RowLockTimeoutError if rows
    stay locked.
    """
    result = get_gateway(payment.gateway).fetch(payment)
    order, payment = _apply(payment, result, now)
    if payment.state == Payment.State.REFUND_DUE:
        refund_payment(payment)
    return order


@in_transaction
def _apply(payment: Payment, result: ChargeResult, now: datetime) -> tuple[Order, Payment]:
    """Apply the gateway's report to a started payment; return the rows as they are now.

    The order's visitor changes only by a merge, which locks the carts too.
    """
    visitor_id = Order.objects.values_list("visitor_id", flat=True).get(pk=payment.order_id)
    if visitor_id is not None:
        lock_carts_of_purchase(visitor_id)
    order = Order.objects.select_for_update(no_key=True).get(pk=payment.order_id)
    payment = Payment.objects.select_for_update(no_key=True).get(pk=payment.pk)
    if payment.state == Payment.State.STARTED:
        _settle(order, payment, result, now)
    return order, payment


def _settle(order: Order, payment: Payment, result: ChargeResult, now: datetime) -> None:
    match result.status:
        case ChargeStatus.PENDING:
            return
        case ChargeStatus.DECLINED:
            _mark(payment, Payment.State.DECLINED, now)
        case ChargeStatus.REFUNDED:
            _mark(payment, Payment.State.REFUNDED, now)
        case ChargeStatus.CAPTURED if (result.amount, result.currency) != (order.total, order.currency):
            logger.error("Order %s is %d, its payment is %d: refunding", order.number, order.total, result.amount)
            _mark(payment, Payment.State.REFUND_DUE, now)
        case ChargeStatus.CAPTURED:
            _place(order, payment, now)


def _place(order: Order, payment: Payment, now: datetime) -> None:
    """Place the order for a captured payment; if that is impossible, make the refund due."""
    if order.state not in {Order.State.DRAFT, Order.State.EXPIRED}:
        _mark(payment, Payment.State.REFUND_DUE, now)  # paid twice, in two tabs
        return
    try:
        with transaction.atomic():
            _take_stock(order, now)
    except stock.SoldOutError:
        _mark(payment, Payment.State.REFUND_DUE, now)
        _cancel(order, "Sold out while you were paying. The whole amount goes back to your card.")
        return
    _mark(payment, Payment.State.CAPTURED, now)
    _mark_placed(order, now)


def _take_stock(order: Order, now: datetime) -> None:
    """Take the goods; a late payment needs them to be available again."""
    if order.state == Order.State.EXPIRED:
        stock.hold(order.uuid, order_quantities(order), now + LATE_HOLD, now)
    stock.take(order.uuid, now)


def _mark_placed(order: Order, now: datetime) -> None:
    order.state = Order.State.PLACED
    order.placed_at = order.mail_due_at = now
    order.save(update_fields=["state", "placed_at", "mail_due_at"])
    order.consignments.update(state=Consignment.State.OPEN)
    if order.visitor_id is not None:
        remove_bought(visitor_id=order.visitor_id, bought=order_quantities(order))
    order_finalising.send(sender=Order, order=order, now=now)
    transaction.on_commit(lambda: order_placed.send_robust(sender=Order, order=order), robust=True)
    transaction.on_commit(lambda: enqueue_confirmation(order.pk), robust=True)


def _cancel(order: Order, reason: str) -> None:
    order.state = Order.State.CANCELLED
    order.remark = reason
    order.save(update_fields=["state", "remark"])
    order.consignments.update(state=Consignment.State.CANCELLED)
    stock.release(order.uuid)


def _mark(payment: Payment, state: Payment.State, now: datetime) -> None:
    payment.state = state
    payment.settled_at = now
    payment.save(update_fields=["state", "settled_at"])


def refund_payment(payment: Payment) -> bool:
    """Refund a payment; return False if the gateway must be asked again later."""
    try:
        result = get_gateway(payment.gateway).refund(payment)
    except PaymentError as error:
        logger.warning("Refund of payment %s failed (permanent: %s): %s", payment.reference, error.permanent, error)
        return False
    if result.status is not ChargeStatus.REFUNDED:
        logger.warning("Refund of payment %s is not made; the charge is %s", payment.reference, result.status)
        return False
    Payment.objects.filter(pk=payment.pk, state=Payment.State.REFUND_DUE).update(state=Payment.State.REFUNDED)
    return True

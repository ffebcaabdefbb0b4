"""The last phase of a checkout: what a payment came to is made true, once, whoever brings the news.

Browser return, webhook and sweeper enter here alike. The gateway is asked before the transaction and told after it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import transaction

from cart.checkout.locks import Busy, impatient_transaction
from cart.checkout.payments.base import Outcome, PaymentError, Progress
from cart.checkout.payments.gateways import gateway
from cart.checkout.prepare import demands_of
from cart.models import Cart
from cart.orders.models import Consignment, Order, Payment
from cart.orders.signals import order_finalising, order_placed
from cart.orders.tasks import announce_placed
from cart.services import remove_bought
from vendors import stock

log = structlog.get_logger(__name__)

MOMENT = timedelta(minutes=1)


def finalise(*, payment: Payment, now: datetime) -> Order:
    """Ask the gateway what became of a payment and act on it: place the order, note the refusal, or give money back.

    Doing it again, or at the same time from elsewhere, changes nothing more. Raise PaymentError where the gateway does
    not answer, Busy where rows are locked for too long.
    """
    outcome = gateway(payment.gateway).fetch(payment)
    with impatient_transaction():
        _lock_cart(payment)
        order = Order.objects.select_for_update(no_key=True).get(pk=payment.order_id)
        payment = Payment.objects.select_for_update(no_key=True).get(pk=payment.pk)
        if payment.state == Payment.State.STARTED:
            _settle(order, payment, outcome, now)
    if payment.state == Payment.State.REFUND_DUE:
        give_back(payment)
    return order


def _lock_cart(payment: Payment) -> None:
    """First in the global order of locks; an order's visitor changes only by a merge, which locks the cart too."""
    visitor_id = Order.objects.values_list("visitor_id", flat=True).get(pk=payment.order_id)
    list(Cart.objects.select_for_update(no_key=True).filter(visitor_id=visitor_id))


def _settle(order: Order, payment: Payment, outcome: Outcome, now: datetime) -> None:
    match outcome.progress:
        case Progress.PENDING:
            return
        case Progress.DECLINED:
            _note(payment, Payment.State.DECLINED, now)
        case Progress.REFUNDED:
            _note(payment, Payment.State.REFUNDED, now)
        case Progress.CAPTURED if (outcome.amount, outcome.currency) != (order.total, order.currency):
            log.error("payment_of_other_amount", order=order.number, amount=outcome.amount, total=order.total)
            _note(payment, Payment.State.REFUND_DUE, now)
        case Progress.CAPTURED:
            _use(order, payment, now)


def _use(order: Order, payment: Payment, now: datetime) -> None:
    """Place the order for a captured payment; where that cannot be, the money is to go back."""
    if order.state not in {Order.State.DRAFT, Order.State.EXPIRED}:
        _note(payment, Payment.State.REFUND_DUE, now)  # paid twice, in two tabs
        return
    try:
        with transaction.atomic():
            _take(order, now)
    except stock.SoldOutError:
        _note(payment, Payment.State.REFUND_DUE, now)
        _cancel(order, "Sold out while you were paying. The whole amount goes back to your card.")
        return
    _note(payment, Payment.State.CAPTURED, now)
    _place(order, now)


def _take(order: Order, now: datetime) -> None:
    """Take the goods; a late payment has to find them free once more."""
    if order.state == Order.State.EXPIRED:
        stock.hold(order.uuid, demands_of(order), now + MOMENT, now)
    stock.take(order.uuid, now)


def _place(order: Order, now: datetime) -> None:
    order.state = Order.State.PLACED
    order.placed_at = order.mail_due_at = now
    order.save(update_fields=["state", "placed_at", "mail_due_at"])
    order.consignments.update(state=Consignment.State.OPEN)
    if order.visitor_id is not None:
        remove_bought(visitor_id=order.visitor_id, bought=demands_of(order))
    order_finalising.send(sender=Order, order=order, now=now)
    transaction.on_commit(lambda: order_placed.send_robust(sender=Order, order=order), robust=True)
    transaction.on_commit(lambda: announce_placed(order.pk), robust=True)


def _cancel(order: Order, remark: str) -> None:
    order.state = Order.State.CANCELLED
    order.remark = remark
    order.save(update_fields=["state", "remark"])
    order.consignments.update(state=Consignment.State.CANCELLED)
    stock.release(order.uuid)


def _note(payment: Payment, state: Payment.State, now: datetime) -> None:
    payment.state = state
    payment.settled_at = now
    payment.save(update_fields=["state", "settled_at"])


def give_back(payment: Payment) -> bool:
    """Refund a payment that the mall may not keep; False where the gateway has to be asked again later."""
    try:
        outcome = gateway(payment.gateway).refund(payment)
    except PaymentError as error:
        log.warning("refund_failed", payment=payment.reference, error=str(error), permanent=error.permanent)
        return False
    if outcome.progress is not Progress.REFUNDED:
        log.warning("refund_not_made", payment=payment.reference, progress=outcome.progress)
        return False
    Payment.objects.filter(pk=payment.pk, state=Payment.State.REFUND_DUE).update(state=Payment.State.REFUNDED)
    return True


__all__ = ["Busy", "finalise", "give_back"]

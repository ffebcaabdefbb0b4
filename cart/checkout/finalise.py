"""The last phase of a checkout: apply the result of a payment to its order, exactly once.

Browser return, webhook and sweeper all call ``finalise``, which is idempotent. The gateway is called before and after
the transaction, never inside it.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from cart.checkout import metrics
from cart.checkout.errors import PaymentError
from cart.checkout.payments.base import ChargeResult, ChargeStatus
from cart.checkout.payments.gateways import get_gateway
from cart.checkout.placing import cancel_order, expire_order, place_order
from cart.letters.models import Letter
from cart.letters.services import write_letter
from cart.models import Cart
from cart.orders.models import Order, Payment
from cart.services import carts_of_purchase
from cart.transactions import in_transaction
from sessions_farm.query_plans import planned, planned_update
from vendors import stock
from vendors.money import Money

logger = logging.getLogger(__name__)


def finalise(*, payment: Payment, now: datetime) -> Order:
    """Fetch the result of a payment and apply it: place the order, record a declined card, or refund.

    Idempotent, also under concurrency. Raise PaymentError if the gateway does not answer, RowLockTimeoutError if rows
    stay locked.
    """
    return apply_result(payment, get_gateway(payment.gateway).fetch(payment), now)


def close_payment(payment: Payment, now: datetime) -> Order:
    """Cancel a payment at the gateway, for good; one that was made in time counts. Raise as ``finalise`` does."""
    return apply_result(payment, get_gateway(payment.gateway).cancel(payment), now)


def apply_result(payment: Payment, result: ChargeResult, now: datetime) -> Order:
    """Apply the gateway's report, and refund what cannot be kept; return the order as it is now."""
    order, payment = _apply(payment, result, now)
    if payment.state == Payment.State.REFUND_DUE:
        refund_payment(payment)
    return order


@in_transaction
def _apply(payment: Payment, result: ChargeResult, now: datetime) -> tuple[Order, Payment]:
    """Apply the gateway's report to a started payment; return the rows as they are now.

    The order's visitor changes only by a merge, which locks the carts too.
    """
    _lock_carts(payment.order_id)
    payment = _lock_payment(payment.pk)[0]
    order = payment.order
    if payment.state == Payment.State.STARTED:
        _note_declines(payment, result)
        _settle(order, payment, result, now)
    return order, payment


@planned
def _lock_carts(order_id: int) -> QuerySet[Cart, int]:
    carts = carts_of_purchase(Order.objects.filter(pk=order_id).values("visitor_id"))
    return carts.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True)


@planned
def _lock_payment(payment_id: int) -> QuerySet[Payment]:
    """Lock a payment after its order: rows are locked in the order that ``of`` names."""
    rows = Payment.objects.filter(pk=payment_id).select_related("order__marketplace")
    return rows.select_for_update(no_key=True, of=("order", "self"))


def _note_declines(payment: Payment, result: ChargeResult) -> None:
    """Keep the number of declined cards, for the limits of the next payment."""
    if (declined := result.declined_cards - payment.declined_cards) > 0:
        payment.declined_cards = result.declined_cards
        payment.save(update_fields=["declined_cards"])
        transaction.on_commit(lambda: metrics.DECLINED_CARDS.inc(declined), robust=True)


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
            _write_of_return(order, payment, Money(result.amount, result.currency))
        case ChargeStatus.CAPTURED:
            _place(order, payment, now)


def _place(order: Order, payment: Payment, now: datetime) -> None:
    """Place the order for a captured payment; if that is impossible, make the refund due."""
    if order.state not in {Order.State.DRAFT, Order.State.EXPIRED} or _is_wish_fulfilled(order):
        _mark(payment, Payment.State.REFUND_DUE, now)  # paid twice, in two tabs
        _write_of_return(order, payment, Money(payment.amount, payment.currency))
        if order.state == Order.State.DRAFT:
            expire_order(order, now)
        return
    try:
        place_order(order, now)
    except stock.SoldOutError:
        _mark(payment, Payment.State.REFUND_DUE, now)
        cancel_order(order, "Sold out while you were paying.")
        return
    _mark(payment, Payment.State.CAPTURED, now)


def _is_wish_fulfilled(order: Order) -> bool:
    """Return whether another order of the same checkout is placed; its cart is locked, so none is placed meanwhile."""
    placed = order.placed_of_wish()
    return placed is not None and placed != order


def _write_of_return(order: Order, payment: Payment, paid: Money) -> None:
    placed = order.placed_of_wish()
    facts = {"placed": placed.number if placed else "", "amount": paid.minor, "currency": paid.currency}
    write_letter(order=order, kind=Letter.Kind.PAYMENT_RETURNED, key=payment.reference, facts=facts)


def _mark(payment: Payment, state: Payment.State, now: datetime) -> None:
    payment.state = state
    payment.settled_at = payment.next_look_at = now
    payment.looks = 0
    _settle_payment(payment.pk, str(state), now)


@planned_update
def _settle_payment(payment_id: int, state: str, now: datetime) -> tuple[QuerySet[Payment], dict[str, Any]]:
    values = {"state": state, "settled_at": now, "next_look_at": now, "looks": 0}
    return Payment.objects.filter(pk=payment_id), values


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
    _record_refund(payment, Money(result.amount, result.currency))
    return True


@transaction.atomic
def _record_refund(payment: Payment, given_back: Money) -> None:
    if Payment.objects.filter(pk=payment.pk, state=Payment.State.REFUND_DUE).update(state=Payment.State.REFUNDED):
        facts = {"amount": given_back.minor, "currency": given_back.currency}
        write_letter(order=payment.order, kind=Letter.Kind.REFUNDED, key=payment.reference, facts=facts)

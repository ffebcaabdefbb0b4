"""The last phase of a checkout: apply the result of a payment to its order, exactly once.

Browser return, webhook and sweeper all call ``finalise``, which is idempotent. The gateway is called before and after
the transaction, never inside it.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_noop

from cart.checkout import metrics
from cart.checkout.errors import PaymentError
from cart.checkout.payments.base import ChargeResult, ChargeStatus, RefundStatus
from cart.checkout.payments.gateways import get_gateway
from cart.checkout.placing import cancel_order, expire_order, place_order
from cart.letters.models import Letter
from cart.letters.services import write_letter
from cart.models import Cart
from cart.orders import states
from cart.orders.models import Order, Payment
from cart.services import carts_of_purchase
from cart.transactions import in_transaction
from sessions_farm.communities.query_plans import planned, planned_update
from vendors import stock

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
    """Apply the gateway's report, and refund a charge that cannot be kept; return the order as it is now."""
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
    # What a gateway took in spite of its word that it would not is placed or given back, as any other.
    is_late = payment.state == Payment.State.DECLINED and result.status is ChargeStatus.CAPTURED
    if payment.state == Payment.State.STARTED or is_late:
        _note_declines(payment, result)
        _settle(order, payment, result, now)
    return order, payment


@planned
def _lock_carts(order_id: int) -> QuerySet[Cart, int]:
    carts = carts_of_purchase(Order.objects.filter(pk=order_id).values("visitor_id"))
    return carts.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True)


@planned
def _lock_payment(payment_id: int) -> QuerySet[Payment]:
    """Lock a payment after its order: rows are locked in the order that ``of`` names.

    ``is_wish_fulfilled`` says whether another order of the same checkout was placed; the cart is locked, so none is
    placed meanwhile. One that was cancelled since counts: the shopper does not wait for this one any more.
    """
    placed = Order.objects.filter(wish=OuterRef("order__wish"), placed_at__isnull=False).exclude(pk=OuterRef("order"))
    rows = Payment.objects.filter(pk=payment_id).select_related("order__marketplace")
    return rows.annotate(is_wish_fulfilled=Exists(placed)).select_for_update(no_key=True, of=("order", "self"))


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
        case ChargeStatus.DECLINED if not result.is_final:
            return
        case ChargeStatus.DECLINED:
            _mark(payment, Payment.State.DECLINED, now)
        case ChargeStatus.REFUNDED:
            _mark(payment, Payment.State.REFUNDED, now)
        case ChargeStatus.CAPTURED if (result.amount, result.currency) != (order.total, order.currency):
            logger.error("Order %s is %d, its payment is %d: refunding", order.number, order.total, result.amount)
            payment.amount, payment.currency = result.amount, result.currency
            _mark(payment, Payment.State.REFUND_DUE, now)
            _write_of_return(order, payment, is_other_amount=True)
        case ChargeStatus.CAPTURED:
            _place(order, payment, now)


def _place(order: Order, payment: Payment, now: datetime) -> None:
    """Place the order for a captured payment; if that is impossible, make the refund due."""
    if order.state not in {Order.State.DRAFT, Order.State.EXPIRED} or payment.is_wish_fulfilled:  # type: ignore[attr-defined]  # annotated
        _mark(payment, Payment.State.REFUND_DUE, now)  # paid twice, in two tabs
        _write_of_return(order, payment)
        if order.state == Order.State.DRAFT:
            expire_order(order, now)
        return
    try:
        place_order(order, now, payment)
    except stock.SoldOutError:
        _mark(payment, Payment.State.REFUND_DUE, now)
        cancel_order(order, gettext_noop("Sold out while you were paying."))
        return
    _enter(payment, Payment.State.CAPTURED, now)


def _write_of_return(order: Order, payment: Payment, *, is_other_amount: bool = False) -> None:
    placed = order.placed_of_wish()
    facts = {
        "placed": placed.number if placed else "",
        "is_other_amount": is_other_amount,
        "amount": payment.amount,
        "currency": payment.currency,
    }
    write_letter(order=order, kind=Letter.Kind.PAYMENT_RETURNED, key=payment.reference, facts=facts)


def _mark(payment: Payment, state: Payment.State, now: datetime) -> None:
    _enter(payment, state, now)
    _settle_payment(payment.pk, str(state), payment.amount, payment.currency, now)


def _enter(payment: Payment, state: Payment.State, now: datetime) -> None:
    if state not in states.PAYMENT_TRANSITIONS[payment.state]:
        raise ValueError(f"Payment {payment.reference} is {payment.state}; it cannot become {state}.")
    payment.state = state
    payment.settled_at = payment.next_look_at = now
    payment.looks = 0


@planned_update
def _settle_payment(
    payment_id: int, state: str, amount: int, currency: str, now: datetime
) -> tuple[QuerySet[Payment], dict[str, Any]]:
    paid = {"state": state, "amount": amount, "currency": currency}
    return Payment.objects.filter(pk=payment_id), paid | {"settled_at": now, "next_look_at": now, "looks": 0}


def refund_payment(payment: Payment) -> bool:
    """Refund a payment that cannot be kept; return False if the gateway must be asked again later."""
    try:
        status = get_gateway(payment.gateway).refund(payment, amount=payment.amount, key=payment.reference)
    except PaymentError as error:
        logger.warning("Refund of payment %s failed (permanent: %s): %s", payment.reference, error.permanent, error)
        return False
    if status is not RefundStatus.MADE:
        return False
    _record_refund(payment)
    return True


@transaction.atomic
def _record_refund(payment: Payment) -> None:
    if Payment.objects.filter(pk=payment.pk, state=Payment.State.REFUND_DUE).update(state=Payment.State.REFUNDED):
        facts = {"amount": payment.amount, "currency": payment.currency}
        order = Order.objects.get(pk=payment.order_id)
        write_letter(order=order, kind=Letter.Kind.REFUNDED, key=payment.reference, facts=facts)

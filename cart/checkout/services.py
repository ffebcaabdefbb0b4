"""Services that start payments, cancel superseded ones, and sweep abandoned checkouts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, Model, OuterRef
from django.urls import reverse

from cart.checkout.checkout_request import CheckoutRequest
from cart.checkout.errors import PaymentError
from cart.checkout.finalise import finalise, refund_payment
from cart.checkout.payments.gateways import get_gateway
from cart.checkout.prepare import PreparedCheckout, expire, prepare_order
from cart.orders.models import Order, Payment
from cart.orders.tasks import send_due_confirmations
from cart.transactions import RowLockTimeoutError, transaction_with_lock_timeout
from vendors.models import StockHold

if TYPE_CHECKING:
    from sessions_farm.communities.models import Visitor

logger = logging.getLogger(__name__)

BATCH = 200
RETURN_GRACE = timedelta(seconds=30)  # a returning browser comes before the sweeper


def start_payment(*, visitor: Visitor, user: Any, checkout_request: CheckoutRequest, now: datetime) -> str | None:
    """Prepare the order and open its charge. Return the payment page's URL, or None for a settled order.

    Raise the errors of prepare_order, and PaymentError if the gateway does not answer; the draft stays for a retry.
    """
    prepared = prepare_order(visitor=visitor, user=user, checkout_request=checkout_request, now=now)
    for payment in prepared.superseded:
        _attempt(close_payment, payment, now)
    return _payment_url(prepared) if prepared.payment else None


def _payment_url(prepared: PreparedCheckout) -> str:
    payment = prepared.payment
    if payment is None:
        raise ValueError(f"Nothing is left to pay of order {prepared.order.number}.")
    return get_gateway(payment.gateway).start(
        payment,
        return_url=reverse("checkout:return", args=[payment.gateway]),
        webhook_path=reverse("checkout:webhook", args=[payment.gateway]),
    )


def close_payment(payment: Payment, now: datetime) -> None:
    """Cancel a superseded payment at the gateway; a payment made in time counts."""
    get_gateway(payment.gateway).cancel(payment)
    finalise(payment=payment, now=now)


def sweep_checkouts(*, now: datetime) -> dict[str, int]:
    """Settle or expire abandoned checkouts; return the number of rows done by kind of work.

    An error is logged and does not stop the rest; the next sweep retries.
    """
    started = Payment.objects.filter(state=Payment.State.STARTED, created_at__lte=now - RETURN_GRACE)
    live_holds = StockHold.objects.filter(reference=OuterRef("uuid"), until__gt=now)
    lapsed = Order.objects.filter(~Exists(live_holds), state=Order.State.DRAFT)
    refunds = Payment.objects.filter(state=Payment.State.REFUND_DUE)
    return {
        "settled": _each(_settle, started.select_related("order").order_by("created_at")[:BATCH], now),
        "expired": _each(_expire_lapsed, lapsed.order_by("created_at")[:BATCH], now),
        "refunded": _each(lambda payment, _: refund_payment(payment), refunds[:BATCH], now),
        "mailed": send_due_confirmations(),
    }


def _settle(payment: Payment, now: datetime) -> None:
    if payment.order.state == Order.State.DRAFT:
        finalise(payment=payment, now=now)
    else:
        close_payment(payment, now)


def _expire_lapsed(order: Order, now: datetime) -> None:
    """Expire a draft with a lapsed hold, unless its payment was made."""
    for payment in order.payments.filter(state=Payment.State.STARTED):
        close_payment(payment, now)
    with transaction_with_lock_timeout():
        draft = Order.objects.select_for_update(no_key=True).filter(pk=order.pk, state=Order.State.DRAFT).first()
        if draft is not None and not draft.payments.filter(state=Payment.State.STARTED).exists():
            expire(draft)


def _each[Row: Model](work: Callable[[Row, datetime], object], rows: Iterable[Row], now: datetime) -> int:
    return sum(_attempt(work, row, now) for row in rows)


def _attempt[Row: Model](work: Callable[[Row, datetime], object], row: Row, now: datetime) -> bool:
    try:
        work(row, now)
    except (PaymentError, RowLockTimeoutError) as error:
        logger.warning("Sweeping %s is postponed: %s", row, error)
        return False
    except Exception:  # an error of a receiver or gateway for one row does not stop the others
        logger.exception("Sweeping %s failed", row)
        return False
    return True

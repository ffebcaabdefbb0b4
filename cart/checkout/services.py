"""Starting a payment, closing those that were left, and sweeping up after shoppers who did not come back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from django.db.models import Exists, Model, OuterRef
from django.urls import reverse

from cart.checkout.ask import Ask
from cart.checkout.finalise import finalise, give_back
from cart.checkout.locks import Busy, impatient_transaction
from cart.checkout.payments.base import PaymentError
from cart.checkout.payments.gateways import gateway
from cart.checkout.prepare import Prepared, let_go, prepare
from cart.orders.models import Order, Payment
from cart.orders.tasks import send_due_mail
from vendors.models import StockHold

if TYPE_CHECKING:
    from sessions_farm.communities.models import Visitor

log = structlog.get_logger(__name__)

BATCH = 200
GRACE = timedelta(seconds=30)  # a browser that is about to come back is not overtaken


def start_payment(*, visitor: Visitor, user: Any, ask: Ask, now: datetime) -> str | None:
    """Prepare the order and open its charge; the URL where the shopper pays, None where the order is settled already.

    Raise what prepare raises, and PaymentError where the gateway does not answer; the draft waits for another try then.
    """
    prepared = prepare(visitor=visitor, user=user, ask=ask, now=now)
    for payment in prepared.superseded:
        _attempt(close_payment, payment, now)
    return _payment_url(prepared) if prepared.payment else None


def _payment_url(prepared: Prepared) -> str:
    payment = prepared.payment
    if payment is None:
        raise ValueError(f"Nothing is left to pay of order {prepared.order.number}.")
    return gateway(payment.gateway).start(
        payment,
        return_url=reverse("checkout:back", args=[payment.gateway]),
        webhook_path=reverse("checkout:webhook", args=[payment.gateway]),
    )


def close_payment(payment: Payment, now: datetime) -> None:
    """See to it that a payment that nobody wants any more cannot be made; where it was made in time, it counts."""
    gateway(payment.gateway).cancel(payment)
    finalise(payment=payment, now=now)


def sweep_checkouts(*, now: datetime) -> dict[str, int]:
    """Settle or let go of checkouts that nobody came back to; how many of each kind of work was done.

    One fault does not stop the rest: it is logged, and the next sweep tries again.
    """
    started = Payment.objects.filter(state=Payment.State.STARTED, created_at__lte=now - GRACE)
    live = StockHold.objects.filter(reference=OuterRef("uuid"), until__gt=now)
    lapsed = Order.objects.filter(~Exists(live), state=Order.State.DRAFT)
    refunds = Payment.objects.filter(state=Payment.State.REFUND_DUE)
    return {
        "settled": _each(_settle, started.select_related("order").order_by("created_at")[:BATCH], now),
        "expired": _each(_expire, lapsed.order_by("created_at")[:BATCH], now),
        "refunded": _each(lambda payment, _: give_back(payment), refunds[:BATCH], now),
        "mailed": send_due_mail(),
    }


def _settle(payment: Payment, now: datetime) -> None:
    if payment.order.state == Order.State.DRAFT:
        finalise(payment=payment, now=now)
    else:
        close_payment(payment, now)


def _expire(order: Order, now: datetime) -> None:
    """Let a draft go whose hold has lapsed, unless it turns out to be paid."""
    for payment in order.payments.filter(state=Payment.State.STARTED):
        close_payment(payment, now)
    with impatient_transaction():
        draft = Order.objects.select_for_update(no_key=True).filter(pk=order.pk, state=Order.State.DRAFT).first()
        if draft is not None and not draft.payments.filter(state=Payment.State.STARTED).exists():
            let_go(draft)


def _each[Row: Model](work: Callable[[Row, datetime], object], rows: Iterable[Row], now: datetime) -> int:
    return sum(_attempt(work, row, now) for row in rows)


def _attempt[Row: Model](work: Callable[[Row, datetime], object], row: Row, now: datetime) -> bool:
    try:
        work(row, now)
    except (PaymentError, Busy) as error:
        log.warning("checkout_work_postponed", row=str(row), error=str(error))
        return False
    except Exception:  # a receiver's or a gateway's fault with one order is not the others'
        log.exception("checkout_work_failed", row=str(row))
        return False
    return True

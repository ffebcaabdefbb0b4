"""The sweeper of checkouts: it asks for what no browser and no notice brought, and expires what nobody paid.

Payments come by ``next_look_at``, which each look moves on by a longer delay, so one that cannot be settled holds up no
other. The same field is the lease: several workers never look after one payment at once, and one that dies is followed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, Model, OuterRef, QuerySet

from cart.checkout.errors import PaymentError
from cart.checkout.finalise import close_payment, finalise, refund_payment
from cart.checkout.placing import expire_order
from cart.checkout.usage import forget_networks
from cart.letters.sending import send_due_letters
from cart.orders.models import Order, Payment
from cart.transactions import RowLockTimeoutError, in_transaction
from vendors.models import StockHold

logger = logging.getLogger(__name__)

BATCH = 200  # rows of a kind in one sweep
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=30), timedelta(hours=1)  # until the next look at the same payment
OPEN = (Payment.State.STARTED, Payment.State.REFUND_DUE)


def sweep_checkouts(*, now: datetime) -> dict[str, int]:
    """Settle, refund and expire what is due; return the number of rows that changed by kind of work.

    An error is logged and does not stop the rest; a later sweep tries again.
    """
    due = claim_due_payments(now)
    forget_networks(now)
    return {
        "settled": _count(_settle, (payment for payment in due if payment.state == Payment.State.STARTED), now),
        "refunded": _count(_refund, (payment for payment in due if payment.state == Payment.State.REFUND_DUE), now),
        "expired": _count(_expire, lapsed_drafts(now).order_by("created_at")[:BATCH], now),
        "mailed": send_due_letters(),
    }


@transaction.atomic
def claim_due_payments(now: datetime) -> list[Payment]:
    """Return the open payments that are due, the longest overdue first, each with its next look moved on."""
    due = Payment.objects.filter(state__in=OPEN, next_look_at__lte=now).order_by("next_look_at")
    claimed = list(
        due.select_for_update(no_key=True, skip_locked=True, of=("self",)).select_related("order__marketplace")[:BATCH]
    )
    for payment in claimed:
        payment.looks += 1
        payment.next_look_at = now + delay_after(payment.looks)
    Payment.objects.bulk_update(claimed, ["looks", "next_look_at"])
    return claimed


def lapsed_drafts(now: datetime) -> QuerySet[Order]:
    """Select the drafts that nobody can pay any more: no hold is live, and each payment is closed."""
    live_holds = StockHold.objects.filter(reference=OuterRef("uuid"), until__gt=now)
    started = Payment.objects.filter(order=OuterRef("pk"), state=Payment.State.STARTED)
    return Order.objects.filter(~Exists(live_holds), ~Exists(started), state=Order.State.DRAFT)


def delay_after(looks: int) -> timedelta:
    """Return the time until the next look after a number of looks: it doubles up to LONGEST_DELAY."""
    doublings = min(looks - 1, 10)
    return min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY)


def _settle(payment: Payment, now: datetime) -> bool:
    """Settle a started payment; close it at the gateway where its order holds no goods for it any more."""
    is_held = StockHold.objects.filter(reference=payment.order.uuid, until__gt=now).exists()
    settle = finalise if is_held else close_payment
    settle(payment=payment, now=now)
    return not Payment.objects.filter(pk=payment.pk, state=Payment.State.STARTED).exists()


def _refund(payment: Payment, _now: datetime) -> bool:
    return refund_payment(payment)


@in_transaction
def _expire(order: Order, now: datetime) -> bool:
    """Expire a draft, unless its shopper has begun another payment since."""
    draft = Order.objects.select_for_update(no_key=True).filter(pk=order.pk, state=Order.State.DRAFT).first()
    if draft is None or draft.payments.filter(state=Payment.State.STARTED).exists():
        return False
    expire_order(draft, now)
    return True


def _count[Row: Model](work: Callable[[Row, datetime], bool], rows: Iterable[Row], now: datetime) -> int:
    return sum(_attempt(work, row, now) for row in rows)


def _attempt[Row: Model](work: Callable[[Row, datetime], bool], row: Row, now: datetime) -> bool:
    try:
        return work(row, now)
    except (PaymentError, RowLockTimeoutError) as error:
        logger.warning("Sweeping %s is postponed: %s", row, error)
    except Exception:  # an error of a receiver or gateway for one row does not stop the others
        logger.exception("Sweeping %s failed", row)
    return False

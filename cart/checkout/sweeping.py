"""The sweeper of checkouts: it asks for what no browser and no notice brought, and expires what nobody paid.

Payments come by ``next_look_at``, which each look moves on by a longer delay, so one that cannot be settled holds up no
other. The same field is the lease: several workers never look after one payment at once, and one that dies is followed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, Model, OuterRef, QuerySet

from cart.checkout.errors import PaymentError
from cart.checkout.finalise import close_payment, finalise, refund_payment
from cart.checkout.looks import move_on
from cart.checkout.payments.gateways import get_gateway
from cart.checkout.placing import expire_order
from cart.checkout.refunding import claim_due_refunds, make_refund
from cart.checkout.usage import forget_networks
from cart.letters.sending import send_due_letters
from cart.orders.models import Order, Payment
from cart.transactions import RowLockTimeoutError, in_transaction
from vendors.models import StockHold

logger = logging.getLogger(__name__)

BATCH = 200  # rows of a kind in one sweep
RECOVERY_PERIOD = timedelta(minutes=30)  # a charge that was captured so recently is looked for among the payments
OPEN = (Payment.State.STARTED, Payment.State.REFUND_DUE)


def sweep_checkouts(*, now: datetime) -> dict[str, int]:
    """Settle, refund and expire what is due; return the number of rows that changed by kind of work.

    An error is logged and does not stop the rest; a later sweep tries again.
    """
    due = claim_due_payments(now)
    forget_networks(now)
    return {
        "recovered": recover_charges(now - RECOVERY_PERIOD, now),
        "settled": _count(_settle, (payment for payment in due if payment.state == Payment.State.STARTED), now),
        "refunded": _count(_refund, (payment for payment in due if payment.state == Payment.State.REFUND_DUE), now),
        "given_back": make_refunds(now),
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
    move_on(Payment, claimed, now)
    return claimed


def make_refunds(now: datetime) -> int:
    """Make the due refunds of kept payments; return the number made."""
    return _count(make_refund, claim_due_refunds(now), now)


def recover_charges(since: datetime, now: datetime) -> int:
    """Apply the charges that were captured though their payments were noted as declined; return their number."""
    return _count(_recover, captured_though_declined(since), now)


def captured_though_declined(since: datetime) -> list[Payment]:
    """Return the declined payments whose charge a gateway reports as captured since a moment."""
    return [payment for name in settings.PAYMENT_GATEWAYS for payment in _captured_though_declined(name, since)]


def _captured_though_declined(name: str, since: datetime) -> list[Payment]:
    try:
        references = [report.reference for report in get_gateway(name).captured_since(since)]
    except PaymentError as error:
        logger.warning("The charges of %s cannot be compared: %s", name, error)
        return []
    declined = Payment.objects.filter(gateway=name, reference__in=references, state=Payment.State.DECLINED)
    return list(declined.select_related("order").order_by("pk")[:BATCH])


def lapsed_drafts(now: datetime) -> QuerySet[Order]:
    """Select the drafts that nobody can pay any more: no hold is live, and each payment is closed."""
    live_holds = StockHold.objects.filter(reference=OuterRef("uuid"), until__gt=now)
    started = Payment.objects.filter(order=OuterRef("pk"), state=Payment.State.STARTED)
    return Order.objects.filter(~Exists(live_holds), ~Exists(started), state=Order.State.DRAFT)


def _settle(payment: Payment, now: datetime) -> bool:
    """Settle a started payment; close it at the gateway where its order holds no goods for it any more."""
    is_held = StockHold.objects.filter(reference=payment.order.uuid, until__gt=now).exists()
    settle = finalise if is_held else close_payment
    settle(payment=payment, now=now)
    return not Payment.objects.filter(pk=payment.pk, state=Payment.State.STARTED).exists()


def _recover(payment: Payment, now: datetime) -> bool:
    finalise(payment=payment, now=now)
    return not Payment.objects.filter(pk=payment.pk, state=Payment.State.DECLINED).exists()


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

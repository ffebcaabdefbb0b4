"""Services that cancel goods before they are sent: by line, consignment or order; each once, in one transaction.

The stock, the dispatch, the money that goes back and the letter are written together. All lock the order first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext, gettext_noop

from cart.aftersale import goods
from cart.aftersale.errors import NotCancellableError
from cart.aftersale.models import Cancellation, CancelledLine
from cart.checkout import placing
from cart.checkout.tasks import enqueue_refunds
from cart.letters.models import Letter
from cart.letters.services import write_letter
from cart.orders import refunds, states
from cart.orders.models import Consignment, Order, OrderLine, Refund
from cart.orders.signals import goods_cancelled
from cart.transactions import in_transaction

CANCELLABLE = tuple(states.predecessors(Consignment.State.CANCELLED))


@in_transaction
def cancel_lines(
    *, order_id: int, pieces: Mapping[int, int], key: str, why: str, now: datetime, user: Any = None
) -> Cancellation:
    """Cancel pieces by line of a placed order; once for each key. ``user`` is None for the shopper.

    Raise NotCancellableError; nothing was changed then.
    """
    order = _lock_order(order_id)
    return _find(order, key) or _cancel(order, pieces, key=key, why=why, user=user, now=now)


@in_transaction
def cancel_consignment(*, consignment_id: int, key: str, why: str, now: datetime, user: Any = None) -> Cancellation:
    """Cancel all that is left of a consignment; once for each key. Raise as ``cancel_lines`` does."""
    order = _lock_order(Consignment.objects.values_list("order_id", flat=True).get(pk=consignment_id))
    lines = OrderLine.objects.filter(consignment=consignment_id)
    return _find(order, key) or _cancel(order, _kept(lines), key=key, why=why, user=user, now=now)


@in_transaction
def cancel_order(*, order_id: int, key: str, why: str, now: datetime, user: Any = None) -> Cancellation | None:
    """Cancel all of an order that is not sent; once for each key. Raise as ``cancel_lines`` does.

    An order that was to be paid later ends here, without a cancellation: nothing was charged, and the sweeper closes
    its payment.
    """
    order = _lock_order(order_id)
    if order.is_to_pay or order.state == Order.State.CANCELLED:
        if order.is_to_pay:
            placing.withdraw_order(order, why)
        return _find(order, key)
    lines = OrderLine.objects.filter(consignment__order=order, consignment__state__in=CANCELLABLE)
    return _find(order, key) or _cancel(order, _kept(lines), key=key, why=why, user=user, now=now)


@in_transaction
def cancel_as_shopper(*, order_id: int, pieces: Mapping[int, int], key: str, now: datetime) -> Cancellation:
    """Cancel pieces by line on the shopper's word, which is enough until the vendor has packed them.

    Raise as ``cancel_lines`` does.
    """
    order = _lock_order(order_id)
    why = gettext_noop("Cancelled by the shopper")
    return _find(order, key) or _cancel(
        order, pieces, key=key, why=why, user=None, now=now, cancellable=(Consignment.State.OPEN,)
    )


@in_transaction
def withdraw_as_shopper(*, order_id: int) -> None:
    """Cancel an order that waits for its payment, on the shopper's word; once. Raise NotCancellableError."""
    order = _lock_order(order_id)
    if order.is_to_pay:
        placing.withdraw_order(order, gettext_noop("Cancelled by the shopper"))
    elif order.state != Order.State.CANCELLED:
        raise NotCancellableError(
            gettext("Order %(order)s is %(state)s.") % {"order": order.number, "state": order.get_state_display()}
        )


def _lock_order(order_id: int) -> Order:
    return Order.objects.select_for_update(no_key=True).get(pk=order_id)


def _find(order: Order, key: str) -> Cancellation | None:
    return Cancellation.objects.filter(order=order, key=key).first()


def _kept(lines: Any) -> dict[int, int]:
    return {line.pk: line.kept for line in lines if line.kept}


def _cancel(
    order: Order,
    pieces: Mapping[int, int],
    *,
    key: str,
    why: str,
    user: Any,
    now: datetime,
    cancellable: Collection[str] = CANCELLABLE,
) -> Cancellation:
    if order.state != Order.State.PLACED:
        raise NotCancellableError(
            gettext("Order %(order)s is %(state)s.") % {"order": order.number, "state": order.get_state_display()}
        )
    lines = goods.find_lines(order, pieces, NotCancellableError)
    payment = refunds.lock_captured_payment(order)
    cancellation = Cancellation.objects.create(order=order, key=key, why=why, user=user, at=now)
    CancelledLine.objects.bulk_create(
        CancelledLine(cancellation=cancellation, line=line, pieces=number) for line, number in lines.items()
    )
    goods.put_back(order, lines, key=f"cancel {cancellation.pk}", why=f"Cancelled: {why}"[:200], user=user, now=now)
    emptied = _take_from_consignments(lines, cancellable, now)
    left = refunds.refundable(order)
    amounts = refunds.goods_amounts(lines, left)
    amounts |= {item: left[item] for item in left if item.line_id is None and item.consignment_id in emptied}
    refund = refunds.write_refund(
        payment=payment, amounts=amounts, key=f"cancel-{cancellation.pk}", why=why, user=user, now=now
    )
    Cancellation.objects.filter(pk=cancellation.pk).update(refund=refund)
    cancellation.refund = refund
    _end_if_empty(order, why)
    _write_of_it(order, cancellation, lines, refund)
    return cancellation


def _take_from_consignments(lines: Mapping[OrderLine, int], cancellable: Collection[str], now: datetime) -> list[int]:
    """Count the pieces as cancelled; return the consignments of which nothing is left. Raise NotCancellableError."""
    by_consignment: dict[int, dict[int, int]] = defaultdict(dict)
    for line, number in lines.items():
        OrderLine.objects.filter(pk=line.pk).update(cancelled=F("cancelled") + number)
        by_consignment[line.consignment_id][line.pk] = number
    rows = Consignment.objects.filter(pk__in=by_consignment).order_by("pk").select_for_update(no_key=True)
    emptied = []
    for consignment in rows:
        if consignment.state not in cancellable:
            raise NotCancellableError(
                gettext("%(parcel)s is %(state)s already.")
                % {"parcel": consignment.number, "state": consignment.get_state_display()}
            )
        if goods.is_empty(consignment.lines.all()):
            Consignment.objects.filter(pk=consignment.pk).update(state=Consignment.State.CANCELLED)
            consignment.state = Consignment.State.CANCELLED
            emptied.append(consignment.pk)
        goods_cancelled.send(
            sender=Consignment, consignment=consignment, pieces=by_consignment[consignment.pk], now=now
        )
    return emptied


def _end_if_empty(order: Order, why: str) -> None:
    if not order.consignments.exclude(state=Consignment.State.CANCELLED).exists():
        Order.objects.filter(pk=order.pk).update(state=Order.State.CANCELLED, remark=why)


def _write_of_it(
    order: Order, cancellation: Cancellation, lines: Mapping[OrderLine, int], refund: Refund | None
) -> None:
    facts = {
        "goods": goods.as_facts(lines),
        "why": cancellation.why,
        "amount": refund.amount if refund else 0,
        "currency": order.currency,
    }
    write_letter(order=order, kind=Letter.Kind.CANCELLED_GOODS, key=str(cancellation.pk), facts=facts)
    if refund:
        transaction.on_commit(enqueue_refunds, robust=True)

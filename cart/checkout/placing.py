"""The ends of an order: placed, cancelled or expired. Each is called with the order's row locked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from cart.letters.models import Letter
from cart.letters.services import write_letter
from cart.orders.models import Consignment, Order, Payment, new_wish
from cart.orders.signals import order_finalising, order_placed
from cart.services import remove_bought
from sessions_farm.communities.query_plans import planned_updates
from vendors import stock
from vendors.delivery import promise
from vendors.zones import calendar_of

LATE_HOLD = timedelta(minutes=1)


def place_order(order: Order, now: datetime, payment: Payment | None = None) -> None:
    """Take the goods and place the order; a late payment needs the goods to be available again.

    The payment, where there was anything to pay, is captured by the same statement. Raise stock.SoldOutError; nothing
    was changed then.
    """
    if order.state == Order.State.EXPIRED:
        with transaction.atomic():
            stock.hold(order.uuid, order.quantities(), now + LATE_HOLD, now)
            stock.take(order.uuid, now)
    else:
        stock.take(order.uuid, now)
    order.state = Order.State.PLACED
    order.placed_at = now
    consignments = order.with_lines()
    promises = [promise(calendar_of(each.vendor), now, each.days_from, each.days_until) for each in consignments]
    _mark_placed(
        order.pk,
        payment.pk if payment else None,
        now,
        [each.pk for each in consignments],
        [each.send_by for each in promises],
        [each.first for each in promises],
        [each.last for each in promises],
    )
    if order.visitor_id is not None and order.pay_by is None:
        remove_bought(visitor_id=order.visitor_id, bought=order.quantities())
    order_finalising.send(sender=Order, order=order, now=now)
    transaction.on_commit(lambda: order_placed.send_robust(sender=Order, order=order), robust=True)
    write_letter(order=order, kind=Letter.Kind.PLACED)


def confirm_order(order: Order, pay_by: datetime, now: datetime) -> None:
    """Take down an order that is paid later, and keep its goods until then.

    They leave the cart, so no other checkout supersedes it: it is a wish of its own from now on.
    """
    order.pay_by, order.held_until, order.wish = pay_by, pay_by, new_wish()
    order.save(update_fields=["pay_by", "held_until", "wish"])
    quantities = order.quantities()
    stock.hold(order.uuid, quantities, pay_by, now)
    if order.visitor_id is not None:
        remove_bought(visitor_id=order.visitor_id, bought=quantities)
    write_letter(order=order, kind=Letter.Kind.TO_PAY)


@planned_updates
def _mark_placed(
    order_id: int,
    payment_id: int | None,
    now: datetime,
    consignment_ids: Sequence[int],
    send_by: Sequence[datetime],
    first: Sequence[date],
    last: Sequence[date],
) -> list[tuple[QuerySet[Any], dict[str, Any]]]:
    """Place an order, its payment and its consignments, each with its promise from now on."""
    captured: dict[str, Any] = {"state": Payment.State.CAPTURED, "settled_at": now, "next_look_at": now, "looks": 0}
    payment = [(Payment.objects.filter(pk=payment_id), captured)] if payment_id is not None else []
    placed: dict[str, Any] = {"state": Consignment.State.OPEN, "placed_at": now}
    promises = zip(consignment_ids, send_by, first, last, strict=True)
    return [
        *payment,
        *(
            (
                Consignment.objects.filter(pk=pk),
                placed | {"send_by": end, "promised_from": earliest, "promised_until": latest},
            )
            for pk, end, earliest, latest in promises
        ),
        (Order.objects.filter(pk=order_id), {"state": Order.State.PLACED, "placed_at": now}),
    ]


def cancel_order(order: Order, reason: str) -> None:
    """Cancel an order that cannot be placed, with the reason in the shopper's words, and release its goods."""
    _cancel(order, reason)
    write_letter(order=order, kind=Letter.Kind.NOT_PLACED, facts={"is_in_cart": order.pay_by is None})


def withdraw_order(order: Order, reason: str) -> None:
    """Cancel an order that was to be paid later and is not paid, with the reason for the shopper; release its goods."""
    _cancel(order, reason)
    write_letter(order=order, kind=Letter.Kind.CANCELLED_GOODS, facts={"why": reason, "amount": 0})


def expire_order(order: Order, now: datetime) -> None:
    """Expire a draft and release its goods; its key is free for another draft of the same wish.

    The shopper of an order that was to be paid later gets a letter; others know that they did not pay.
    """
    order.state = Order.State.EXPIRED
    order.idempotency_key = f"expired-{order.uuid}"
    order.held_until = min(order.held_until, now)
    order.save(update_fields=["state", "idempotency_key", "held_until"])
    order.consignments.update(state=Consignment.State.CANCELLED)
    stock.release(order.uuid)
    if order.pay_by is not None:
        write_letter(order=order, kind=Letter.Kind.PAYMENT_EXPIRED)


def _cancel(order: Order, reason: str) -> None:
    order.state, order.remark = Order.State.CANCELLED, reason
    order.save(update_fields=["state", "remark"])
    order.consignments.update(state=Consignment.State.CANCELLED)
    stock.release(order.uuid)

"""Refunds as rows: what is left to give back of an order, and the refund that takes from it.

A refund is written here, in the transaction of its cause, with the order locked; the sweeper carries it to the gateway.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import F, Sum

from cart.orders.allocation import split_amount
from cart.orders.models import Order, OrderLine, Payment, Refund, RefundPart


class RefundError(Exception):
    """Report a refund that cannot be written, in words for staff; nothing was changed."""


class Item(NamedTuple):
    """Name a thing that was paid for: a line, or a consignment's delivery where ``line_id`` is None."""

    consignment_id: int
    line_id: int | None


def lock_captured_payment(order: Order) -> Payment | None:
    """Return the payment that paid for an order, locked; None where nothing was charged."""
    payments = order.payments.filter(state=Payment.State.CAPTURED)
    return payments.select_for_update(no_key=True).first()


def refundable(order: Order, *, consignment_id: int | None = None) -> dict[Item, int]:
    """Return the paid amount of each line and delivery, less refunds, of one consignment or all."""
    consignments = order.consignments.order_by("pk")
    if consignment_id is not None:
        consignments = consignments.filter(pk=consignment_id)
    lines = OrderLine.objects.filter(consignment__in=consignments).order_by("consignment_id", "pk")
    paid = {Item(line.consignment_id, line.pk): line.total for line in lines}
    paid |= {Item(consignment.pk, None): consignment.delivery_charge for consignment in consignments}
    parts = RefundPart.objects.filter(consignment__in=consignments)
    sums = parts.values_list("consignment_id", "line_id").annotate(sum=Sum("amount")).order_by()
    refunded = {Item(consignment_pk, line_pk): amount for consignment_pk, line_pk, amount in sums}
    return {item: amount - refunded.get(item, 0) for item, amount in paid.items()}


def goods_amounts(pieces: Mapping[OrderLine, int], left: Mapping[Item, int]) -> dict[Item, int]:
    """Return the price of pieces by line, as far as it was not refunded before."""
    wanted = {Item(line.consignment_id, line.pk): line.unit_price * number for line, number in pieces.items()}
    return {item: min(amount, left[item]) for item, amount in wanted.items()}


def share_of(amount: int, left: Mapping[Item, int]) -> dict[Item, int]:
    """Return an amount's share of each line and delivery, in proportion to the rest of each.

    Raise RefundError if less is left.
    """
    if not 0 < amount <= sum(left.values()):
        raise RefundError(f"{amount} cannot be given back; {sum(left.values())} are left of what was paid.")
    return split_amount(amount, left)


def write_refund(
    *, payment: Payment | None, amounts: Mapping[Item, int], key: str, why: str, user: Any, now: datetime
) -> Refund | None:
    """Write a due refund of a locked payment; None where it would be of nothing, or nothing was charged.

    The database refuses refunds that would exceed the payment together.
    """
    amount = sum(amounts.values())
    if payment is None or not amount:
        return None
    Payment.objects.filter(pk=payment.pk).update(refund_total=F("refund_total") + amount)
    refund = Refund.objects.create(
        payment=payment, key=key, amount=amount, why=why, user=user, created_at=now, next_look_at=now
    )
    RefundPart.objects.bulk_create(
        RefundPart(refund=refund, consignment_id=item.consignment_id, line_id=item.line_id, amount=part)
        for item, part in amounts.items()
        if part
    )
    return refund

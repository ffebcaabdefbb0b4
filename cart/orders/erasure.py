"""Erasure: an order stays, for the books; its buyer is erased after the account was deleted or the order's term ended,
as soon as goods and money have come to rest.

What stays of an erased order is its number, times, goods, prices, payments and country (the tax is decided by it).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.expressions import Combinable

from cart.orders.models import Consignment, Order, Payment, Refund
from cart.orders.signals import buyers_erased

KEPT_AFTER_SENDING = timedelta(days=90)  # parcels get lost, goods come back, money follows
NEXT_LOOK = timedelta(days=1)
BATCH = 500
ERASED = dict.fromkeys(("name", "line1", "line2", "postcode", "town", "email", "phone", "network"), "")


def release_orders(*, user: Any, now: datetime) -> int:
    """Take all orders from an account that is about to be deleted, and end their links; return how many."""
    return Order.objects.filter(user=user).update(
        user=None, visitor=None, link_version=F("link_version") + 1, erase_at=now
    )


def release_old_orders(now: datetime, *, placed: timedelta, unpaid: timedelta) -> int:
    """Make the buyers due whose order's term is over, of a batch of orders; return how many.

    ``placed``: the term of placed orders, which the books and the tax office ask for. ``unpaid``: that of expired ones.
    """
    over = Q(placed_at__lt=now - placed) | Q(state=Order.State.EXPIRED, created_at__lt=now - unpaid)
    old = Order.objects.filter(over, erase_at=None).exclude(email="").order_by("pk")
    keys = list(old.values_list("pk", flat=True)[:BATCH])
    return Order.objects.filter(pk__in=keys, erase_at=None).update(
        erase_at=now, user=None, visitor=None, link_version=F("link_version") + 1
    )


@transaction.atomic
def erase_due_orders(now: datetime) -> int:
    """Erase the buyers of a batch of due orders, except of those still under way; return how many were looked at."""
    due = Order.objects.filter(erase_at__lte=now).order_by("erase_at", "pk")
    keys = list(due.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True)[:BATCH])
    looked_at = Order.objects.filter(pk__in=keys)
    under_way = set(looked_at.filter(_is_under_way(now)).values_list("pk", flat=True))
    erased = [key for key in keys if key not in under_way]
    Order.objects.filter(pk__in=under_way).update(erase_at=now + NEXT_LOOK)
    Order.objects.filter(pk__in=erased).update(erase_at=None, **ERASED)
    if erased:
        buyers_erased.send(Order, orders=erased)
    return len(keys)


def _is_under_way(now: datetime) -> Combinable:
    """Return the condition of orders whose address may still be needed."""
    own = {"order": OuterRef("pk")}
    to_send = Q(state__in=[Consignment.State.OPEN, Consignment.State.PACKED])
    goods = Consignment.objects.filter(to_send | Q(sent_at__gt=now - KEPT_AFTER_SENDING), **own)
    money = Payment.objects.filter(state__in=[Payment.State.STARTED, Payment.State.REFUND_DUE], **own)
    refunds = Refund.objects.filter(state=Refund.State.DUE, payment__order=OuterRef("pk"))
    return Q(state=Order.State.DRAFT) | Exists(goods) | Exists(money) | Exists(refunds)

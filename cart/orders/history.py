"""The pages of an account's orders, the newest first; a page begins behind the order that the one before ended with."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Prefetch, Subquery

from cart.orders.models import Consignment, Order, OrderQuerySet

PAGE = 20


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """Hold the orders of a page with their consignments, and the number behind which the next one begins, if any."""

    orders: list[Order]
    next_after: str


def read_page(orders: OrderQuerySet, *, after: str = "", size: int = PAGE) -> HistoryPage:
    """Return a page of orders; ``after`` is the number of one of them, and any other number leads to an empty page."""
    rows = orders.order_by("-pk").prefetch_related(
        Prefetch("consignments", Consignment.objects.select_related("vendor"))
    )
    if after:
        rows = rows.filter(pk__lt=Subquery(orders.filter(number=after).order_by().values("pk")))
    found = list(rows[: size + 1])
    return HistoryPage(found[:size], found[size - 1].number if len(found) > size else "")

"""Pieces of an order's lines on their way back: which are meant, and their movements in the stock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext

from cart.aftersale.errors import AfterSaleError
from cart.orders.models import Order, OrderLine
from vendors import stock


def find_lines(order: Order, pieces: Mapping[int, int], error: type[AfterSaleError]) -> dict[OrderLine, int]:
    """Return the pieces by line of an order. Raise the error for lines of another, and for no or too many pieces."""
    lines = OrderLine.objects.filter(consignment__order=order, pk__in=pieces).select_related("consignment")
    found = {line: pieces[line.pk] for line in lines.order_by("pk")}
    if not found or len(found) != len(pieces):
        raise error(gettext("Name lines of order %(order)s, each with its pieces.") % {"order": order.number})
    for line, number in found.items():
        if not 0 < number <= line.kept:
            raise error(
                gettext("%(number)s of %(line)s cannot go back: %(kept)s of %(quantity)s are left to.")
                % {"number": number, "line": line.name, "kept": line.kept, "quantity": line.quantity}
            )
    return found


def put_back(order: Order, pieces: Mapping[OrderLine, int], *, key: str, why: str, user: Any, now: datetime) -> None:
    """Put pieces back on hand by return movements, as far as the ledger shows that the order took them."""
    sold = stock.taken(order.uuid)
    wanted: dict[int, int] = {}
    for line, number in pieces.items():
        if line.variant_id is not None:
            wanted[line.variant_id] = wanted.get(line.variant_id, 0) + number
    due = {pk: min(number, sold.get(pk, 0)) for pk, number in wanted.items()}
    stock.return_goods(
        order.uuid, {pk: number for pk, number in due.items() if number}, key=key, why=why, now=now, user=user
    )


def is_empty(lines: Iterable[OrderLine]) -> bool:
    """Return whether of no line any piece is left."""
    return not any(line.kept for line in lines)


def as_facts(pieces: Mapping[OrderLine, int]) -> list[dict[str, Any]]:
    """Return the pieces for a letter."""
    return [{"pieces": number, "name": line.name} for line, number in pieces.items()]

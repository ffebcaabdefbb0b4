"""Stock: availability, holds for checkouts in progress, and taking sold goods.

Rows are always locked in primary key order, so two carts with the same goods cannot deadlock. Each query compares the
end of a hold with the clock; no job has to run for goods to be available again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, Sum

from vendors.models import Stock, StockHold


class SoldOutError(Exception):
    """Report that fewer pieces of a variant are available than wanted."""

    def __init__(self, variant_id: int, wanted: int, available: int) -> None:
        super().__init__(f"{wanted} of variant {variant_id} are wanted, {available} are left.")
        self.variant_id = variant_id
        self.wanted = wanted
        self.available = available


def available(variant_ids: Iterable[int], now: datetime, *, excluding: UUID | None = None) -> dict[int, int]:
    """Return the available pieces of each variant: on hand less live holds, never below 0.

    ``excluding`` is the reference of a hold to ignore: the shopper's own. A variant without a stock row has 0.
    """
    ids = set(variant_ids)
    on_hand = dict(Stock.objects.filter(pk__in=ids).values_list("pk", "on_hand"))
    held = _held(ids, now, excluding) if on_hand else {}
    return {pk: max(on_hand.get(pk, 0) - held.get(pk, 0), 0) for pk in ids}


@transaction.atomic
def hold(reference: UUID, quantities: Mapping[int, int], until: datetime, now: datetime) -> None:
    """Hold goods for a checkout until a moment; idempotent, a second hold of a reference replaces the first.

    ``quantities`` are pieces by variant. Raise SoldOutError, and hold nothing, if one has too few.
    """
    on_hand = lock_rows(quantities)
    held = _held(quantities, now, reference)
    for variant_id, wanted in sorted(quantities.items()):
        available_pieces = max(on_hand.get(variant_id, 0) - held.get(variant_id, 0), 0)
        if available_pieces < wanted:
            raise SoldOutError(variant_id, wanted, available_pieces)
    release(reference)
    StockHold.objects.bulk_create(
        StockHold(reference=reference, variant_id=variant_id, quantity=wanted, until=until)
        for variant_id, wanted in sorted(quantities.items())
    )


@transaction.atomic
def take(reference: UUID, now: datetime) -> None:
    """Take the held goods of a reference out of the stock, and end the hold; idempotent.

    A live hold needs the goods on hand only; a lapsed one yields to the live holds of others. Raise SoldOutError, and
    take nothing, if that fails.
    """
    on_hand = lock_rows(StockHold.objects.filter(reference=reference).values_list("variant_id", flat=True))
    holds = list(StockHold.objects.filter(reference=reference).order_by("variant_id"))
    held = _held([stock_hold.variant_id for stock_hold in holds if stock_hold.until <= now], now, reference)
    for stock_hold in holds:
        available_pieces = max(on_hand.get(stock_hold.variant_id, 0) - held.get(stock_hold.variant_id, 0), 0)
        if available_pieces < stock_hold.quantity:
            raise SoldOutError(stock_hold.variant_id, stock_hold.quantity, available_pieces)
    for stock_hold in holds:
        Stock.objects.filter(pk=stock_hold.variant_id).update(on_hand=F("on_hand") - stock_hold.quantity)
    release(reference)


def release(reference: UUID) -> None:
    """Release the goods that a reference holds."""
    StockHold.objects.filter(reference=reference).delete()


def lock_rows(variant_ids: Iterable[int]) -> dict[int, int]:
    """Lock the stock rows in primary key order; return the pieces on hand by variant."""
    rows = Stock.objects.filter(pk__in=list(variant_ids)).order_by("pk").select_for_update(no_key=True)
    return {row.pk: row.on_hand for row in rows}


def _held(variant_ids: Iterable[int], now: datetime, excluding: UUID | None) -> dict[int, int]:
    holds = StockHold.objects.filter(variant_id__in=list(variant_ids), until__gt=now)
    if excluding is not None:
        holds = holds.exclude(reference=excluding)
    return dict(holds.values_list("variant_id").annotate(held=Sum("quantity")))

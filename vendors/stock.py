"""How many of a variant can still be sold: holds for checkouts under way, and taking what was paid.

Rows are locked in the order of their primary keys, everywhere, so two baskets with the same goods cannot wait for each
other. A hold ends by the clock in each query; no job has to run for goods to be free again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, Sum

from vendors.models import Stock, StockHold


class SoldOut(Exception):
    """There are fewer of a variant than are wanted."""

    def __init__(self, variant_id: int, wanted: int, available: int) -> None:
        super().__init__(f"{wanted} of variant {variant_id} are wanted, {available} are left.")
        self.variant_id = variant_id
        self.wanted = wanted
        self.available = available


def available(variant_ids: Iterable[int], now: datetime, *, besides: UUID | None = None) -> dict[int, int]:
    """How many of each variant can be sold: on hand less live holds, never below 0.

    ``besides`` names a hold that does not count: the shopper's own. A variant without a stock row has 0.
    """
    ids = set(variant_ids)
    on_hand = dict(Stock.objects.filter(pk__in=ids).values_list("pk", "on_hand"))
    held = _held(ids, now, besides) if on_hand else {}
    return {pk: max(on_hand.get(pk, 0) - held.get(pk, 0), 0) for pk in ids}


@transaction.atomic
def hold(reference: UUID, demands: Mapping[int, int], until: datetime, now: datetime) -> None:
    """Keep goods for a checkout until a moment; a second hold of the same reference takes the place of the first.

    ``demands`` says how many of each variant. Raise SoldOut where one has too few; nothing is held then.
    """
    on_hand = lock(demands)
    held = _held(demands, now, reference)
    for variant_id, wanted in sorted(demands.items()):
        left = max(on_hand.get(variant_id, 0) - held.get(variant_id, 0), 0)
        if left < wanted:
            raise SoldOut(variant_id, wanted, left)
    release(reference)
    StockHold.objects.bulk_create(
        StockHold(reference=reference, variant_id=variant_id, quantity=wanted, until=until)
        for variant_id, wanted in sorted(demands.items())
    )


@transaction.atomic
def take(reference: UUID, now: datetime) -> None:
    """Take what a reference holds out of the stock, and end the hold.

    A live hold is a promise: it needs the goods on hand only. A lapsed one comes after the live holds of others.
    Raise SoldOut where that fails; nothing is taken then. Taking a second time takes nothing.
    """
    on_hand = lock(StockHold.objects.filter(reference=reference).values_list("variant_id", flat=True))
    holds = list(StockHold.objects.filter(reference=reference).order_by("variant_id"))
    held = _held([own.variant_id for own in holds if own.until <= now], now, reference)
    for own in holds:
        left = max(on_hand.get(own.variant_id, 0) - held.get(own.variant_id, 0), 0)
        if left < own.quantity:
            raise SoldOut(own.variant_id, own.quantity, left)
    for own in holds:
        Stock.objects.filter(pk=own.variant_id).update(on_hand=F("on_hand") - own.quantity)
    release(reference)


def release(reference: UUID) -> None:
    """Let go of what a reference holds."""
    StockHold.objects.filter(reference=reference).delete()


def lock(variant_ids: Iterable[int]) -> dict[int, int]:
    """Lock the stock rows in primary key order; how many of each are on hand."""
    rows = Stock.objects.filter(pk__in=list(variant_ids)).order_by("pk").select_for_update(no_key=True)
    return {row.pk: row.on_hand for row in rows}


def _held(variant_ids: Iterable[int], now: datetime, besides: UUID | None) -> dict[int, int]:
    holds = StockHold.objects.filter(variant_id__in=list(variant_ids), until__gt=now)
    if besides is not None:
        holds = holds.exclude(reference=besides)
    return dict(holds.values_list("variant_id").annotate(held=Sum("quantity")))

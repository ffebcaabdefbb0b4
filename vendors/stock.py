"""Stock: availability, holds for checkouts in progress, and the sales and returns of orders.

Pieces come and go by movements alone; ``vendors.ledger`` writes those of people. Rows are always locked in primary key
order, so two carts with the same goods cannot deadlock. Each query compares the end of a hold with the clock; no job
has to run for goods to be available again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Sum

from vendors.models import Stock, StockHold, StockMovement

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.db.models import QuerySet


class SoldOutError(Exception):
    """Report that fewer pieces of a variant are available than wanted."""

    def __init__(self, variant_id: int, wanted: int, available: int) -> None:
        super().__init__(f"{wanted} of variant {variant_id} are wanted, {available} are left.")
        self.variant_id = variant_id
        self.wanted = wanted
        self.available = available


class MoreThanSoldError(Exception):
    """Report a return of more pieces of a variant than an order took and has not given back."""

    def __init__(self, variant_id: int, wanted: int, taken: int) -> None:
        super().__init__(f"{wanted} of variant {variant_id} would come back, {taken} are sold.")
        self.variant_id = variant_id
        self.wanted = wanted
        self.taken = taken


def available(variant_ids: Iterable[int], now: datetime, *, excluding: UUID | None = None) -> dict[int, int]:
    """Return the available pieces of each variant: on hand less live holds, never below 0.

    ``excluding`` is the reference of a hold to ignore: the shopper's own. A withdrawn variant has 0.
    """
    ids = set(variant_ids)
    rows = Stock.objects.filter(pk__in=ids, variant__withdrawn=False)
    on_hand = dict(rows.values_list("pk", "on_hand"))
    held = _held(ids, now, excluding) if on_hand else {}
    return {pk: max(on_hand.get(pk, 0) - held.get(pk, 0), 0) for pk in ids}


@transaction.atomic
def hold(reference: UUID, quantities: Mapping[int, int], until: datetime, now: datetime) -> None:
    """Hold goods for a checkout until a moment; idempotent, a second hold of a reference replaces the first.

    ``quantities`` are pieces by variant. Raise SoldOutError, and hold nothing, if one has too few.
    """
    on_hand = lock_rows(quantities, variant__withdrawn=False)
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
    """Take the held goods of an order out of the stock by sale movements, and end the hold; idempotent.

    A live hold needs the goods on hand only; a lapsed one yields to the live holds of others. Raise SoldOutError, and
    take nothing, if that fails.
    """
    own_holds = StockHold.objects.filter(reference=reference)
    on_hand = lock_rows(own_holds.values_list("variant_id", flat=True))
    sold = StockMovement.objects.filter(stock=OuterRef("variant_id"), key=_sale_key(reference))
    holds = list(own_holds.filter(~Exists(sold)).order_by("variant_id"))
    held = _held([stock_hold.variant_id for stock_hold in holds if stock_hold.until <= now], now, reference)
    for stock_hold in holds:
        available_pieces = max(on_hand.get(stock_hold.variant_id, 0) - held.get(stock_hold.variant_id, 0), 0)
        if available_pieces < stock_hold.quantity:
            raise SoldOutError(stock_hold.variant_id, stock_hold.quantity, available_pieces)
    StockMovement.objects.bulk_create(
        StockMovement(
            stock_id=stock_hold.variant_id,
            kind=StockMovement.Kind.SALE,
            quantity=-stock_hold.quantity,
            why="Sold",
            at=now,
            reference=reference,
            key=_sale_key(reference),
        )
        for stock_hold in holds
    )
    release(reference)


@transaction.atomic
def return_goods(
    reference: UUID,
    quantities: Mapping[int, int],
    *,
    key: str,
    why: str,
    now: datetime,
    user: AbstractBaseUser | None = None,
) -> None:
    """Put pieces of an order back on hand by return movements; once for each key of the order and variant.

    ``quantities`` are pieces by variant; ``user`` is None where the shop itself returns. Raise MoreThanSoldError, and
    return nothing, if an order gives back more pieces of a variant than it took.
    """
    lock_rows(quantities)
    movements = StockMovement.objects.filter(stock__in=list(quantities), reference=reference)
    movement_key = f"return {reference} {key}"
    returned = set(movements.filter(key=movement_key).values_list("stock_id", flat=True))
    taken = dict(movements.values_list("stock_id").annotate(taken=-Sum("quantity")).order_by())
    due = {pk: pieces for pk, pieces in sorted(quantities.items()) if pk not in returned}
    for variant_id, pieces in due.items():
        if pieces > taken.get(variant_id, 0):
            raise MoreThanSoldError(variant_id, pieces, taken.get(variant_id, 0))
    StockMovement.objects.bulk_create(
        StockMovement(
            stock_id=variant_id,
            kind=StockMovement.Kind.RETURN,
            quantity=pieces,
            why=why,
            user_id=user.pk if user else None,
            at=now,
            reference=reference,
            key=movement_key,
        )
        for variant_id, pieces in due.items()
    )


def taken(reference: UUID) -> dict[int, int]:
    """Return the pieces of each variant that an order took and did not give back."""
    movements = StockMovement.objects.filter(reference=reference).order_by()
    return dict(movements.values_list("stock_id").annotate(taken=-Sum("quantity")))


def release(reference: UUID) -> None:
    """Release the goods that a reference holds."""
    StockHold.objects.filter(reference=reference).delete()


def lock_rows(variant_ids: Iterable[int] | QuerySet[Any, Any], **lookups: Any) -> dict[int, int]:
    """Lock the stock rows in primary key order; return the pieces on hand by variant."""
    rows = Stock.objects.filter(pk__in=variant_ids, **lookups).order_by("pk")
    return dict(rows.select_for_update(of=("self",), no_key=True).values_list("pk", "on_hand"))


def _sale_key(reference: UUID) -> str:
    return f"sale {reference}"


def _held(variant_ids: Iterable[int], now: datetime, excluding: UUID | None) -> dict[int, int]:
    holds = StockHold.objects.filter(variant_id__in=list(variant_ids), until__gt=now)
    if excluding is not None:
        holds = holds.exclude(reference=excluding)
    return dict(holds.values_list("variant_id").annotate(held=Sum("quantity")))

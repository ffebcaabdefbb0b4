"""Stock: availability, holds for checkouts in progress, and the sales and returns of orders.

Pieces come and go by movements alone; ``vendors.ledger`` writes those of people. Rows are always locked in primary key
order, so two carts with the same goods cannot deadlock. Each query compares the end of a hold with the clock; no job
has to run for goods to be available again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Case, Exists, F, IntegerField, OuterRef, QuerySet, Subquery, Sum, When
from django.db.models.functions import Coalesce, Greatest

from sessions_farm.communities.query_plans import planned, planned_delete
from vendors.models import Stock, StockHold, StockMovement

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


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
    rows = _on_hand_and_held(ids, now, excluding) if ids else []
    return dict.fromkeys(ids, 0) | {pk: max(on_hand - held, 0) for pk, on_hand, held in rows}


def available_pieces(variant: str, now: datetime, *, excluding: Any) -> Case:
    """Return the available pieces as an expression over rows that lead to a variant by a path; as ``available``.

    ``excluding`` is an expression, too; never NULL.
    """
    held = _pieces_held(OuterRef(f"{variant}_id"), now, excluding)
    free = Greatest(F(f"{variant}__stock__on_hand") - held, 0)
    return Case(When(**{f"{variant}__withdrawn": False}, then=free), default=0, output_field=IntegerField())


def free_pieces(now: datetime) -> Greatest:
    """Return the available pieces as an expression over variants on offer; as ``available``."""
    return Greatest(F("stock__on_hand") - _pieces_held(OuterRef("pk"), now, None), 0)


def joining_transaction[**Parameters, Result](service: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Run a service in the caller's transaction, or in one of its own.

    It raises its own errors before it writes, so the caller's transaction needs no savepoint around it.
    """

    @functools.wraps(service)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        if connection.in_atomic_block:
            return service(*args, **kwargs)
        with transaction.atomic():
            return service(*args, **kwargs)

    return run


@joining_transaction
def hold(
    reference: UUID, quantities: Mapping[int, int], until: datetime, now: datetime, *, is_new: bool = False
) -> None:
    """Hold goods for a checkout until a moment; idempotent, a second hold of a reference replaces the first.

    ``quantities`` are pieces by variant; ``is_new`` says that the reference holds nothing yet. Raise SoldOutError, and
    hold nothing, if one has too few.
    """
    on_hand = dict(_lock_on_offer(list(quantities)))
    held = dict(_held(list(quantities), now, reference))
    for variant_id, wanted in sorted(quantities.items()):
        free = max(on_hand.get(variant_id, 0) - held.get(variant_id, 0), 0)
        if free < wanted:
            raise SoldOutError(variant_id, wanted, free)
    if not is_new:
        release(reference)
    StockHold.objects.bulk_create(
        StockHold(reference=reference, variant_id=variant_id, quantity=wanted, until=until)
        for variant_id, wanted in sorted(quantities.items())
    )


@joining_transaction
def take(reference: UUID, now: datetime) -> None:
    """Take the held goods of an order out of the stock by sale movements, and end the hold; idempotent.

    A live hold needs the goods on hand only; a lapsed one yields to the live holds of others. Raise SoldOutError, and
    take nothing, if that fails.
    """
    holds = _lock_held_by(reference, _sale_key(reference))
    lapsed = [variant_id for variant_id, _, _, until in holds if until <= now]
    held = dict(_held(lapsed, now, reference)) if lapsed else {}
    for variant_id, on_hand, quantity, _ in holds:
        free = max(on_hand - held.get(variant_id, 0), 0)
        if free < quantity:
            raise SoldOutError(variant_id, quantity, free)
    sales = [
        StockMovement(
            stock_id=variant_id,
            kind=StockMovement.Kind.SALE,
            quantity=-quantity,
            why="Sold",
            at=now,
            reference=reference,
            key=_sale_key(reference),
        )
        for variant_id, _, quantity, _ in holds
    ]
    StockMovement.objects.bulk_create(sales, ignore_conflicts=True)  # one who came first has sold it, under this key
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
    _delete_holds(reference)


def lock_rows(variant_ids: Iterable[int]) -> dict[int, int]:
    """Lock the stock rows in primary key order; return the pieces on hand by variant."""
    return dict(_locked(Stock.objects.filter(pk__in=variant_ids)))


def _sale_key(reference: UUID) -> str:
    return f"sale {reference}"


def _locked(rows: QuerySet[Stock]) -> QuerySet[Stock, tuple[int, int]]:
    return rows.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk", "on_hand")


@planned
def _lock_on_offer(variant_ids: Collection[int]) -> QuerySet[Stock, tuple[int, int]]:
    return _locked(Stock.objects.filter(variant__pk__in=variant_ids, variant__withdrawn=False))


@planned
def _lock_held_by(reference: UUID, sale_key: str) -> QuerySet[Stock, tuple[int, int, int, datetime]]:
    """Lock the stock that a reference holds and has not sold: variant, pieces on hand and held, the hold's end.

    The holds and sales of a reference change under the lock of its order only.
    """
    sold = StockMovement.objects.filter(stock=OuterRef("pk"), key=sale_key)
    rows = Stock.objects.filter(~Exists(sold), variant__holds__reference=reference).order_by("pk")
    locked = rows.select_for_update(of=("self",), no_key=True)
    return locked.values_list("pk", "on_hand", "variant__holds__quantity", "variant__holds__until")


@planned_delete
def _delete_holds(reference: UUID) -> QuerySet[StockHold]:
    return StockHold.objects.filter(reference=reference)


@planned
def _held(variant_ids: Collection[int], now: datetime, excluding: UUID) -> QuerySet[StockHold, tuple[int, int]]:
    holds = _live_holds(now, excluding).filter(variant__pk__in=variant_ids)
    return holds.values_list("variant_id").annotate(held=Sum("quantity"))


@planned
def _on_hand_and_held(
    variant_ids: Collection[int], now: datetime, excluding: UUID | None
) -> QuerySet[Stock, tuple[int, int, int]]:
    rows = Stock.objects.filter(variant__pk__in=variant_ids, variant__withdrawn=False)
    return rows.values_list("pk", "on_hand", _pieces_held(OuterRef("pk"), now, excluding))


def _pieces_held(variant: OuterRef, now: datetime, excluding: Any) -> Coalesce:
    holds = _live_holds(now, excluding).filter(variant=variant).order_by()
    held = holds.values("variant").annotate(pieces=Sum("quantity")).values("pieces")
    return Coalesce(Subquery(held), 0)


def _live_holds(now: datetime, excluding: Any) -> QuerySet[StockHold]:
    holds = StockHold.objects.filter(until__gt=now)
    return holds if excluding is None else holds.exclude(reference=excluding)

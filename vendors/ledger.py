"""The movements that people write: deliveries, corrections and counts, each against the stock that they saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction

from vendors.models import Stock, StockMovement

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

Kind = StockMovement.Kind
TYPED_KINDS = (Kind.DELIVERY, Kind.CORRECTION, Kind.COUNT)
LISTED_MOVEMENTS = 5


class LedgerError(Exception):
    """Report a movement that cannot be written, in words for its author."""


class StaleStockError(LedgerError):
    """Report pieces that were moved since a person saw the stock."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold an entry as typed: signed pieces, or for a count the pieces found; ``seen`` is the row's version then."""

    variant_id: int
    kind: str
    pieces: int
    why: str
    seen: int


@transaction.atomic
def enter(entry: Entry, *, user: AbstractBaseUser | None, now: datetime) -> StockMovement:
    """Write a movement that a person typed.

    Raise StaleStockError if the pieces were moved since, LedgerError if the entry cannot be; nothing was changed then.
    """
    row = lock_for_entries([entry.variant_id])[entry.variant_id]
    return StockMovement.objects.create(
        stock=row,
        kind=entry.kind,
        quantity=difference(row, entry),
        why=entry.why,
        user_id=user.pk if user else None,
        at=now,
    )


@transaction.atomic
def count(found: Mapping[int, int], *, why: str, now: datetime, user: AbstractBaseUser | None = None) -> None:
    """Write a count of pieces found by variant, whatever is on hand; for loaders, which saw nothing before."""
    rows, user_id = lock_for_entries(found), user.pk if user else None
    StockMovement.objects.bulk_create(
        StockMovement(
            stock=row,
            kind=Kind.COUNT,
            quantity=found[pk] - row.on_hand,
            why=why,
            user_id=user_id,
            at=now,
        )
        for pk, row in sorted(rows.items())
    )


def difference(row: Stock, entry: Entry) -> int:
    """Return the pieces by which an entry changes a locked row. Raise as ``enter`` does."""
    refuse_stale(row, entry.seen)
    quantity = entry.pieces - row.on_hand if entry.kind == Kind.COUNT else entry.pieces
    faults = (
        (entry.kind not in TYPED_KINDS, "Choose a delivery, a correction or a count."),
        (entry.kind == Kind.DELIVERY and quantity <= 0, "A delivery brings one piece or more."),
        (entry.kind == Kind.CORRECTION and quantity == 0, "A correction of 0 changes nothing."),
        (row.on_hand + quantity < 0, f"There cannot be fewer than none on hand: there are {row.on_hand}."),
    )
    if fault := next((text for is_wrong, text in faults if is_wrong), ""):
        raise LedgerError(fault)
    return quantity


def refuse_stale(row: Stock, seen: int) -> None:
    """Raise StaleStockError with what changed, if movements were written since a version of the row was seen."""
    since = row.version - seen
    if since == 0:
        return
    movements = list(row.movements.order_by("-id")[: max(since, 0)])
    before = row.on_hand - sum(movement.quantity for movement in movements)
    listed = ", ".join(str(movement) for movement in reversed(movements[:LISTED_MOVEMENTS]))
    older = f"{since - LISTED_MOVEMENTS} more, then " if since > LISTED_MOVEMENTS else ""
    raise StaleStockError(
        f"Not saved, for the stock moved since you looked: {before} were on hand, now {row.on_hand} ({older}{listed}). "
        "Look again, then save."
    )


def lock_for_entries(variant_ids: Iterable[int]) -> dict[int, Stock]:
    """Lock the stock rows in primary key order; return them by variant."""
    rows = Stock.objects.filter(pk__in=list(variant_ids)).order_by("pk").select_for_update(no_key=True)
    return {row.pk: row for row in rows}

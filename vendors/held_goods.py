"""Products on hand of which the live holds of checkouts leave none: few, however many goods there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db.models import QuerySet

from sessions_farm.communities.query_plans import planned
from vendors import stock
from vendors.models import ProductCard, StockHold, Variant


def products_held(now: datetime) -> list[int]:
    """Return the products of which every piece on hand is held, in order."""
    touched = set(_touched(now))
    if not touched:
        return []
    variants = dict(_variants_of(sorted(touched)))
    free = stock.available(variants, now)
    return sorted(touched - {variants[pk] for pk, pieces in free.items() if pieces})


def mark_stock(cards: Iterable[ProductCard], held: Collection[int]) -> list[ProductCard]:
    """Return cards that know whether a piece can be had now."""
    found = list(cards)
    for card in found:
        card.has_stock = card.is_stocked and card.pk not in held
    return found


@planned
def _touched(now: datetime) -> QuerySet[StockHold, int]:
    return StockHold.objects.filter(until__gt=now).values_list("variant__product_id", flat=True)


@planned
def _variants_of(product_ids: Collection[int]) -> QuerySet[Variant, tuple[int, int]]:
    return Variant.objects.on_offer().filter(product__pk__in=product_ids).values_list("pk", "product_id")

"""Counts of a selection of products: all, in stock, and by department, shop and attribute.

Up to ``EXACT`` products they are counted at each request, from one query's narrow rows. A larger selection is counted
by the database once in ``LIFETIME`` seconds, and the cache keeps it: its numbers move by little. The cache is asked
first, so that nobody reads a thousand rows to learn that there are more.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.core.cache import cache
from django.db.models import Count, F, Func, QuerySet, TextField

from vendors.models import ProductCard
from vendors.models.cards import ProductCardQuerySet

EXACT = 1000
LIFETIME = 600
MOST_ATTRIBUTES = 300
type Facts = tuple[int, int, int, bool, list[str]]


@dataclass(frozen=True, slots=True)
class Counts:
    """Hold the numbers of a selection; ``attributes`` are as Colour:Blue."""

    total: int = 0
    in_stock: int = 0
    categories: dict[int, int] = field(default_factory=dict)
    vendors: dict[int, int] = field(default_factory=dict)
    attributes: dict[str, int] = field(default_factory=dict)


def count_rows(rows: Iterable[Facts], held: Collection[int]) -> Counts:
    """Count rows of (product, category, vendor, whether any is on hand, attributes)."""
    facts = list(rows)
    return Counts(
        total=len(facts),
        in_stock=sum(is_stocked and pk not in held for pk, _, _, is_stocked, _ in facts),
        categories=Counter(category_id for _, category_id, *_ in facts),
        vendors=Counter(vendor_id for _, _, vendor_id, *_ in facts),
        attributes=Counter(attribute for *_, attributes in facts for attribute in attributes),
    )


def kept_counts(selection: dict[str, Any]) -> Counts | None:
    """Return the counts of a large selection, as of some minutes ago at most; None where none are kept."""
    kept = cache.get(_key(selection))
    return None if kept is None else _read(kept)


def count_many(selection: dict[str, Any], select: Callable[[], ProductCardQuerySet]) -> Counts:
    """Count a large selection, and keep the counts for others."""
    found = _count(select().order_by())
    cache.set(_key(selection), found, LIFETIME)
    return _read(found)


def _key(selection: dict[str, Any]) -> str:
    plain = {name: value for name, value in selection.items() if name not in {"now", "held"}}
    return f"vendors.counts.{hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode()).hexdigest()}"


def _read(kept: list[Any]) -> Counts:
    total, in_stock, categories, vendors, attributes = kept
    return Counts(total, in_stock, *(dict(pairs) for pairs in (categories, vendors, attributes)))


def _count(cards: ProductCardQuerySet) -> list[Any]:
    """Count by the database: three statements, in the form that the cache keeps."""
    by_place = list(cards.values_list("category_id", "vendor_id", "is_stocked").annotate(number=Count("pk")))
    categories, vendors, stocked = Counter[int](), Counter[int](), 0
    for category_id, vendor_id, is_stocked, number in by_place:
        categories[category_id] += number
        vendors[vendor_id] += number
        stocked += number if is_stocked else 0
    attributes = list(_by_attribute(cards))
    return [categories.total(), stocked, list(categories.items()), list(vendors.items()), attributes]


def _by_attribute(cards: ProductCardQuerySet) -> QuerySet[ProductCard, tuple[str, int]]:
    one = Func(F("attributes"), function="unnest", output_field=TextField(), set_returning=True)
    found = ProductCard.objects.filter(pk__in=cards.values("pk")).annotate(attribute=one)
    return found.values_list("attribute").annotate(number=Count("pk")).order_by("-number")[:MOST_ATTRIBUTES]

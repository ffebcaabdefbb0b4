"""What a shopper may mean who has typed some letters: shops, departments and goods with words that begin so."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from sessions_farm.communities.query_plans import planned
from vendors import card_refresh, words
from vendors.listing import BY_RANK, synonyms_of
from vendors.models import Category, ProductCard
from vendors.models.cards import ProductCardQuerySet
from vendors.search import vocabulary
from vendors.search.asked import any_of, quoted, understand
from vendors.storefronts import CachedMarketplace, CachedStorefront, storefronts

SHORTEST = 2
MOST_GOODS = 6
MOST_SHOPS = 3
MOST_DEPARTMENTS = 2


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Hold what is suggested."""

    goods: list[ProductCard] = field(default_factory=list)
    shops: list[CachedStorefront] = field(default_factory=list)
    departments: list[Category] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Return the number of suggestions."""
        return len(self.goods) + len(self.shops) + len(self.departments)


def suggest(market: CachedMarketplace, text: str, now: datetime, store: CachedStorefront | None = None) -> Suggestions:
    """Return suggestions over a mall, or of one store's goods."""
    typed = words.words_of(text)
    if sum(map(len, typed)) < SHORTEST:
        return Suggestions()
    card_refresh.refresh(now)
    goods = named(
        market.marketplace_id, store.vendor_id if store else None, query_of(market.marketplace_id, text, typed)
    )
    if store:
        return Suggestions(goods)
    departments = [
        each
        for each in departments_of(market.marketplace_id)
        if all(any(word.startswith(part) for word in words.words_of(each.name)) for part in typed)
    ]
    return Suggestions(
        goods, storefronts.named(market.marketplace_id, text)[:MOST_SHOPS], departments[:MOST_DEPARTMENTS]
    )


def query_of(marketplace_id: int, text: str, typed: list[str]) -> str:
    """Return the query: the words before the last as in a search, the last one as the beginning of a word."""
    *_, last = typed
    begun = vocabulary.beginning_with(marketplace_id, last)
    before = understand(" ".join(typed[:-1]), marketplace_id, synonyms_of(marketplace_id)).every
    if not begun:
        return understand(text, marketplace_id, synonyms_of(marketplace_id)).every
    beginning = any_of([f"{quoted(words.stem(last))}:*", *(quoted(words.stem(word)) for word in begun)])
    return f"{before} & {beginning}" if before else beginning


@planned
def named(marketplace_id: int, vendor_id: int | None, query: str) -> ProductCardQuerySet:
    """Select the goods that a query finds, the best first."""
    found = ProductCard.objects.public().filter(marketplace=marketplace_id)
    if vendor_id is not None:
        found = found.filter(vendor=vendor_id)
    return found.asked(query).only("name", "slug", "vendor_id").order_by(*BY_RANK)[:MOST_GOODS]


@planned
def departments_of(marketplace_id: int) -> QuerySet[Category]:
    """Select the departments of a marketplace."""
    return Category.objects.filter(marketplace=marketplace_id)

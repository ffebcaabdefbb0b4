"""Product cards as pages show them: a store's newest, a marketplace's newest, what stands in the windows."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet, Value

from sessions_farm.communities.query_plans import attach, planned, planned_by
from vendors import card_refresh
from vendors.held_goods import mark_stock, products_held
from vendors.models import Product, ProductCard, ProductImage, Vendor
from vendors.models.cards import ProductCardQuerySet

LOOKED_AT_FOR_ONE = 3  # newest products, of which those in stock come first
NEWEST_LOOKED_AT = 200  # of which each vendor comes in turn
FOUND_BY = ("document", "vocabulary", "attributes")
ON_STORE_HOME = 11  # one leading product, then two rows of five on a wide screen
ON_MALL_HOME = 10


def with_pictures(products: list[Product]) -> list[Product]:
    """Return products with all their pictures, read in one query."""
    if products:
        attach(products, "images", pictures_of([product.pk for product in products]), by="product_id")
    return products


@planned
def pictures_of(product_ids: Collection[int]) -> QuerySet[ProductImage]:
    """Select the pictures of products, in the order in which pages show them."""
    return ProductImage.objects.filter(product__pk__in=product_ids)


def shown(cards: ProductCardQuerySet) -> ProductCardQuerySet:
    """Leave out what cards are found by."""
    return cards.defer(*FOUND_BY)


def in_one(*selections: ProductCardQuerySet) -> ProductCardQuerySet:
    """Select several selections by one statement; ``apart`` tells them apart."""
    first, *others = (shown(each.annotate(side=Value(side))) for side, each in enumerate(selections))
    return first.union(*others, all=True)


def apart(found: Iterable[Any], number: int) -> list[list[ProductCard]]:
    """Return the cards of each of a number of selections that ``in_one`` made one."""
    sides: list[list[ProductCard]] = [[] for _ in range(number)]
    for card in found:
        sides[card.side].append(card)
    return sides


def newest_of_store(vendor_id: int, now: datetime, count: int) -> list[ProductCard]:
    """Return a store's newest products, those in stock first."""
    card_refresh.refresh(now)
    return shown_newest_of_store(vendor_id, now, count)


def shown_newest_of_store(vendor_id: int, now: datetime, count: int) -> list[ProductCard]:
    """Return a store's newest products as ``newest_of_store`` does, for a page that has made the stale cards."""
    newest = mark_stock(latest_of_store(vendor_id, LOOKED_AT_FOR_ONE * count), products_held(now))
    return sorted(newest, key=lambda card: not card.has_stock)[:count]


@planned_by("count")
def latest_of_store(vendor_id: int, count: int) -> ProductCardQuerySet:
    """Select a store's newest products."""
    newest = ProductCard.objects.public().filter(vendor=vendor_id).order_by("-created_at", "-pk")
    return shown(newest)[:count]


def newest_of_marketplace(marketplace_id: int, now: datetime, count: int) -> list[ProductCard]:
    """Return the newest products of a marketplace, of each vendor in turn."""
    card_refresh.refresh(now)
    return shown_newest_of_marketplace(marketplace_id, now, count)


def shown_newest_of_marketplace(marketplace_id: int, now: datetime, count: int) -> list[ProductCard]:
    """Return a marketplace's newest products likewise."""
    chosen = in_turn(_newest_of_marketplace(marketplace_id), count)
    return in_order(chosen, cards_by_id(chosen, now))


def in_turn(newest: Iterable[tuple[int, int]], count: int) -> list[int]:
    """Return cards in turn, of (card, vendor) newest first: the newest of each vendor, then the second newest."""
    seen: dict[int, int] = {}
    placed = []
    for place, (card_id, vendor_id) in enumerate(newest):
        seen[vendor_id] = turn = seen.get(vendor_id, 0) + 1
        placed.append((turn, place, card_id))
    return [card_id for _, _, card_id in sorted(placed)[:count]]


@planned
def _newest_of_marketplace(marketplace_id: int) -> QuerySet[ProductCard, tuple[int, int]]:
    newest = ProductCard.objects.public().filter(marketplace=marketplace_id).order_by("-created_at", "-pk")
    return newest.values_list("pk", "vendor_id")[:NEWEST_LOOKED_AT]


def windows_of(vendor_ids: Collection[int], count: int) -> dict[int, list[ProductCard]]:
    """Return the newest products with a picture of each of some vendors."""
    chosen = dict(_in_windows(vendor_ids, count)) if vendor_ids else {}
    found = {card.pk: card for card in _pictured([pk for pks in chosen.values() for pk in pks])}
    return {vendor_id: [found[pk] for pk in pks if pk in found] for vendor_id, pks in chosen.items()}


@planned_by("count")
def _in_windows(vendor_ids: Collection[int], count: int) -> QuerySet[Vendor, tuple[int, list[int]]]:
    """Select the cards in the windows of vendors: one walk along an index for each."""
    pictured = ProductCard.objects.public().filter(vendor=OuterRef("pk")).exclude(picture_file="")
    newest = pictured.order_by("-created_at", "-pk").values("pk")[:count]
    return Vendor.objects.filter(pk__in=vendor_ids).values_list("pk", ArraySubquery(newest))


@planned
def _pictured(card_ids: Collection[int]) -> ProductCardQuerySet:
    return shown(ProductCard.objects.filter(product__pk__in=card_ids))


def cards_by_id(card_ids: Collection[int], now: datetime) -> list[ProductCard]:
    """Return the cards of some public products, as lists show them."""
    return mark_stock(public_cards(card_ids), products_held(now))


@planned
def public_cards(card_ids: Collection[int]) -> ProductCardQuerySet:
    """Select the cards of some public products."""
    return shown(ProductCard.objects.public().filter(product__pk__in=card_ids))


def in_order(card_ids: Iterable[int], cards: Iterable[ProductCard]) -> list[ProductCard]:
    """Return cards in the order of their ids; those that are not there are left out."""
    by_id = {card.pk: card for card in cards}
    return [by_id[card_id] for card_id in card_ids if card_id in by_id]

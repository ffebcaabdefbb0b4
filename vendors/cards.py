"""Product cards: products with their prices, stock and pictures, as lists show them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import F, QuerySet

from sessions_farm.query_plans import attach, planned, planned_by
from vendors.models import Product, ProductImage
from vendors.models.catalogue import ProductQuerySet


def with_pictures(products: list[Product]) -> list[Product]:
    """Return products with their pictures, read in one query for all."""
    if products:
        attach(products, "images", pictures_of([product.pk for product in products]), by="product_id")
    return products


@planned
def pictures_of(product_ids: Collection[int]) -> QuerySet[ProductImage]:
    """Select the pictures of products, in the order in which pages show them."""
    return ProductImage.objects.filter(product__pk__in=product_ids)


@planned_by("count")
def newest_of_store(vendor_id: int, now: datetime, count: int) -> ProductQuerySet:
    """Select a store's newest products, those in stock first."""
    goods = Product.objects.published().for_vendor(vendor_id).for_cards(now)
    return goods.order_by(F("has_stock").desc(), "-created_at", "pk")[:count]


@planned_by("count")
def newest_of_marketplace(marketplace_id: int, now: datetime, count: int) -> ProductQuerySet:
    """Select the newest products of a marketplace, of each vendor in turn."""
    return Product.objects.published().in_marketplace(marketplace_id).for_cards(now).interleave_vendors()[:count]


@planned_by("count")
def windows_of_marketplace(marketplace_id: int, count: int) -> ProductQuerySet:
    """Select the newest products with a picture of each vendor, grouped by vendor."""
    goods = Product.objects.published().in_marketplace(marketplace_id)
    return goods.newest_per_vendor(count).defer("search", "description")

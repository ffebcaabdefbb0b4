"""The demo's shelves: products, variants and stock."""

from __future__ import annotations

from datetime import datetime, timedelta

from deploy.demo import catalogue
from deploy.demo.catalogue import ProductEntry, VariantEntry
from deploy.demo.places import Places
from vendors import ledger
from vendors.models import Product, Stock, Variant, Vendor

OLDEST = timedelta(days=400)
LOW_BELOW = 4


def load_goods(places: Places, now: datetime) -> int:
    """Create the missing products, with variants and stock; return their number. Changes by staff stay."""
    known = set(Product.objects.filter(vendor__in=places.vendors.values()).values_list("vendor__slug", "slug"))
    missing = [
        (vendor, product)
        for vendor, product in catalogue.goods(places.mall)
        if (vendor.slug, product.slug) not in known
    ]
    rows = Product.objects.bulk_create(
        _product(places.vendors[vendor.slug], product, places, now - OLDEST * _age(position, len(missing)))
        for position, (vendor, product) in enumerate(missing)
    )
    variants = Variant.objects.bulk_create(
        _variant(row, entry, product, position)
        for row, (_, product) in zip(rows, missing, strict=True)
        for position, entry in enumerate(product.variants)
    )
    entries = [entry for _, product in missing for entry in product.variants]
    Stock.objects.filter(variant__in=variants).update(low_below=LOW_BELOW)
    opening = {variant.pk: entry.stock for variant, entry in zip(variants, entries, strict=True)}
    ledger.count(opening, why="Opening count", now=now)
    return len(rows)


def _age(position: int, count: int) -> float:
    """Return an age of 0 to 1, spread so that the newest goods are not all one vendor's."""
    return (position * 53 % count) / count


def _product(vendor: Vendor, entry: ProductEntry, places: Places, created_at: datetime) -> Product:
    return Product(
        vendor=vendor,
        category=places.categories[entry.category],
        name=entry.name,
        slug=entry.slug,
        status=Product.Status.PUBLISHED,
        summary=entry.summary,
        description=entry.description,
        details=entry.details,
        options=[{"name": name, "values": list(values)} for name, values in entry.axes],
        created_at=created_at,
    )


def _variant(product: Product, entry: VariantEntry, of: ProductEntry, position: int) -> Variant:
    values = entry.values or (entry.name,)
    return Variant(
        product=product,
        name=entry.name,
        option_values=dict(zip((name for name, _ in of.axes), values, strict=True)) if of.axes else {},
        sku=entry.sku,
        price=entry.price,
        sale_price=entry.sale,
        position=position,
    )

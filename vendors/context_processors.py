"""Template variables for the storefront of a page."""

import functools
from typing import Any

from django.http import HttpRequest

from vendors.models import Category
from vendors.storefronts import CachedStorefront


def storefront(request: HttpRequest) -> dict[str, Any]:
    """Return ``store`` and ``marketplace`` (None before the middleware has run) and the lazy ``store_categories``."""
    store: CachedStorefront | None = getattr(request, "storefront", None)
    return {
        "store": store,
        "marketplace": getattr(request, "marketplace", None),
        "store_categories": functools.cache(functools.partial(categories_of, store)),
    }


def categories_of(store: CachedStorefront | None) -> list[Category]:
    """Return the categories in which a storefront has products."""
    if store is None:
        return []
    return list(Category.objects.with_products_of(store.vendor_id))

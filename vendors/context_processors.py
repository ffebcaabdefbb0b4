"""The store that a page belongs to."""

import functools
from typing import Any

from django.http import HttpRequest

from vendors.hosts import Store
from vendors.models import Category


def storefront(request: HttpRequest) -> dict[str, Any]:
    """``store`` and ``marketplace`` for the frame, None where the request never came as far; ``shelves`` when shown."""
    store: Store | None = getattr(request, "storefront", None)
    return {
        "store": store,
        "marketplace": getattr(request, "marketplace", None),
        "shelves": functools.cache(functools.partial(shelves_of, store)),
    }


def shelves_of(store: Store | None) -> list[Category]:
    """The departments in which a store has products."""
    if store is None:
        return []
    return list(Category.objects.with_goods_of(store.vendor_id))

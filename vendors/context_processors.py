"""Template variables for the storefront of a page."""

import functools
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from sessions_farm.communities.query_plans import planned
from sessions_farm.communities.registry import registry
from vendors.models import Category
from vendors.storefronts import CachedStorefront, storefronts


def storefront(request: HttpRequest) -> dict[str, Any]:
    """Return ``store``, ``marketplace``, ``idle_host`` (None before the middleware), and lazy ``store_categories``."""
    store: CachedStorefront | None = getattr(request, "storefront", None)
    return {
        "store": store,
        "marketplace": getattr(request, "marketplace", None),
        "idle_host": idle_host(request),
        "store_categories": functools.cache(functools.partial(categories_of, store)),
    }


def idle_host(request: HttpRequest) -> dict[str, Any] | None:
    """Return the host of a request, its owner's store and whether a store was given to it; None where one is open."""
    member = getattr(getattr(request, "mall", None), "member", None)
    if member is None or member.is_master or getattr(request, "storefront", None) is not None:
        return None
    in_use = registry.current().in_use or frozenset()
    return {"host": member.host, "is_given": member.host in in_use, "owner": storefronts.by_owned_host(member.host)}


def categories_of(store: CachedStorefront | None) -> list[Category]:
    """Return the categories in which a storefront has products."""
    if store is None:
        return []
    return _categories_with_products_of(store.vendor_id)


@planned
def _categories_with_products_of(vendor_id: int) -> QuerySet[Category]:
    return Category.objects.with_products_of(vendor_id)

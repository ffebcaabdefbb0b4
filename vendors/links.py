"""URLs of store pages and of the master's pages, from any host of the community."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import reverse

from sessions_farm.communities.links import absolute_url
from sessions_farm.communities.registry import registry
from vendors.storefronts import CachedStorefront

if TYPE_CHECKING:
    from sessions_farm.communities.models import Community


def storefront_path(store: CachedStorefront, name: str, **kwargs: Any) -> str:
    """Return the path of a store's page on its host; ``name`` may include a namespace."""
    view = name if ":" in name else f"store:{name}"
    if store.host:
        return reverse(view, urlconf=settings.STORE_URLCONF, kwargs=kwargs)
    return reverse(view, urlconf=settings.ROOT_URLCONF, kwargs={"store": store.slug, **kwargs})


def storefront_host(store: CachedStorefront) -> str:
    """Return the host that serves a store: its own, or the master."""
    return store.host or registry.master_of(store.community_id).host


def storefront_url(store: CachedStorefront, name: str, **kwargs: Any) -> str:
    """Return the absolute URL of a store's page: ``storefront_url(store, "product", slug="kettle")``."""
    return absolute_url(storefront_host(store), storefront_path(store, name, **kwargs))


def master_url(community_id: int, name: str, **kwargs: Any) -> str:
    """Return the absolute URL of a page that only the master serves: ``master_url(1, "mall:home")``."""
    return absolute_url(registry.master_of(community_id).host, master_path(name, **kwargs))


def mailed_url(community: Community, name: str, **kwargs: Any) -> str:
    """Return the URL of a master's page for a mail, by the community's row; its path where there is no master yet."""
    path = master_path(name, **kwargs)
    return absolute_url(community.master.host, path) if community.master else path


def master_path(name: str, **kwargs: Any) -> str:
    """Return the path of a page on the master."""
    return reverse(name, urlconf=settings.ROOT_URLCONF, kwargs=kwargs)

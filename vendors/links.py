"""Addresses of store pages and of the master, from any host of the community."""

from typing import Any

from django.conf import settings
from django.urls import reverse

from sessions_farm.communities.links import absolute_url
from sessions_farm.communities.registry import registry
from vendors.hosts import Store


def store_path(store: Store, name: str, **kwargs: Any) -> str:
    """The path of a store's page on the host that serves it; ``name`` may carry a namespace of its own."""
    view = name if ":" in name else f"store:{name}"
    if store.host:
        return reverse(view, urlconf=settings.STORE_URLCONF, kwargs=kwargs)
    return reverse(view, urlconf=settings.ROOT_URLCONF, kwargs={"store": store.slug, **kwargs})


def store_host(store: Store) -> str:
    return store.host or registry.master_of(store.community_id).host


def store_url(store: Store, name: str, **kwargs: Any) -> str:
    """The absolute URL of a store's page: ``store_url(store, "product", slug="kettle")``."""
    return absolute_url(store_host(store), store_path(store, name, **kwargs))


def master_url(community_id: int, name: str, **kwargs: Any) -> str:
    """The absolute URL of a page that only the master serves: ``master_url(1, "mall:home")``."""
    return absolute_url(registry.master_of(community_id).host, master_path(name, **kwargs))


def master_path(name: str, **kwargs: Any) -> str:
    return reverse(name, urlconf=settings.ROOT_URLCONF, kwargs=kwargs)

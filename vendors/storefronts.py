"""Storefronts by host, path and vendor, cached in memory by every node.

A change of a Vendor, Storefront or Marketplace bumps ``RegistryVersion`` (vendors.receivers), so the registry's own
poller notices it on every node. The cache is invalidated when the registry's snapshot is replaced; a request costs no
query.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from django.conf import settings

from sessions_farm.communities.models import Domain
from sessions_farm.communities.registry import RegistrySnapshot, registry
from vendors import languages
from vendors.models import Marketplace, Storefront, Synonym, Vendor, VendorDomain
from vendors.search.asked import Synonyms, synonyms_of
from vendors.words import words_of

DEFAULT_FRONTS = {
    Vendor.Typeface.SANS: Vendor.Front.AWNING,
    Vendor.Typeface.SERIF: Vendor.Front.ARCH,
    Vendor.Typeface.SLAB: Vendor.Front.SIGN,
    Vendor.Typeface.MONO: Vendor.Front.PANES,
}


@dataclass(frozen=True, slots=True)
class CachedMarketplace:
    """Cache the marketplace of one community."""

    marketplace_id: int
    community_id: int
    name: str
    currency: str
    country: str
    language: str
    strapline: str
    support_email: str
    bank_account: str


@dataclass(frozen=True, slots=True)
class CachedStorefront:
    """Cache one published vendor and its storefront; ``host`` is empty for a store on the master's path."""

    vendor_id: int
    slug: str
    name: str
    tagline: str
    town: str
    typeface: str
    front: str
    accent: str
    paper: str
    ink: str
    host: str
    currency: str
    marketplace_id: int
    community_id: int
    support_email: str = ""
    newest_heading: str = ""  # with the next three: the shop's own words on its front; empty: the mall's
    departments_heading: str = ""
    goods_heading: str = ""
    foot_words: str = ""


@dataclass(frozen=True, slots=True)
class SearchedStorefront:
    """Hold the words by which people look for a storefront, folded, with a space before each."""

    store: CachedStorefront
    name: str
    everything: str

    @classmethod
    def of(cls, store: CachedStorefront) -> SearchedStorefront:
        """Read the words of a storefront's name, and those of its town and tagline too."""
        return cls(store, *map(_spaced, (store.name, f"{store.name} {store.town} {store.tagline}")))


def _spaced(text: str) -> str:
    return "".join(f" {word}" for word in words_of(text))


@dataclass(frozen=True, slots=True)
class StorefrontSnapshot:
    """Index all storefronts and marketplaces as of one registry snapshot."""

    registry: RegistrySnapshot  # current when this was loaded
    by_host: Mapping[str, CachedStorefront] = field(default_factory=dict)
    by_slug: Mapping[str, CachedStorefront] = field(default_factory=dict)
    by_vendor: Mapping[int, CachedStorefront] = field(default_factory=dict)
    by_owned_host: Mapping[str, CachedStorefront] = field(default_factory=dict)  # by each domain of its vendor
    by_marketplace: Mapping[int, list[CachedStorefront]] = field(default_factory=dict)
    marketplaces: Mapping[int, CachedMarketplace] = field(default_factory=dict)  # by community
    synonyms: Mapping[int, Synonyms] = field(default_factory=dict)  # by marketplace
    _searched: dict[int, list[SearchedStorefront]] = field(default_factory=dict)  # by marketplace, once it was searched

    def searched(self, marketplace_id: int) -> list[SearchedStorefront]:
        """Return the storefronts of a marketplace with their words, which are read of their texts once a snapshot."""
        if marketplace_id not in self._searched:
            stores = self.by_marketplace.get(marketplace_id, [])
            self._searched[marketplace_id] = [SearchedStorefront.of(store) for store in stores]
        return self._searched[marketplace_id]


class StorefrontCache:
    """Look up storefronts in the current snapshot of this process."""

    def __init__(self) -> None:
        self._snapshot: StorefrontSnapshot | None = None
        self._load_lock = threading.Lock()

    def by_host(self, host: str) -> CachedStorefront | None:
        """Return the storefront on a host of its own, or None."""
        return self.current().by_host.get(host)

    def by_owned_host(self, host: str) -> CachedStorefront | None:
        """Return the storefront of the vendor to whom a host belongs, or None."""
        return self.current().by_owned_host.get(host)

    def by_slug(self, slug: str) -> CachedStorefront | None:
        """Return the storefront with a slug, or None."""
        return self.current().by_slug.get(slug)

    def by_vendor(self, vendor_id: int) -> CachedStorefront | None:
        """Return the storefront of a vendor, or None."""
        return self.current().by_vendor.get(vendor_id)

    def of_marketplace(self, marketplace_id: int) -> list[CachedStorefront]:
        """Return the storefronts of a marketplace, first those with a host of their own, then by name."""
        return self.current().by_marketplace.get(marketplace_id, [])

    def named(self, marketplace_id: int, text: str, *, by_name_alone: bool = False) -> list[CachedStorefront]:
        """Return the storefronts that have a word for each of a text's, perhaps its beginning; none for no word."""
        asked = [f" {word}" for word in words_of(text)]
        return [
            each.store
            for each in self.current().searched(marketplace_id)
            if asked and all(word in (each.name if by_name_alone else each.everything) for word in asked)
        ]

    def marketplace_of(self, community_id: int) -> CachedMarketplace | None:
        """Return the marketplace of a community, or None."""
        return self.current().marketplaces.get(community_id)

    def current(self) -> StorefrontSnapshot:
        """Return the snapshot that matches the registry's; load it once if the registry has changed."""
        current_registry = registry.current()
        snapshot = self._snapshot
        if snapshot is not None and snapshot.registry is current_registry:
            return snapshot
        with self._load_lock:
            if self._snapshot is None or self._snapshot.registry is not current_registry:
                self._snapshot = load_snapshot(current_registry)
            return self._snapshot

    def invalidate(self) -> None:
        """Drop the snapshot; the next lookup loads it."""
        self._snapshot = None


def hosts_in_use() -> list[str]:
    """Return the hosts that were given to stores, open or not, for the registry (``HOSTS_IN_USE``)."""
    placed = Storefront.objects.filter(domain__isnull=False).select_related("domain")
    return [storefront.host for storefront in placed]


def load_snapshot(current_registry: RegistrySnapshot) -> StorefrontSnapshot:
    """Load the published storefronts in four queries.

    The registry was loaded before, so a change in between bumps its version and leads to another load.
    """
    published = Vendor.objects.published().select_related("marketplace", "storefront__domain")
    found = [cache_storefront(vendor, current_registry) for vendor in published]
    by_vendor = {store.vendor_id: store for store in found}
    owned = VendorDomain.objects.filter(domain__status=Domain.Status.ACTIVE, vendor__in=by_vendor).values_list(
        "domain__host", "vendor_id"
    )
    marketplaces = [cache_marketplace(marketplace) for marketplace in Marketplace.objects.select_related("community")]
    return StorefrontSnapshot(
        current_registry,
        by_host=MappingProxyType({store.host: store for store in found if store.host}),
        by_slug=MappingProxyType({store.slug: store for store in found}),
        by_vendor=MappingProxyType(by_vendor),
        by_owned_host=MappingProxyType({host: by_vendor[vendor_id] for host, vendor_id in owned}),
        by_marketplace=MappingProxyType(in_directory(found)),
        synonyms=MappingProxyType(load_synonyms()),
        marketplaces=MappingProxyType({marketplace.community_id: marketplace for marketplace in marketplaces}),
    )


def in_directory(stores: list[CachedStorefront]) -> dict[int, list[CachedStorefront]]:
    """Return the stores of each marketplace in the order of its directory."""
    found: dict[int, list[CachedStorefront]] = {}
    for store in sorted(stores, key=lambda store: (not store.host, store.name.casefold())):
        found.setdefault(store.marketplace_id, []).append(store)
    return found


def load_synonyms() -> dict[int, Synonyms]:
    """Load the synonyms of each marketplace."""
    rows: dict[int, list[Synonym]] = {}
    for synonym in Synonym.objects.order_by("pk"):
        rows.setdefault(synonym.marketplace_id, []).append(synonym)
    return {pk: synonyms_of(row.terms for row in each) for pk, each in rows.items()}


def cache_storefront(vendor: Vendor, current_registry: RegistrySnapshot) -> CachedStorefront:
    """Copy a vendor with its storefront and marketplace into a cache entry.

    While the store's own host is not served, the store is on the master's path, and links lead there.
    """
    host = served_host(vendor.storefront, current_registry) if hasattr(vendor, "storefront") else ""
    return CachedStorefront(
        vendor_id=vendor.pk,
        slug=vendor.slug,
        name=vendor.name,
        tagline=vendor.tagline,
        town=vendor.town,
        typeface=vendor.typeface,
        front=vendor.front or DEFAULT_FRONTS[Vendor.Typeface(vendor.typeface)],
        accent=vendor.accent,
        paper=vendor.paper,
        ink=vendor.ink,
        host=host,
        currency=vendor.marketplace.currency,
        marketplace_id=vendor.marketplace_id,
        community_id=vendor.marketplace.community_id,
        support_email=vendor.support_email,
        newest_heading=vendor.newest_heading,
        departments_heading=vendor.departments_heading,
        goods_heading=vendor.goods_heading,
        foot_words=vendor.foot_words,
    )


def served_host(storefront: Storefront, current_registry: RegistrySnapshot) -> str:
    """Return the host of a storefront where its own domain serves pages there; '' where another or none does."""
    member = current_registry.resolve(storefront.host)
    if member is None or member.domain_id != storefront.domain_id or member.canonical_host or member.is_master:
        return ""
    return storefront.host


def cache_marketplace(marketplace: Marketplace) -> CachedMarketplace:
    """Copy a marketplace into a cache entry."""
    return CachedMarketplace(
        marketplace_id=marketplace.pk,
        community_id=marketplace.community_id,
        name=marketplace.community.name,
        currency=marketplace.currency,
        country=marketplace.country.code,
        language=languages.known(marketplace.language) or settings.LANGUAGE_CODE,
        strapline=marketplace.strapline,
        support_email=marketplace.support_email,
        bank_account=marketplace.bank_account,
    )


storefronts = StorefrontCache()

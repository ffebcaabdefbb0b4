"""Which store lies behind which host or path, held in memory by every node.

A change of a Vendor, Storefront or Marketplace raises ``RegistryVersion`` (vendors.receivers), so the registry's own
poller tells every node; the stores are read anew when the registry was, and a request costs no query.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sessions_farm.communities.registry import RegistrySnapshot, registry
from vendors.models import Marketplace, Vendor

FRONTS = {
    Vendor.Typeface.SANS: Vendor.Front.AWNING,
    Vendor.Typeface.SERIF: Vendor.Front.ARCH,
    Vendor.Typeface.SLAB: Vendor.Front.SIGN,
    Vendor.Typeface.MONO: Vendor.Front.PANES,
}


@dataclass(frozen=True, slots=True)
class Market:
    """The shops of one community, as every node holds them in memory."""

    marketplace_id: int
    community_id: int
    name: str
    currency: str
    strapline: str
    support_email: str


@dataclass(frozen=True, slots=True)
class Store:
    """One open store, as every node holds it in memory; ``host`` is empty for a store on the master's path."""

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


@dataclass(frozen=True, slots=True)
class Snapshot:
    registry: RegistrySnapshot  # the one in force when this was read
    by_host: Mapping[str, Store] = field(default_factory=dict)
    by_slug: Mapping[str, Store] = field(default_factory=dict)
    by_vendor: Mapping[int, Store] = field(default_factory=dict)
    markets: Mapping[int, Market] = field(default_factory=dict)  # by community


class Stores:
    """The snapshot of this process."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._reading = threading.Lock()

    def by_host(self, host: str) -> Store | None:
        return self.current().by_host.get(host)

    def by_slug(self, slug: str) -> Store | None:
        return self.current().by_slug.get(slug)

    def by_vendor(self, vendor_id: int) -> Store | None:
        return self.current().by_vendor.get(vendor_id)

    def of_marketplace(self, marketplace_id: int) -> list[Store]:
        """The open stores of a marketplace: those with a house of their own first, then by name."""
        found = (store for store in self.current().by_slug.values() if store.marketplace_id == marketplace_id)
        return sorted(found, key=lambda store: (not store.host, store.name.casefold()))

    def market_of(self, community_id: int) -> Market | None:
        return self.current().markets.get(community_id)

    def current(self) -> Snapshot:
        in_force = registry.current()
        snapshot = self._snapshot
        if snapshot is not None and snapshot.registry is in_force:
            return snapshot
        with self._reading:
            if self._snapshot is None or self._snapshot.registry is not in_force:
                self._snapshot = read_snapshot(in_force)
            return self._snapshot

    def forget(self) -> None:
        """Drop the snapshot: the next question reads it."""
        self._snapshot = None


def read_snapshot(in_force: RegistrySnapshot) -> Snapshot:
    """Read the open stores: two queries. The registry was read before, so a change in between is read again."""
    open_ones = Vendor.objects.published().select_related("marketplace", "storefront__domain")
    found = [as_store(vendor) for vendor in open_ones]
    markets = [as_market(marketplace) for marketplace in Marketplace.objects.select_related("community")]
    return Snapshot(
        in_force,
        by_host=MappingProxyType({store.host: store for store in found if store.host}),
        by_slug=MappingProxyType({store.slug: store for store in found}),
        by_vendor=MappingProxyType({store.vendor_id: store for store in found}),
        markets=MappingProxyType({market.community_id: market for market in markets}),
    )


def as_store(vendor: Vendor) -> Store:
    return Store(
        vendor_id=vendor.pk,
        slug=vendor.slug,
        name=vendor.name,
        tagline=vendor.tagline,
        town=vendor.town,
        typeface=vendor.typeface,
        front=vendor.front or FRONTS[Vendor.Typeface(vendor.typeface)],
        accent=vendor.accent,
        paper=vendor.paper,
        ink=vendor.ink,
        host=vendor.storefront.host if hasattr(vendor, "storefront") else "",
        currency=vendor.marketplace.currency,
        marketplace_id=vendor.marketplace_id,
        community_id=vendor.marketplace.community_id,
        support_email=vendor.support_email,
    )


def as_market(marketplace: Marketplace) -> Market:
    return Market(
        marketplace_id=marketplace.pk,
        community_id=marketplace.community_id,
        name=marketplace.community.name,
        currency=marketplace.currency,
        strapline=marketplace.strapline,
        support_email=marketplace.support_email,
    )


stores = Stores()

"""Request types for the type checker, with the attributes that the middleware adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django_htmx.middleware import HtmxDetails

from sessions_farm.communities import context as communities
from sessions_farm.communities.context import Mall
from vendors.storefronts import CachedMarketplace, CachedStorefront

if TYPE_CHECKING:
    from sessions_farm.communities.registry import Member


class ServedMall(Mall):
    """Narrow ``member``: the host middleware rejects a host outside every community."""

    member: Member


class MallRequest(communities.MallRequest):
    """Describe the request that views receive; never instantiated."""

    mall: ServedMall
    storefront: CachedStorefront | None
    marketplace: CachedMarketplace
    htmx: HtmxDetails

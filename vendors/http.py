"""The request as views see it, for the type checker: with what the farm, the stores and htmx put on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from sessions_farm.communities.context import Mall
from vendors.hosts import Market, Store

if TYPE_CHECKING:
    from sessions_farm.communities.registry import Member


class ServedMall(Mall):
    """The gate lets no request in whose host belongs to no community."""

    member: Member


class MallRequest(HttpRequest):
    """Never made: only a name for what views are given."""

    mall: ServedMall
    storefront: Store | None
    marketplace: Market
    htmx: HtmxDetails

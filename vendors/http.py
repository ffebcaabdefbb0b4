"""Request types for the type checker, with the attributes that the middleware adds, and questions about a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.http import url_has_allowed_host_and_scheme
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


def asks_not_to_be_followed(request: MallRequest) -> bool:
    """Return whether the browser sends Global Privacy Control or Do Not Track."""
    return request.headers.get("Sec-GPC") == "1" or request.headers.get("DNT") == "1"


def next_path(request: MallRequest, default: str) -> str:
    """Return the ``next`` path of a form or its address if it stays on this host, else ``default``."""
    path = request.POST.get("next") or request.GET.get("next", "")
    if path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None):
        return path
    return default

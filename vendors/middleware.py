"""Middleware that sets the storefront and its URLconf on the request."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponseBase, HttpResponseRedirect

from sessions_farm.communities.links import absolute_url
from vendors.http import MallRequest
from vendors.storefronts import CachedStorefront, storefronts


class StorefrontMiddleware:
    """Set ``request.marketplace`` and ``request.storefront``.

    On the master the URL names a store (``/stores/<slug:store>/…``); the view gets no ``store`` argument, so the
    same view serves a store on its own host and on the master's path.
    """

    def __init__(self, get_response: Callable[[MallRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: MallRequest) -> HttpResponseBase:
        """Set the marketplace and, on a store's own host, its storefront and URLconf."""
        member = request.mall.member
        # None where a community has no marketplace yet: then only the admin can be used.
        request.marketplace = storefronts.marketplace_of(member.community_id)  # type: ignore[assignment]  # as above
        request.storefront = None
        if not member.is_master:
            request.urlconf = settings.STORE_URLCONF
            request.storefront = storefronts.by_host(member.host)
        return self.get_response(request)

    def process_view(
        self, request: MallRequest, _view: object, _args: object, kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Set the storefront named by the path; redirect to its own host if it has one."""
        slug = kwargs.pop("store", None)
        if slug is None:
            return None
        store = get_open_storefront(slug, request.mall.member.community_id)
        if store.host:
            rest = request.get_full_path_info().removeprefix(f"/stores/{slug}")
            return HttpResponseRedirect(absolute_url(store.host, rest))
        request.storefront = store
        return None


def get_open_storefront(slug: str, community_id: int) -> CachedStorefront:
    """Return a community's storefront by slug. Raise Http404 if there is none."""
    store = storefronts.by_slug(slug)
    if store is None or store.community_id != community_id:
        raise Http404(f"There is no open store named “{slug}” in this mall.")
    return store

"""Puts the store and its URLconf on the request."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import Http404, HttpResponseBase, HttpResponseRedirect

from sessions_farm.communities.links import absolute_url
from vendors.hosts import Store, stores
from vendors.http import MallRequest


class StorefrontMiddleware:
    """Set ``request.marketplace`` and ``request.storefront``.

    On the master a store is named by the URL (``/stores/<slug:store>/…``); the view gets no ``store`` argument, so the
    same view serves a store on its own host and on the master's path.
    """

    def __init__(self, get_response: Callable[[MallRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: MallRequest) -> HttpResponseBase:
        member = request.mall.member
        # None where a community has no marketplace yet: then only the admin can be used.
        request.marketplace = stores.market_of(member.community_id)  # type: ignore[assignment]  # as above
        request.storefront = None
        if not member.is_master:
            request.urlconf = settings.STORE_URLCONF
            request.storefront = stores.by_host(member.host)
        return self.get_response(request)

    def process_view(
        self, request: MallRequest, _view: object, _args: object, kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        slug = kwargs.pop("store", None)
        if slug is None:
            return None
        store = open_store(slug, request.mall.member.community_id)
        if store.host:
            rest = request.get_full_path_info().removeprefix(f"/stores/{slug}")
            return HttpResponseRedirect(absolute_url(store.host, rest))
        request.storefront = store
        return None


def open_store(slug: str, community_id: int) -> Store:
    store = stores.by_slug(slug)
    if store is None or store.community_id != community_id:
        raise Http404(f"There is no open store named “{slug}” in this mall.")
    return store

"""Announce visits of watched pages to the vendor's staff, whichever app's view makes the page.

The apps below know nothing of the desk, so a page is watched by the name of its URL, and not by a decorator.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.utils import timezone

from sessions_farm.web.clients import is_prefetch
from support_watch import counting, limits, services, visits
from support_watch.consent import consent_of
from support_watch.desk_settings import desk_settings
from support_watch.models import WatchedPage
from support_watch.visits import PageToken
from vendors.http import MallRequest
from vendors.storefronts import CachedStorefront

WATCHABLE = {
    "support:page": WatchedPage.SUPPORT,
    "store:product": WatchedPage.PRODUCT,
    "cart:page": WatchedPage.CART,
    "checkout:start": WatchedPage.CHECKOUT,
}
SECONDS = {"beat": limits.BEAT_MS // 1000, "idle": limits.IDLE_AFTER_MS // 1000}


class WatchMiddleware:
    """Announce a page view that succeeded (GET, 200), before the page is rendered.

    The page's context gets ``watched``: for each vendor a token that the page's script sends with each heartbeat. A
    page that a browser prefetches, or requests without a cookie, gets a token that is not counted: the first heartbeat,
    which the script sends once the page is visible, then records the visit.
    """

    def __init__(self, get_response: Callable[[Any], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponseBase:
        return self.get_response(request)

    def process_template_response(self, request: Any, response: SimpleTemplateResponse) -> SimpleTemplateResponse:
        """Announce the page to each vendor that watches it."""
        match = request.resolver_match
        page = WATCHABLE.get(match.view_name) if match is not None else None
        if page is not None and request.method == "GET" and response.status_code == HTTPStatus.OK:
            watched = [announce(request, store, page) for store in stores_on(request, response, page)]
            response.context_data = {
                **(response.context_data or {}),
                "watched": watched,
                "watch_seconds": SECONDS,
            }
        return response


def stores_on(request: MallRequest, response: SimpleTemplateResponse, page: WatchedPage) -> list[CachedStorefront]:
    """Return the stores that watch a page: its own, or on a page of the mall those whose goods are in the cart."""
    if request.storefront is not None:
        stores = [request.storefront]
    else:
        summary = (response.context_data or {}).get("summary")
        stores = [group.store for group in summary.groups if group.store] if summary else []
    return [
        store
        for store in stores[: limits.PAGES_AT_ONCE]
        if page in desk_settings.of(store.vendor_id).pages and counting.is_shopper(request, store.vendor_id)
    ]


def announce(request: MallRequest, store: CachedStorefront, page: WatchedPage) -> dict[str, Any]:
    """Record the visit of a shopper; return the page's token for the vendor, its name there, and staff's line."""
    token = PageToken(
        vendor_id=store.vendor_id,
        visit="",
        tab=visits.new_tab(),
        at=0,
        page=page,
        path=request.path,
        title=page.label,
        counted=False,
        has_notice=page == WatchedPage.SUPPORT,
    )
    line = ""
    if not is_prefetch(request):
        token, line = record_visit(request, token)
    level = consent_of(request, has_notice=token.has_notice).level
    name = visits.pseudonym(token.visit, level) if token.counted and level else ""
    return {"store": store, "token": token.signed(), "name": name, "line": line, "level": level}


def record_visit(request: MallRequest, token: PageToken) -> tuple[PageToken, str]:
    """Record the arrival of a shopper with a stable identity; create an id for any other, for the next request.

    Only the master creates ids; a vendor's host gets them by the hand-off.
    """
    if subjects := counting.subjects_of(request):
        return services.record_arrival(
            token=token,
            subjects=subjects,
            consent=consent_of(request, has_notice=token.has_notice),
            handle=request.mall.key_hash,
            now=timezone.now(),
        )
    if request.mall.is_master and request.session.session_key is None:
        request.session.claim_key()
    return token, ""

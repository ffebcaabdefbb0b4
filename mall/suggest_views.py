"""Suggestions while a shopper types in the search box of any page: the same on every host."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from sessions_farm.web.decorators import session_off
from vendors import suggestions
from vendors.facets import MAX_TEXT_LENGTH
from vendors.http import MallRequest
from vendors.storefronts import CachedStorefront, storefronts


@session_off
@never_cache
@require_safe
def suggest(request: MallRequest) -> HttpResponse:
    """Show what the words typed so far lead to: shops, departments and goods; of the store that ``here`` names."""
    market = request.marketplace
    text = " ".join(request.GET.get("q", "")[:MAX_TEXT_LENGTH].replace("\0", "").split())
    store = _store_of(request)
    found = suggestions.suggest(market, text, timezone.now(), store) if market is not None else None
    return render(request, "mall/suggestions.html", {"found": found, "text": text, "of_store": store})


def _store_of(request: MallRequest) -> CachedStorefront | None:
    """Return the store whose page asks; a store on the mall's path is known by its name alone."""
    store = storefronts.by_slug(request.GET.get("here", "")[:MAX_TEXT_LENGTH])
    return store if store is not None and store.community_id == request.mall.member.community_id else None

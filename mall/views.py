"""The mall's own pages: the directory, its departments, the search over all stores."""

from django.contrib import messages
from django.contrib.auth import logout
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from mall.accounts import known_devices
from sessions_farm.communities.registry import registry
from sessions_farm.conf import DAY, options
from vendors.cards import newest_of_marketplace, windows_of_marketplace, with_pictures
from vendors.http import MallRequest
from vendors.listing import ListingScope, build_listing
from vendors.models import Product
from vendors.storefronts import CachedMarketplace, CachedStorefront, storefronts
from vendors.stylesheets import marketplace_stylesheet_url
from vendors.views import get_category_or_404

NEW_THINGS = 10
IN_A_WINDOW = 3


def market_of(request: MallRequest) -> CachedMarketplace:
    """Return the marketplace of the request; raise Http404 where the community has none."""
    market: CachedMarketplace | None = request.marketplace
    if market is None:
        raise Http404("This community has no marketplace yet; add one in the admin.")
    return market


@require_safe
def home(request: MallRequest) -> HttpResponse:
    """Show the directory: each store with the products in its window, and the newest products of all."""
    market, now = market_of(request), timezone.now()
    windows = with_pictures(windows_of_marketplace(market.marketplace_id, IN_A_WINDOW))
    shown = storefronts.of_marketplace(market.marketplace_id)
    context = {
        "fronts": fronts(shown, windows),
        "new_things": with_pictures(newest_of_marketplace(market.marketplace_id, now, NEW_THINGS)),
        "theme_of_all": marketplace_stylesheet_url(market.marketplace_id),
    }
    return render(request, "mall/home.html", context)


def fronts(shown: list[CachedStorefront], windows: list[Product]) -> list[tuple[CachedStorefront, list[Product]]]:
    """Pair each store with the products in its window."""
    by_vendor: dict[int, list[Product]] = {}
    for product in windows:
        by_vendor.setdefault(product.vendor_id, []).append(product)
    return [(store, by_vendor.get(store.vendor_id, [])) for store in shown]


@require_safe
@vary_on_headers("HX-Request")
def category(request: MallRequest, slug: str) -> HttpResponse:
    """Show the products of a category over all stores."""
    market = market_of(request)
    department = get_category_or_404(market.marketplace_id, slug)
    scope = ListingScope(marketplace_id=market.marketplace_id, category_id=department.pk)
    found = build_listing(scope, request.GET, currency=market.currency, now=timezone.now())
    return render(request, "mall/category.html", {"category": department, "listing": found})


@require_safe
@vary_on_headers("HX-Request")
def search(request: MallRequest) -> HttpResponse:
    """Show the products found over all stores, below the stores whose names match."""
    market = market_of(request)
    scope = ListingScope(marketplace_id=market.marketplace_id)
    found = build_listing(scope, request.GET, currency=market.currency, now=timezone.now())
    context = {"listing": found, "mall_query": found.filter.text, "named": stores_named(market, found.filter.text)}
    return render(request, "mall/search.html", context)


def stores_named(market: CachedMarketplace, text: str) -> list[CachedStorefront]:
    """Return the stores whose names hold every word of a text."""
    words = text.casefold().split()
    if not words:
        return []
    shown = storefronts.of_marketplace(market.marketplace_id)
    return [store for store in shown if all(word in store.name.casefold() for word in words)]


@require_safe
def about(request: MallRequest) -> HttpResponse:
    """Show the page about the mall."""
    return render(request, "mall/about.html")


@require_safe
def privacy(request: MallRequest) -> HttpResponse:
    """Show the hosts that share the visitor's id, its lifetime, and the button that ends it."""
    community_id = request.mall.member.community_id
    context = {
        "hosts": registry.hosts_of(community_id),
        "external_hosts": registry.external_hosts_of(community_id),
        "cookie_days": options().cookie_age // DAY,
        "asks_not_to_be_followed": request.headers.get("Sec-GPC") == "1",
    }
    return render(request, "mall/privacy.html", context)


@require_POST
def forget(request: MallRequest) -> HttpResponse:
    """Sign out, end the mall id in the whole community, and redirect to the privacy page."""
    logout(request)
    messages.success(request, "You are somebody new here: another number, and an empty cart.")
    response = redirect("mall:privacy")
    known_devices.forget(response)
    return response

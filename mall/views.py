"""The mall's own pages: the directory, its departments, the search over all stores."""

from django.contrib import messages
from django.contrib.auth import logout
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from mall.accounts import known_devices
from mall.windows import open_windows
from sessions_farm.communities.registry import registry
from sessions_farm.conf import DAY, options
from vendors.cards import ON_MALL_HOME, newest_of_marketplace
from vendors.facets import MAX_TEXT_LENGTH
from vendors.http import MallRequest
from vendors.list_links import NEW, give_links
from vendors.listing import ListingScope, build_listing
from vendors.storefronts import CachedMarketplace, storefronts
from vendors.stylesheets import stylesheet_url_of
from vendors.views import get_category_or_404

SHOPS_A_PAGE = 24
MOST_NAMED = 12


def market_of(request: MallRequest) -> CachedMarketplace:
    """Return the marketplace of the request; raise Http404 where the community has none."""
    market: CachedMarketplace | None = request.marketplace
    if market is None:
        raise Http404("This community has no marketplace yet; add one in the admin.")
    return market


@require_safe
def home(request: MallRequest) -> HttpResponse:
    """Show the directory: stores with the products in their windows, and on its first page the newest products."""
    market, now = market_of(request), timezone.now()
    asked = " ".join(request.GET.get("shop", "")[:MAX_TEXT_LENGTH].replace("\0", "").split())
    found = storefronts.of_marketplace(market.marketplace_id)
    if asked:
        found = storefronts.named(market.marketplace_id, asked)
    page = Paginator(found, SHOPS_A_PAGE).get_page(request.GET.get("page"))
    new_things = newest_of_marketplace(market.marketplace_id, now, ON_MALL_HOME)
    give_links(new_things, NEW)
    context = {
        "page": page,
        "shop_query": asked,
        "shops": len(storefronts.of_marketplace(market.marketplace_id)),
        "windows": open_windows(list(page)),
        "new_things": [] if asked or page.number > 1 else new_things,
        "theme_of_all": stylesheet_url_of(page),
    }
    return render(request, "mall/home.html", context)


@require_safe
@vary_on_headers("HX-Request")
def category(request: MallRequest, slug: str) -> HttpResponse:
    """Show the products of a category over all stores."""
    market = market_of(request)
    department = get_category_or_404(market.marketplace_id, slug)
    scope = ListingScope(market.marketplace_id, category=department)
    found = build_listing(scope, request.GET, currency=market.currency, now=timezone.now())
    return render(request, "mall/category.html", {"category": department, "listing": found})


@require_safe
@vary_on_headers("HX-Request")
def search(request: MallRequest) -> HttpResponse:
    """Show the products found over all stores, below the stores whose names match."""
    market = market_of(request)
    scope = ListingScope(market.marketplace_id)
    found = build_listing(scope, request.GET, currency=market.currency, now=timezone.now())
    named = storefronts.named(market.marketplace_id, found.filter.text, by_name_alone=True)[:MOST_NAMED]
    context = {"listing": found, "mall_query": found.filter.text, "named": named}
    return render(request, "mall/search.html", context)


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
    messages.success(request, gettext("You are somebody new here: another number, and an empty cart."))
    response = redirect("mall:privacy")
    known_devices.forget(response)
    return response

"""The mall's own pages: the directory, its departments, the search over all stores."""

from django.contrib import messages
from django.contrib.auth import logout
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from sessions_farm.communities.registry import registry
from sessions_farm.conf import DAY, options
from vendors.hosts import Market, Store, stores
from vendors.http import MallRequest
from vendors.listing import listing
from vendors.models import Category, Product
from vendors.models.catalogue import ProductQuerySet
from vendors.theme import address_of_all

NEW_THINGS = 10
IN_A_WINDOW = 3


def market_of(request: MallRequest) -> Market:
    market: Market | None = request.marketplace
    if market is None:
        raise Http404("This community has no marketplace yet; add one in the admin.")
    return market


def goods_of(market: Market) -> ProductQuerySet:
    return Product.objects.published().in_marketplace(market.marketplace_id)


@require_safe
def home(request: MallRequest) -> HttpResponse:
    """The directory: each store with what is in its window, and what is new anywhere."""
    market, now = market_of(request), timezone.now()
    cards = goods_of(market).for_cards(now).defer("search", "description")
    windows = goods_of(market).in_windows(IN_A_WINDOW).prefetch_related("images").defer("search", "description")
    shown = stores.of_marketplace(market.marketplace_id)
    context = {
        "fronts": fronts(shown, windows),
        "new_things": cards.spread_over_vendors()[:NEW_THINGS],
        "theme_of_all": address_of_all(market.marketplace_id),
    }
    return render(request, "mall/home.html", context)


def fronts(shown: list[Store], windows: ProductQuerySet) -> list[tuple[Store, list[Product]]]:
    """Each store and the products in its window."""
    by_vendor: dict[int, list[Product]] = {}
    for product in windows:
        by_vendor.setdefault(product.vendor_id, []).append(product)
    return [(store, by_vendor.get(store.vendor_id, [])) for store in shown]


@require_safe
@vary_on_headers("HX-Request")
def category(request: MallRequest, slug: str) -> HttpResponse:
    market = market_of(request)
    department = get_object_or_404(Category, marketplace=market.marketplace_id, slug=slug)
    scope = goods_of(market).in_department(department)
    found = listing(
        scope, request.GET, currency=market.currency, now=timezone.now(), mall_wide=True, by_department=False
    )
    return render(request, "mall/category.html", {"category": department, "listing": found})


@require_safe
@vary_on_headers("HX-Request")
def search(request: MallRequest) -> HttpResponse:
    """Products over all stores; stores and departments whose names have the words stand above them."""
    market = market_of(request)
    found = listing(goods_of(market), request.GET, currency=market.currency, now=timezone.now(), mall_wide=True)
    context = {"listing": found, "mall_query": found.choice.text, "named": named(market, found.choice.text)}
    return render(request, "mall/search.html", context)


def named(market: Market, text: str) -> list[Store]:
    words = text.casefold().split()
    if not words:
        return []
    shown = stores.of_marketplace(market.marketplace_id)
    return [store for store in shown if all(word in store.name.casefold() for word in words)]


@require_safe
def about(request: MallRequest) -> HttpResponse:
    return render(request, "mall/about.html")


@require_safe
def privacy(request: MallRequest) -> HttpResponse:
    """Which addresses share the visitor's number, for how long, and how not to be known by it."""
    community_id = request.mall.member.community_id
    context = {
        "hosts": registry.hosts_of(community_id),
        "outside": registry.external_hosts_of(community_id),
        "cookie_days": options().cookie_age // DAY,
        "asks_not_to_be_followed": request.headers.get("Sec-GPC") == "1",
    }
    return render(request, "mall/privacy.html", context)


@require_POST
def forget(request: MallRequest) -> HttpResponse:
    """Be somebody new: sign out, end the id everywhere in the community, and lead back to where that is explained."""
    logout(request)
    messages.success(request, "You are somebody new here: another number, and an empty cart.")
    return redirect("mall:privacy")

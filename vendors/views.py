"""Views of one store, on its own host or on the master's path."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponsePermanentRedirect, QueryDict
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_countries import countries

from sessions_farm.communities.query_plans import planned
from vendors import card_refresh, cards, links, recently_viewed, reviews
from vendors.cards import ON_STORE_HOME, newest_of_store, with_pictures
from vendors.destination import destination_of
from vendors.facets import MAX_CHOICES, PLACES
from vendors.held_goods import mark_stock, products_held
from vendors.http import MallRequest
from vendors.list_links import AT, HOME, LIST, NAMES, give_links
from vendors.listing import ListingScope, build_listing
from vendors.models import Category, Product, ProductCard, Vendor
from vendors.models.cards import ProductCardQuerySet
from vendors.models.catalogue import ProductQuerySet
from vendors.offers import Offer, list_offers
from vendors.option_axes import choose, has_axes
from vendors.pager import pager_of
from vendors.storefronts import CachedStorefront
from vendors.structured_data import product_data
from vendors.zones import delivery_offers, vendor_with_zones, zones_of_store

RELATED = 5
MOST_ROWS = 8  # variants to choose from as rows; more are a select, or one of each option

QUANTITY = re.compile(r"[1-9][0-9]?")
CARRIED = (LIST, AT, *NAMES, *PLACES)  # parameters of a product's address that say from which list one came


def get_storefront_or_404(request: MallRequest) -> CachedStorefront:
    """Return the request's storefront. Raise Http404 if there is none."""
    store: CachedStorefront | None = request.storefront
    if store is None:
        raise Http404(f"No open store answers to {request.mall.member.host}.")
    return store


def published_products(vendor_id: int) -> ProductQuerySet:
    """Return the published products of a store."""
    return Product.objects.published().for_vendor(vendor_id)


@require_safe
def home_page(request: MallRequest) -> HttpResponse:
    """Show the newest products, those in stock first."""
    store, now = get_storefront_or_404(request), timezone.now()
    newest = newest_of_store(store.vendor_id, now, ON_STORE_HOME)
    give_links(newest, HOME)
    return render(request, "vendors/home.html", {"leading": newest[:1], "featured": newest[1:]})


@require_safe
@vary_on_headers("HX-Request")
def category_page(request: MallRequest, slug: str) -> HttpResponse:
    """List the products of a category."""
    store = get_storefront_or_404(request)
    category = get_category_or_404(store.marketplace_id, slug)
    scope = ListingScope(store.marketplace_id, vendor_id=store.vendor_id, category=category)
    found = build_listing(scope, request.GET, currency=store.currency, now=timezone.now())
    if not found.total and not (found.filter.text or found.filter.is_narrowed):
        raise Http404(f"{store.name} has nothing in {category.name} now.")
    return render(request, "vendors/category.html", {"category": category, "listing": found})


@require_safe
@vary_on_headers("HX-Request")
def search_page(request: MallRequest) -> HttpResponse:
    """List the products that match the search."""
    store = get_storefront_or_404(request)
    scope = ListingScope(store.marketplace_id, vendor_id=store.vendor_id)
    found = build_listing(scope, request.GET, currency=store.currency, now=timezone.now())
    context = {"listing": found, "here": "search", "mall_query": found.filter.text}
    return render(request, "vendors/search.html", context)


@require_safe
def product_page(request: MallRequest, slug: str) -> HttpResponse:
    """Show a product with its offers, neighbours and related products."""
    store = get_storefront_or_404(request)
    card_refresh.refresh(timezone.now())
    found = with_pictures(product_of_store(store.vendor_id, str(slug)))
    if not found:
        return redirect_from_former_slug(store, str(slug))
    context = product_context(request, store, found[0], timezone.now())
    recently_viewed.remember(request, found[0].pk)
    return TemplateResponse(request, "vendors/product.html", context)  # lazy, so that it may be watched


def redirect_from_former_slug(store: CachedStorefront, slug: str) -> HttpResponse:
    """Redirect to the product that had a slug before. Raise Http404 if none had, or it is not published."""
    products = product_of_former_slug(store.vendor_id, slug)
    if not products:
        raise Http404(f"{store.name} has no {slug} now.")
    path = links.storefront_path(store, "product", slug=products[0].slug)
    response = HttpResponsePermanentRedirect(path)
    response["Cache-Control"] = "max-age=3600"  # another product may take the address over
    return response


def product_context(request: MallRequest, store: CachedStorefront, product: Product, now: datetime) -> dict[str, Any]:
    """Return the context of a product's page; its pictures, its category and its card are fetched."""
    market, destination = request.marketplace, destination_of(request)
    offers, held = list_offers(product, now), products_held(now)
    viewed = [each for each in recently_viewed.viewed_by(request) if each != product.pk]
    related, recent = cards_around(product, viewed, held)
    vendor, said = vendor_with_zones(store.vendor_id)[0], reviews.of_product(product)
    return {
        "product": product,
        "category": product.category,
        "offers": offers,
        "option": product.options[0]["name"] if len(product.options) == 1 else "",
        "most_rows": MOST_ROWS,
        "sold_out": [offer for offer in offers if not offer.available],
        "selected": next((offer for offer in offers if offer.available), None),
        "delivery": delivery_offers(vendor, destination, now),
        "country": countries.name(destination.country),
        "pager": pager_of(store, market, product, request.GET, now),
        "related": related,
        "recent": recent,
        "reviews": said,
        "structured_data": product_data(store, market, product, offers, vendor, said),
        **choice_context(product, offers, request.GET),
    }


def choice_context(product: Product, offers: Sequence[Offer], query: QueryDict) -> dict[str, Any]:
    """Return the choice by option of a product with many variants; it carries the list from which one came."""
    if not has_axes(product, offers, MOST_ROWS):
        return {}
    choice = choose(product, offers, query)
    quantity = QUANTITY.fullmatch(query.get("quantity", ""))
    carried = [(name, value) for name in CARRIED for value in query.getlist(name)[:MAX_CHOICES]]
    found = {"choice": choice, "carried": carried, "quantity": quantity[0] if quantity else "1"}
    if any(offer.available for offer in offers):  # else the page has no choice, and tells of all
        found["sold_out"] = choice.sold_out
    return found


def get_category_or_404(marketplace_id: int, slug: str) -> Category:
    """Return a category by its slug. Raise Http404 if there is none."""
    found = category_with_slug(marketplace_id, slug)
    if not found:
        raise Http404(f"There is no department named “{slug}” in this mall.")
    return found[0]


@planned
def category_with_slug(marketplace_id: int, slug: str) -> QuerySet[Category]:
    """Select the category with a slug."""
    return Category.objects.filter(marketplace=marketplace_id, slug=slug)


@planned
def vendor_with_id(vendor_id: int) -> QuerySet[Vendor]:
    """Select a vendor."""
    return Vendor.objects.filter(pk=vendor_id)


@planned
def product_of_store(vendor_id: int, slug: str) -> ProductQuerySet:
    """Select a store's product by its slug, with its card."""
    found = published_products(vendor_id).filter(slug=slug).select_related("category__parent", "card")
    return found.defer(*(f"card__{name}" for name in cards.FOUND_BY))


@planned
def product_of_former_slug(vendor_id: int, slug: str) -> ProductQuerySet:
    """Select the published product of a store that had a slug before."""
    return published_products(vendor_id).filter(former_slugs__slug=slug).only("slug")


def cards_around(product: Product, viewed: Sequence[int], held: Sequence[int]) -> tuple[list[ProductCard], ...]:
    """Return a store's other products – those of the same category, then the newest – and those looked at before."""
    found = around(product.vendor_id, product.category_id, product.pk, viewed)
    related, newest, seen = cards.apart(found, 3)
    known = {card.pk for card in related}
    related = [*related, *(card for card in newest if card.pk not in known)][:RELATED]
    return mark_stock(related, held), mark_stock(cards.in_order(viewed, seen)[: recently_viewed.SHOWN], held)


@planned
def around(vendor_id: int, category_id: int, product_id: int, viewed: Sequence[int]) -> ProductCardQuerySet:
    """Select some of a store's other products of one category, its newest, and some products by key."""
    others = ProductCard.objects.public().filter(vendor=vendor_id).exclude(pk=product_id)
    return cards.in_one(
        others.filter(category=category_id).order_by("name", "pk")[:RELATED],
        others.order_by("-created_at", "-pk")[: 2 * RELATED],
        ProductCard.objects.public().filter(product__pk__in=viewed),
    )


@require_safe
def about_page(request: MallRequest) -> HttpResponse:
    """Show the vendor's own text about itself."""
    vendor = vendor_with_id(get_storefront_or_404(request).vendor_id)[0]
    return render(request, "vendors/about.html", {"vendor": vendor})


@require_safe
def delivery_page(request: MallRequest) -> HttpResponse:
    """Show the vendor's terms of delivery and returns."""
    vendor_id = get_storefront_or_404(request).vendor_id
    context = {"vendor": vendor_with_id(vendor_id)[0], "zones": zones_of_store(vendor_id)}
    return render(request, "vendors/delivery.html", context)

"""Views of one store, on its own host or on the master's path."""

from datetime import datetime
from typing import Any

from django.db.models import Case, Q, QuerySet, When
from django.http import Http404, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_countries import countries

from sessions_farm.query_plans import planned
from vendors import links
from vendors.cards import newest_of_store, with_pictures
from vendors.delivery import Destination
from vendors.destination import destination_of
from vendors.http import MallRequest
from vendors.listing import ListingScope, build_listing
from vendors.models import Category, Product, Vendor
from vendors.models.catalogue import ProductQuerySet
from vendors.offers import list_offers
from vendors.storefronts import CachedStorefront
from vendors.zones import delivery_offers, vendor_with_zones, zones_of_store

FEATURED = 11  # one leading product, then two rows of five on a wide screen
RELATED = 5


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
    newest = with_pictures(newest_of_store(store.vendor_id, now, FEATURED))
    return render(request, "vendors/home.html", {"leading": newest[:1], "featured": newest[1:]})


@require_safe
@vary_on_headers("HX-Request")
def category_page(request: MallRequest, slug: str) -> HttpResponse:
    """List the products of a category."""
    store = get_storefront_or_404(request)
    category = get_category_or_404(store.marketplace_id, slug)
    scope = ListingScope(vendor_id=store.vendor_id, category_id=category.pk)
    found = build_listing(scope, request.GET, currency=store.currency, now=timezone.now())
    if not found.total and not (found.filter.text or found.filter.is_narrowed):
        raise Http404(f"{store.name} has nothing in {category.name} now.")
    return render(request, "vendors/category.html", {"category": category, "listing": found})


@require_safe
@vary_on_headers("HX-Request")
def search_page(request: MallRequest) -> HttpResponse:
    """List the products that match the search."""
    store = get_storefront_or_404(request)
    scope = ListingScope(vendor_id=store.vendor_id)
    found = build_listing(scope, request.GET, currency=store.currency, now=timezone.now())
    return render(request, "vendors/search.html", {"listing": found, "here": "search"})


@require_safe
def product_page(request: MallRequest, slug: str) -> HttpResponse:
    """Show a product with its offers, neighbours and related products."""
    store = get_storefront_or_404(request)
    found = with_pictures(product_of_store(store.vendor_id, str(slug)))
    if not found:
        return redirect_from_former_slug(store, str(slug))
    context = product_context(store, found[0], destination_of(request), timezone.now())
    return render(request, "vendors/product.html", context)


def redirect_from_former_slug(store: CachedStorefront, slug: str) -> HttpResponse:
    """Redirect to the product that had a slug before. Raise Http404 if none had, or it is not published."""
    products = product_of_former_slug(store.vendor_id, slug)
    if not products:
        raise Http404(f"{store.name} has no {slug} now.")
    path = links.storefront_path(store, "product", slug=products[0].slug)
    response = HttpResponsePermanentRedirect(path)
    response["Cache-Control"] = "max-age=3600"  # another product may take the address over
    return response


def product_context(
    store: CachedStorefront, product: Product, destination: Destination, now: datetime
) -> dict[str, Any]:
    """Return the context of a product's page; its pictures and its category are fetched."""
    offers = list_offers(product, now)
    return {
        "product": product,
        "category": product.category,
        "offers": offers,
        "selected": next((offer for offer in offers if offer.available), None),
        "delivery": delivery_offers(vendor_with_zones(store.vendor_id)[0], destination, now),
        "country": countries.name(destination.country),
        "previous": product_before.first(store.vendor_id, product.category_id, product.name, product.pk),
        "next": product_after.first(store.vendor_id, product.category_id, product.name, product.pk),
        "related": with_pictures(related_products(store.vendor_id, product.pk, product.category_id, now)),
    }


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
    """Select a store's product by its slug."""
    return published_products(vendor_id).filter(slug=slug).select_related("category__parent").defer("search")


@planned
def product_of_former_slug(vendor_id: int, slug: str) -> ProductQuerySet:
    """Select the published product of a store that had a slug before."""
    return published_products(vendor_id).filter(former_slugs__slug=slug).only("slug")


@planned
def product_before(vendor_id: int, category_id: int, name: str, product_id: int) -> ProductQuerySet:
    """Select the product before another one of the same category, by name."""
    earlier = Q(name__lt=name) | Q(name=name, pk__lt=product_id)
    return siblings_of(vendor_id, category_id).filter(earlier).order_by("-name", "-pk")[:1]


@planned
def product_after(vendor_id: int, category_id: int, name: str, product_id: int) -> ProductQuerySet:
    """Select the product after another one of the same category, by name."""
    later = Q(name__gt=name) | Q(name=name, pk__gt=product_id)
    return siblings_of(vendor_id, category_id).filter(later).order_by("name", "pk")[:1]


def siblings_of(vendor_id: int, category_id: int) -> ProductQuerySet:
    """Select a store's products of one category, for links."""
    return published_products(vendor_id).filter(category=category_id).only("name", "slug")


@planned
def related_products(vendor_id: int, product_id: int, category_id: int, now: datetime) -> ProductQuerySet:
    """Select a store's other products: those of the same category first, then the newest."""
    others = published_products(vendor_id).exclude(pk=product_id)
    same_category_first = Case(When(category=category_id, then=0), default=1)
    return others.order_by(same_category_first, "-created_at", "pk").for_cards(now)[:RELATED]


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

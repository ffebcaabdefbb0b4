"""Views of one store, on its own host or on the master's path."""

from django.db.models import Case, F, Q, When
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from vendors.http import MallRequest
from vendors.listing import build_listing
from vendors.models import Category, Product, Vendor
from vendors.models.catalogue import ProductQuerySet
from vendors.offers import list_offers
from vendors.storefronts import CachedStorefront

FEATURED = 11  # one leading product, then two rows of five on a wide screen
RELATED = 5


def get_storefront_or_404(request: MallRequest) -> CachedStorefront:
    """Return the request's storefront. Raise Http404 if there is none."""
    store: CachedStorefront | None = request.storefront
    if store is None:
        raise Http404(f"No open store answers to {request.mall.member.host}.")
    return store


def published_products(store: CachedStorefront) -> ProductQuerySet:
    """Return the published products of a store."""
    return Product.objects.published().for_vendor(store.vendor_id)


@require_safe
def home_page(request: MallRequest) -> HttpResponse:
    """Show the newest products, those in stock first."""
    store, now = get_storefront_or_404(request), timezone.now()
    cards = published_products(store).for_cards(now).defer("search", "description")
    newest = list(cards.order_by(F("has_stock").desc(), "-created_at", "pk")[:FEATURED])
    return render(request, "vendors/home.html", {"leading": newest[:1], "featured": newest[1:]})


@require_safe
@vary_on_headers("HX-Request")
def category_page(request: MallRequest, slug: str) -> HttpResponse:
    """List the products of a category."""
    store = get_storefront_or_404(request)
    category = get_object_or_404(Category, marketplace=store.marketplace_id, slug=slug)
    scope = published_products(store).in_category(category)
    found = build_listing(
        scope, request.GET, currency=store.currency, now=timezone.now(), mall_wide=False, by_category=False
    )
    if not found.total and not (found.filter.text or found.filter.is_narrowed):
        raise Http404(f"{store.name} has nothing in {category.name} now.")
    return render(request, "vendors/category.html", {"category": category, "listing": found})


@require_safe
@vary_on_headers("HX-Request")
def search_page(request: MallRequest) -> HttpResponse:
    """List the products that match the search."""
    store = get_storefront_or_404(request)
    found = build_listing(
        published_products(store), request.GET, currency=store.currency, now=timezone.now(), mall_wide=False
    )
    return render(request, "vendors/search.html", {"listing": found, "here": "search"})


@require_safe
def product_page(request: MallRequest, slug: str) -> HttpResponse:
    """Show a product with its offers, neighbours and related products."""
    store, now = get_storefront_or_404(request), timezone.now()
    products = published_products(store).select_related("category__parent").prefetch_related("images", "variants")
    product = get_object_or_404(products, slug=slug)
    offers = list_offers(product, now)
    previous, following = adjacent_products(published_products(store), product)
    context = {
        "product": product,
        "category": product.category,
        "offers": offers,
        "selected": next((offer for offer in offers if offer.available), None),
        "vendor": Vendor.objects.get(pk=store.vendor_id),
        "previous": previous,
        "next": following,
        "related": related_products(store, product).for_cards(now).defer("search", "description")[:RELATED],
    }
    return render(request, "vendors/product.html", context)


def adjacent_products(products: ProductQuerySet, product: Product) -> tuple[Product | None, Product | None]:
    """Return the previous and the next product of the same category, by name."""
    siblings = products.filter(category=product.category_id).only("name", "slug")
    later = Q(name__gt=product.name) | Q(name=product.name, pk__gt=product.pk)
    earlier = Q(name__lt=product.name) | Q(name=product.name, pk__lt=product.pk)
    previous = siblings.filter(earlier).order_by("-name", "-pk").first()
    return previous, siblings.filter(later).order_by("name", "pk").first()


def related_products(store: CachedStorefront, product: Product) -> ProductQuerySet:
    """Return a store's other products: those of the same category first, then the newest."""
    others = published_products(store).exclude(pk=product.pk)
    same_category_first = Case(When(category=product.category_id, then=0), default=1)
    return others.order_by(same_category_first, "-created_at", "pk")


@require_safe
def about_page(request: MallRequest) -> HttpResponse:
    """Show the vendor's own text about itself."""
    vendor = Vendor.objects.get(pk=get_storefront_or_404(request).vendor_id)
    return render(request, "vendors/about.html", {"vendor": vendor})


@require_safe
def delivery_page(request: MallRequest) -> HttpResponse:
    """Show the vendor's terms of delivery and returns."""
    vendor = Vendor.objects.get(pk=get_storefront_or_404(request).vendor_id)
    return render(request, "vendors/delivery.html", {"vendor": vendor})

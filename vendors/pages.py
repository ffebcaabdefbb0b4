"""The pages of one store, on its own host or on the master's path."""

from django.db.models import Case, F, Q, When
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from vendors.hosts import Store
from vendors.http import MallRequest
from vendors.listing import listing
from vendors.models import Category, Product, Vendor
from vendors.models.catalogue import ProductQuerySet
from vendors.offers import offers

FEATURED = 11  # one leads, two rows of five follow on a wide screen
LIKE_IT = 5


def store_of(request: MallRequest) -> Store:
    store: Store | None = request.storefront
    if store is None:
        raise Http404(f"No open store answers to {request.mall.member.host}.")
    return store


def goods_of(store: Store) -> ProductQuerySet:
    return Product.objects.published().for_vendor(store.vendor_id)


@require_safe
def home(request: MallRequest) -> HttpResponse:
    store, now = store_of(request), timezone.now()
    cards = goods_of(store).for_cards(now).defer("search", "description")
    newest = list(cards.order_by(F("has_stock").desc(), "-created_at", "pk")[:FEATURED])
    return render(request, "vendors/home.html", {"leading": newest[:1], "featured": newest[1:]})


@require_safe
@vary_on_headers("HX-Request")
def category(request: MallRequest, slug: str) -> HttpResponse:
    store = store_of(request)
    shelf = get_object_or_404(Category, marketplace=store.marketplace_id, slug=slug)
    scope = goods_of(store).in_department(shelf)
    found = listing(
        scope, request.GET, currency=store.currency, now=timezone.now(), mall_wide=False, by_department=False
    )
    if not found.total and not (found.choice.text or found.choice.narrows):
        raise Http404(f"{store.name} has nothing in {shelf.name} now.")
    return render(request, "vendors/category.html", {"category": shelf, "listing": found})


@require_safe
@vary_on_headers("HX-Request")
def search(request: MallRequest) -> HttpResponse:
    store = store_of(request)
    found = listing(goods_of(store), request.GET, currency=store.currency, now=timezone.now(), mall_wide=False)
    return render(request, "vendors/search.html", {"listing": found, "here": "search"})


@require_safe
def product(request: MallRequest, slug: str) -> HttpResponse:
    store, now = store_of(request), timezone.now()
    goods = goods_of(store).select_related("category__parent").prefetch_related("images", "variants")
    item = get_object_or_404(goods, slug=slug)
    variants = offers(item, now)
    before, after = neighbours(goods_of(store), item)
    context = {
        "product": item,
        "category": item.category,
        "variants": variants,
        "chosen": next((offer for offer in variants if offer.left), None),
        "vendor": Vendor.objects.get(pk=store.vendor_id),
        "before": before,
        "after": after,
        "others": more_like(store, item).for_cards(now).defer("search", "description")[:LIKE_IT],
    }
    return render(request, "vendors/product.html", context)


def neighbours(goods: ProductQuerySet, item: Product) -> tuple[Product | None, Product | None]:
    """The products before and after this one on its shelf, in the shelf's own order (name)."""
    shelf = goods.filter(category=item.category_id).only("name", "slug")
    later = Q(name__gt=item.name) | Q(name=item.name, pk__gt=item.pk)
    earlier = Q(name__lt=item.name) | Q(name=item.name, pk__lt=item.pk)
    return shelf.filter(earlier).order_by("-name", "-pk").first(), shelf.filter(later).order_by("name", "pk").first()


def more_like(store: Store, item: Product) -> ProductQuerySet:
    """Others of the same shelf first, then the newest of the store."""
    others = goods_of(store).exclude(pk=item.pk)
    same_shelf = Case(When(category=item.category_id, then=0), default=1)
    return others.order_by(same_shelf, "-created_at", "pk")


@require_safe
def about(request: MallRequest) -> HttpResponse:
    vendor = Vendor.objects.get(pk=store_of(request).vendor_id)
    return render(request, "vendors/about.html", {"vendor": vendor})


@require_safe
def delivery(request: MallRequest) -> HttpResponse:
    vendor = Vendor.objects.get(pk=store_of(request).vendor_id)
    return render(request, "vendors/delivery.html", {"vendor": vendor})

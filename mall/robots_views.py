"""What search engines read of a host: robots.txt, and the sitemap of the host's own pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.sitemaps import Sitemap
from django.contrib.sitemaps import views as djangos
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.urls import reverse
from django.views.decorators.http import require_safe

from sessions_farm.communities.links import absolute_url
from sessions_farm.web.decorators import session_off
from vendors.http import MallRequest
from vendors.links import storefront_path
from vendors.models import Category, Product
from vendors.storefronts import CachedMarketplace, CachedStorefront, storefronts

DAY = "public, max-age=86400"
# What is one person's, or the same goods again in another order.
UNLISTED = (
    "/cart/", "/checkout/", "/accounts/", "/orders/", "/admin/", "/join/", "/watch/", "/pay/", "/ship/", "/.mall/",
    "/alerts/", "/*/search/", "/search/", "/suggest/",
)  # fmt: skip


@session_off
@require_safe
def robots(request: MallRequest) -> HttpResponse:
    """Say what robots leave alone, and where the sitemap of this host is."""
    host = request.mall.member.host
    lines = [
        "User-agent: *",
        *(f"Disallow: {path}" for path in UNLISTED),
        "",
        f"Sitemap: {absolute_url(host, reverse('sitemap_index', urlconf=request_urlconf(request)))}",
        "",
    ]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8", headers={"Cache-Control": DAY})


def request_urlconf(request: MallRequest) -> Any:
    """Return the URLconf of a request's host."""
    return getattr(request, "urlconf", None)


class PathSitemap(Sitemap):  # type: ignore[type-arg]  # not subscriptable at run time
    """List paths."""

    def __init__(self, paths: Callable[[], list[str]]) -> None:
        self._paths = paths

    def items(self) -> list[str]:
        """Return the paths."""
        return self._paths()

    def location(self, item: str) -> str:
        """Return a path as it is."""
        return item


class ProductSitemap(Sitemap):  # type: ignore[type-arg]  # as above
    """List the products of stores, some thousands a file."""

    limit = 5000

    def __init__(self, stores: list[CachedStorefront]) -> None:
        self._stores = {store.vendor_id: store for store in stores}

    def items(self) -> QuerySet[Product, tuple[int, str, Any]]:
        """Return the vendor, slug and last change of each product."""
        goods = Product.objects.filter(card__is_public=True, vendor__in=self._stores).order_by("pk")
        return goods.values_list("vendor_id", "slug", "updated_at")

    def location(self, item: tuple[int, str, Any]) -> str:
        """Return the path of a product."""
        return storefront_path(self._stores[item[0]], "product", slug=item[1])

    def lastmod(self, item: tuple[int, str, Any]) -> Any:
        """Return when a product was changed last."""
        return item[2]


def sections_of(request: MallRequest) -> dict[str, Any]:
    """Return the sitemaps of a host: a store's own, or the master's with the stores that have no host."""
    if request.storefront is not None:
        stores = [request.storefront]
        return {"pages": PathSitemap(lambda: _store_pages(stores)), "products": ProductSitemap(stores)}
    market: CachedMarketplace | None = request.marketplace
    if market is None or not request.mall.is_master:
        return {}
    stores = [store for store in storefronts.of_marketplace(market.marketplace_id) if not store.host]
    return {
        "pages": PathSitemap(lambda: [*_mall_pages(market), *_store_pages(stores)]),
        "products": ProductSitemap(stores),
    }


def _mall_pages(market: CachedMarketplace) -> list[str]:
    slugs = Category.objects.filter(marketplace=market.marketplace_id).values_list("slug", flat=True)
    return [
        reverse("mall:home"),
        reverse("mall:about"),
        *(reverse("mall:category", kwargs={"slug": slug}) for slug in slugs),
    ]


def _store_pages(stores: list[CachedStorefront]) -> list[str]:
    pages = []
    for store in stores:
        pages += [storefront_path(store, name) for name in ("home", "about", "delivery")]
        departments = Category.objects.with_products_of(store.vendor_id) if len(stores) == 1 else []
        pages += [storefront_path(store, "category", slug=each.slug) for each in departments]
    return pages


@session_off
@require_safe
def sitemap_index(request: MallRequest) -> HttpResponseBase:
    """List the files of this host's sitemap."""
    return _kept(djangos.index(request, sections_of(request), sitemap_url_name="sitemap"))


@session_off
@require_safe
def sitemap(request: MallRequest, section: str) -> HttpResponseBase:
    """List pages of this host."""
    return _kept(djangos.sitemap(request, sections_of(request), section))


def _kept(response: HttpResponseBase) -> HttpResponseBase:
    response["Cache-Control"] = "public, max-age=3600"
    return response

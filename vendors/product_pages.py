"""The pages beside a product's own in the admin: its copy, and its page in the shop before it is there."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from sessions_farm.communities.registry import registry
from vendors import products
from vendors.cards import with_pictures
from vendors.links import storefront_url
from vendors.models import Product, Vendor
from vendors.storefronts import cache_storefront, storefronts
from vendors.views import product_context


def shop_url(product: Product) -> str:
    """Return the address of a published product in its shop; '' while that is closed."""
    store = storefronts.by_vendor(product.vendor_id)
    return storefront_url(store, "product", slug=product.slug) if store else ""


class ProductPagesMixin:
    """Add the pages to the admin of products."""

    admin_site: admin.AdminSite
    opts: Any

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs with those of the pages."""
        duplicate = self.admin_site.admin_view(require_POST(self.duplicate_view))
        preview = self.admin_site.admin_view(require_safe(self.preview_view))
        own = [
            path("<path:object_id>/duplicate/", duplicate, name="vendors_product_duplicate"),
            path("<path:object_id>/preview/", preview, name="vendors_product_preview"),
        ]
        return [*own, *super().get_urls()]  # type: ignore[misc]  # of the admin it is mixed into

    def duplicate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Make a copy, and lead to it."""
        product = self._product(request, object_id)
        if product is None:
            return HttpResponseRedirect(reverse("admin:vendors_product_changelist"))
        try:
            copy = products.duplicate(product)
        except products.ProductError as error:
            messages.error(request, f"Not copied. {error}")
            return HttpResponseRedirect(reverse("admin:vendors_product_change", args=[product.pk]))
        self.log_addition(request, copy, f"Copied from {product}.")  # type: ignore[attr-defined]  # of the admin
        messages.success(request, f"This is a copy of {product}: a draft without stock. Give it a name of its own.")
        return HttpResponseRedirect(reverse("admin:vendors_product_change", args=[copy.pk]))

    def preview_view(self, request: Any, object_id: str) -> HttpResponse:
        """Show a product as its shop would show it, whatever its status and the shop's."""
        product = self._product(request, object_id)
        if product is None:
            return HttpResponseRedirect(reverse("admin:vendors_product_changelist"))
        vendor = Vendor.objects.select_related("marketplace", "storefront__domain").get(pk=product.vendor_id)
        request.storefront = store = cache_storefront(vendor, registry.current())
        shown = Product.objects.select_related("category__parent").get(pk=product.pk)
        context = product_context(request, store, with_pictures([shown])[0], timezone.now())
        return render(request, "vendors/product.html", {**context, "preview": shown})

    def _product(self, request: HttpRequest, object_id: str) -> Product | None:
        """Return a product of the user's; None, with a message, where there is none. Raise PermissionDenied."""
        product: Product | None = self.get_object(request, unquote(object_id))  # type: ignore[attr-defined]  # of the admin
        if not self.has_change_permission(request, product):  # type: ignore[attr-defined]  # as above
            raise PermissionDenied
        if product is None:
            messages.warning(request, "There is no such product among yours. Perhaps it was deleted.")
        return product

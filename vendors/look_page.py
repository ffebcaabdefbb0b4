"""The preview of a store's look in the admin, of what is typed and not saved yet."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from sessions_farm.communities.registry import registry
from vendors.models import Vendor
from vendors.storefronts import DEFAULT_FRONTS, CachedStorefront, cache_storefront
from vendors.stylesheets import is_colour, look_url
from vendors.vendor_forms import COLOURS
from vendors.vendor_page import VendorPageMixin

TEMPLATE = "admin/vendors/vendor/preview.html"
WORDS = ("name", "tagline", "town")


class LookPageMixin(VendorPageMixin):
    """Add the page to the admin of vendors; it needs the permission to change the vendor."""

    def get_urls(self) -> list[URLPattern]:
        """Add the address of the page."""
        view = self.admin_site.admin_view(require_POST(self.preview_view))
        own = path("<path:object_id>/preview/", view, name="vendors_vendor_preview")
        return [own, *super().get_urls()]  # type: ignore[misc]  # of the admin it is mixed into

    def preview_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the store's head and some of its goods as the posted form would have them; save nothing."""
        vendor = self.vendor_or_404(request, object_id)
        look = typed_look(vendor, request.POST)
        goods = vendor.products.order_by("name")[:3]
        context = {"preview": look, "look": look_url(look.accent, look.paper, look.ink), "goods": goods}
        return TemplateResponse(request, TEMPLATE, context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the form with the stylesheet of its colours."""
        vendor = self.get_object(request, object_id)  # type: ignore[attr-defined]  # of the admin
        look = {"look": look_url(vendor.accent, vendor.paper, vendor.ink)} if vendor else {}
        context = (extra_context or {}) | look
        page: HttpResponse = super().change_view(request, object_id, form_url, context)  # type: ignore[misc]  # as above
        return page


def typed_look(vendor: Vendor, data: Any) -> CachedStorefront:
    """Return the store of a vendor with the typed words and look; what cannot be read is as it was."""
    saved = cache_storefront(vendor, registry.current())
    typed: dict[str, Any] = {name: data[name] for name in WORDS if data.get(name)}
    typed |= {name: data[name] for name in COLOURS if is_colour(data.get(name, ""))}
    if data.get("typeface") in Vendor.Typeface:
        typed["typeface"] = data["typeface"]
    front = data.get("front", "")
    typeface = Vendor.Typeface(typed.get("typeface", saved.typeface))
    typed["front"] = front if front in Vendor.Front else DEFAULT_FRONTS[typeface]
    return dataclasses.replace(saved, **typed)

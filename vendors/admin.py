"""Vendors, their people and their catalogue in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import Min, QuerySet, Sum
from django.http import HttpRequest

from vendors.forms import PictureForm
from vendors.models import (
    Category,
    Marketplace,
    Membership,
    Product,
    ProductImage,
    Stock,
    Storefront,
    Variant,
    Vendor,
)
from vendors.money import Money
from vendors.scoped_admin import VendorScopedAdmin, VendorScopedInline

CATALOGUE = frozenset({Membership.Role.OWNER, Membership.Role.CATALOGUE})


class VariantInline(VendorScopedInline):
    model = Variant
    vendor_roles = CATALOGUE
    fields = ["name", "sku", "price", "sale_price", "sale_from", "sale_until", "position"]


class ImageInline(VendorScopedInline):
    model = ProductImage
    form = PictureForm
    vendor_roles = CATALOGUE
    fields = ["file", "alt", "position"]


@admin.register(Product)
class ProductAdmin(VendorScopedAdmin):
    vendor_roles = CATALOGUE
    list_display = ["name", "vendor", "category", "status", "from_price", "on_hand"]
    list_filter = ["status", "category", "vendor"]
    list_select_related = ["vendor__marketplace", "category"]
    search_fields = ["name", "variants__sku"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [VariantInline, ImageInline]
    fields = ["vendor", "name", "slug", "category", "status", "summary", "description"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        figures: dict[str, Any] = {"from_price": Min("variants__price"), "on_hand": Sum("variants__stock__on_hand")}
        rows: QuerySet[Any] = super().get_queryset(request).annotate(**figures)
        return rows

    @admin.display(description="from", ordering="from_price")
    def from_price(self, product: Any) -> str:
        if product.from_price is None:
            return "no variant"
        return str(Money(product.from_price, product.vendor.marketplace.currency))

    @admin.display(description="on hand", ordering="on_hand")
    def on_hand(self, product: Any) -> int:
        return product.on_hand or 0


@admin.register(Stock)
class StockAdmin(VendorScopedAdmin):
    vendor_roles = CATALOGUE
    vendor_path = "variant__product__vendor"
    list_display = ["variant", "on_hand", "low_below"]
    list_editable = ["on_hand", "low_below"]
    list_select_related = ["variant__product"]
    search_fields = ["variant__product__name", "variant__sku"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["variant"] if obj else []


@admin.register(Vendor)
class VendorAdmin(VendorScopedAdmin):
    vendor_path = ""
    list_display = ["name", "town", "status"]
    search_fields = ["name"]
    fieldsets = [
        (None, {"fields": ["marketplace", "name", "slug", "status", "tagline", "town", "support_email"]}),
        ("Words", {"fields": ["about", "delivery_text", "returns_text", "support_text"]}),
        ("Look", {"fields": ["typeface", "accent", "paper", "ink"]}),
        ("Delivery", {"fields": ["delivery_charge", "express_charge", "free_delivery_from"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What the mall decides is the mall's to change."""
        return [] if request.user.is_superuser else ["marketplace", "slug", "status"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)


@admin.register(Membership)
class MembershipAdmin(VendorScopedAdmin):
    """Who works for a vendor; the mall invites people, for a list to choose from would name other vendors' staff."""

    list_display = ["user", "vendor", "role"]
    list_filter = ["role", "vendor"]
    list_select_related = ["user", "vendor"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [] if request.user.is_superuser else ["user", "vendor"]


@admin.register(Storefront)
class StorefrontAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    list_display = ["vendor", "domain", "label"]


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    list_display = ["name", "parent", "position"]
    search_fields = ["name"]


admin.site.register(Marketplace)

"""Admin pages for vendors and the catalogue."""

from typing import Any

from django.contrib import admin
from django.db.models import Min, QuerySet, Sum
from django.http import HttpRequest
from django.utils import timezone

from sessions_farm.communities.admin.explanations import state_text
from vendors.deletion_admin import WithdrawnNotDeletedAdmin
from vendors.forms import ProductImageForm, VariantFormSet
from vendors.models import (
    Category,
    Marketplace,
    Product,
    ProductImage,
    Stock,
    StockMovement,
    Storefront,
    Variant,
    Vendor,
    VendorDomain,
)
from vendors.money import Money
from vendors.scoped_admin import CATALOGUE_ROLES, VendorScopedInline
from vendors.stock_admin import StockAdmin, StockMovementAdmin
from vendors.vendor_admin import VendorAdmin


class VariantInline(VendorScopedInline):
    """Edit the variants below their product."""

    model = Variant
    vendor_roles = CATALOGUE_ROLES
    formset = VariantFormSet
    fields = ["name", "sku", "price", "sale_price", "sale_from", "sale_until", "position", "withdrawn"]


class ImageInline(VendorScopedInline):
    """Edit the pictures below their product."""

    model = ProductImage
    form = ProductImageForm
    vendor_roles = CATALOGUE_ROLES
    fields = ["file", "alt", "position"]


@admin.register(Product)
class ProductAdmin(WithdrawnNotDeletedAdmin):
    """Edit a vendor's products."""

    stock_lookup = "variant__product"
    vendor_roles = CATALOGUE_ROLES
    list_display = ["name", "vendor", "category", "status", "from_price", "on_hand"]
    list_filter = ["status", "category", "vendor"]
    list_select_related = ["vendor__marketplace", "category"]
    search_fields = ["name", "variants__sku"]
    prepopulated_fields = {"slug": ["name"]}
    inlines = [VariantInline, ImageInline]
    fields = ["vendor", "name", "slug", "category", "status", "summary", "description"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Annotate each product with its lowest price and its stock."""
        figures: dict[str, Any] = {"from_price": Min("variants__price"), "on_hand": Sum("variants__stock__on_hand")}
        rows: QuerySet[Any] = super().get_queryset(request).annotate(**figures)
        return rows

    @admin.display(description="from", ordering="from_price")
    def from_price(self, product: Any) -> str:
        """Format the lowest price of a product's variants."""
        if product.from_price is None:
            return "no variant"
        return str(Money(product.from_price, product.vendor.marketplace.currency))

    @admin.display(description="on hand", ordering="on_hand")
    def on_hand(self, product: Any) -> int:
        """Return the pieces on hand over all variants."""
        return product.on_hand or 0


@admin.register(Storefront)
class StorefrontAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    list_display = ["vendor", "domain", "label"]
    list_select_related = ["vendor", "domain"]
    autocomplete_fields = ["vendor", "domain"]


@admin.register(VendorDomain)
class VendorDomainAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Show the mall's staff which vendor has which domain, and let them give one."""

    list_display = ["domain", "state", "vendor"]
    list_select_related = ["domain__community", "domain__canonical", "vendor"]
    search_fields = ["domain__host", "vendor__name"]
    autocomplete_fields = ["vendor", "domain"]

    @admin.display(description="State", ordering="domain__status")
    def state(self, row: VendorDomain) -> str:
        """Return the state of the domain in words."""
        return state_text(row.domain, timezone.now())


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    list_display = ["name", "parent", "position"]
    search_fields = ["name"]


admin.site.register(Marketplace)
admin.site.register(Vendor, VendorAdmin)
admin.site.register(Stock, StockAdmin)
admin.site.register(StockMovement, StockMovementAdmin)

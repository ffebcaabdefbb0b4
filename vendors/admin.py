"""Admin pages of vendors, their places and the mall's departments; registers those of goods and stock."""

from django.contrib import admin
from django.utils import timezone

from sessions_farm.communities.admin.explanations import state_text
from vendors.models import (
    Category,
    DeliveryZone,
    Marketplace,
    Product,
    Review,
    Stock,
    StockMovement,
    Storefront,
    Synonym,
    Variant,
    Vendor,
    VendorDomain,
)
from vendors.product_admin import ProductAdmin
from vendors.review_admin import ReviewAdmin
from vendors.stock_admin import StockAdmin, StockMovementAdmin
from vendors.variant_admin import VariantAdmin
from vendors.vendor_admin import VendorAdmin
from vendors.zone_admin import DeliveryZoneAdmin


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
    """Edit the departments of each marketplace, for the mall's staff."""

    list_display = ["name", "parent", "marketplace", "position"]
    list_filter = ["marketplace"]
    list_select_related = ["parent", "marketplace__community"]
    search_fields = ["name"]


@admin.register(Synonym)
class SynonymAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Edit the words that shoppers use for one thing, for the mall's staff."""

    list_display = ["words", "marketplace"]
    list_filter = ["marketplace"]
    list_select_related = ["marketplace__community"]
    search_fields = ["words"]


admin.site.register(Marketplace)
admin.site.register(Vendor, VendorAdmin)
admin.site.register(DeliveryZone, DeliveryZoneAdmin)
admin.site.register(Product, ProductAdmin)
admin.site.register(Variant, VariantAdmin)
admin.site.register(Review, ReviewAdmin)
admin.site.register(Stock, StockAdmin)
admin.site.register(StockMovement, StockMovementAdmin)

"""Admin pages of variants: a list over all products or of one, from which prices and stock are changed at once."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from vendors.bulk_actions import BulkActionsMixin
from vendors.bulk_page import BulkPageMixin
from vendors.goods_search import GoodsSearchMixin
from vendors.models import Product, Variant
from vendors.money_fields import ChosenCurrencyMixin
from vendors.products import offer_fault
from vendors.scoped_admin import CATALOGUE_ROLES, VendorScopedAdmin
from vendors.skus import sku_fault


class VariantForm(ChosenCurrencyMixin, forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Edit one variant: its SKU is the shop's only one, and a published product keeps one on sale."""

    also_seen = ("option_values",)
    currency_from = "product"

    class Meta:
        model = Variant
        fields = ["product", "name", "sku", "price", "sale_price", "sale_from", "sale_until", "position", "withdrawn"]

    def clean(self) -> dict[str, Any]:
        """Refuse a taken SKU, and to withdraw the last variant of a published product."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        product = self.instance.product if self.instance.product_id else data.get("product")
        if product is None:
            return data
        own = [self.instance.pk or 0]
        if "sku" in data and (fault := sku_fault(product.vendor_id, [data["sku"]], besides=own)):
            self.add_error("sku", fault)
        is_moved = self.instance.pk and "withdrawn" in self.changed_data
        if is_moved and (fault := offer_fault(self.instance, withdrawn=data["withdrawn"])):
            self.add_error("withdrawn", fault)
        return data


class VariantAdmin(GoodsSearchMixin, BulkPageMixin, BulkActionsMixin, VendorScopedAdmin):
    """List and edit variants; they are withdrawn, and only deleted with or on their product's page."""

    vendor_roles = CATALOGUE_ROLES
    vendor_path = "product__vendor"
    form = VariantForm
    list_display = ["title", "sku", "price_money", "sale", "on_hand", "state"]
    list_filter = ["withdrawn", ("sale_price", admin.EmptyFieldListFilter)]
    list_select_related = ["product__vendor__marketplace", "stock"]
    search_fields = ["sku"]
    product_path = "product"
    sku_path = "sku"
    ordering = ["product__name", "product_id", "position", "pk"]
    autocomplete_fields = ["product"]
    actions = ["change_selected"]
    fieldsets = [
        (None, {"fields": ["product", "name", "sku"]}),
        ("Price", {"fields": ["price", "sale_price", "sale_from", "sale_until"]}),
        ("In the shop", {"fields": ["position", "withdrawn"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Keep a variant with its product, and the name that its option values make."""
        named_by_values = ["name"] if obj is not None and obj.option_values else []
        return ["product", *named_by_values] if obj is not None else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Name the product of which the list is, with the ways to its pages."""
        text = request.GET.get("product", "")
        number = text if text.isascii() and text.isdecimal() and len(text) < 19 else 0
        product = self.choosable_rows(Product, request).filter(pk=number).first() if number else None
        title = f"Variants of {product}" if product else "Variants"
        return super().changelist_view(request, {"title": title, "product": product, **(extra_context or {})})

    @admin.display(description="variant", ordering="product__name")
    def title(self, variant: Variant) -> str:
        """Return the names of product and variant."""
        return str(variant)

    @admin.display(description="sale", ordering="sale_price")
    def sale(self, variant: Any) -> str:
        """Return the sale price, with its time if that is not now."""
        if variant.sale_price is None:
            return ""
        now = timezone.now()
        when = "" if variant.is_on_sale(now) else " (not now)"
        return f"{variant.sale_price_money}{when}"

    @admin.display(description="in the shop", ordering="withdrawn")
    def state(self, variant: Variant) -> str:
        """Return whether the variant is on sale, in words."""
        return "withdrawn" if variant.withdrawn else "on sale"

    @admin.display(description="on hand", ordering="stock__on_hand")
    def on_hand(self, variant: Variant) -> int:
        """Return the pieces on hand."""
        return variant.stock.on_hand

"""Admin pages of orders, read-only, for the mall's staff; those of consignments are the packing desk."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from cart.orders.desk_admin import ConsignmentAdmin
from cart.orders.models import Consignment, Order, Payment
from vendors.read_only_admin import ReadOnlyAdminMixin

__all__ = ["ConsignmentAdmin", "OrderAdmin"]


class ConsignmentInline(ReadOnlyAdminMixin, admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    """Show the consignments of an order."""

    model = Consignment
    fields = ("number", "vendor", "state", "goods_total", "delivery_charge", "tracking_number")
    readonly_fields = fields
    extra = 0


class PaymentInline(ReadOnlyAdminMixin, admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    """Show the payments of an order."""

    model = Payment
    fields = (
        "gateway", "reference", "state", "amount", "refund_total", "currency", "declined_cards", "created_at",
        "settled_at",
    )  # fmt: skip
    readonly_fields = fields
    extra = 0


@admin.register(Order)
class OrderAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Show orders."""

    list_display = ["number", "state", "name", "email", "total_money", "created_at", "placed_at"]
    list_filter = ["state", "standing", "created_at"]
    search_fields = ["number", "email", "name"]
    view_on_site = False
    date_hierarchy = "created_at"
    inlines = [ConsignmentInline, PaymentInline]

    @admin.display(description="total", ordering="total")
    def total_money(self, order: Any) -> str:
        """Format the total."""
        return str(order.total_money)

"""Admin pages of orders, read-only, for the mall's staff; those of consignments are the packing desk."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from cart.orders import queues
from cart.orders.desk_admin import ConsignmentAdmin
from cart.orders.models import Consignment, Order, Payment
from vendors.bulk_actions import BulkActionsMixin
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
class OrderAdmin(ReadOnlyAdminMixin, BulkActionsMixin):
    """Show orders."""

    list_display = ["number", "state", "name", "email", "total_money", "created_at", "placed_at"]
    list_filter = ["state", "standing", "created_at"]
    search_fields = ["number"]  # shows the box; ``queues.search_orders`` looks
    search_help_text = "The beginning of a number or a mail address; or the buyer’s name."
    view_on_site = False
    inlines = [ConsignmentInline, PaymentInline]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by the columns that have an index for it."""
        return (queues.search_orders(queryset, search_term) if search_term.strip() else queryset), False

    @admin.display(description="total", ordering="total")
    def total_money(self, order: Any) -> str:
        """Format the total."""
        return str(order.total_money)

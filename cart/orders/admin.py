"""Orders for the mall's staff, to read; consignments for the vendors' staff, to pack and send."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from cart.orders import services
from cart.orders.forms import ConsignmentForm
from cart.orders.models import Consignment, Order, OrderLine, Payment
from vendors.models import Membership
from vendors.money import Money
from vendors.read_only_admin import ReadOnlyAdminMixin
from vendors.scoped_admin import VendorScopedAdmin, VendorScopedInline

PACKERS = frozenset({Membership.Role.OWNER, Membership.Role.ORDERS})


class LineInline(ReadOnlyAdminMixin, VendorScopedInline):
    model = OrderLine
    vendor_roles = PACKERS
    fields = ("sku", "name", "quantity", "unit_price")
    readonly_fields = fields


@admin.register(Consignment)
class ConsignmentAdmin(VendorScopedAdmin):
    """The queue of a vendor's packing table. A draft that nobody paid is none of the vendor's business."""

    vendor_roles = PACKERS
    form = ConsignmentForm
    list_display = ["number", "vendor", "state", "placed_at", "delivery_method", "total", "tracking_number"]
    list_filter = ["state", "delivery_method", "vendor"]
    list_select_related = ["vendor", "order"]
    search_fields = ["number", "tracking_number", "order__name"]
    ordering = ["-order__placed_at", "-pk"]
    inlines = [LineInline]
    actions = ["mark_packed", "mark_sent"]
    readonly_fields = ["number", "vendor", "placed_at", "delivery_method", "goes_to", "total", "sent_at"]
    fields = [*readonly_fields, "carrier", "tracking_number", "move", "seen"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.filter(order__placed_at__isnull=False)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="ordered", ordering="order__placed_at")
    def placed_at(self, consignment: Any) -> Any:
        return consignment.order.placed_at

    @admin.display(description="worth")
    def total(self, consignment: Any) -> str:
        return str(Money(consignment.total, consignment.order.currency))

    @admin.display(description="goes to")
    def goes_to(self, consignment: Any) -> SafeString:
        order = consignment.order
        place = f"{order.town}, {order.postcode}" if order.postcode else order.town
        lines = [order.name, order.line1, order.line2, place, order.country.name]
        return format_html_join("", "{}<br>", ((line,) for line in lines if line))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's signature
        super().save_model(request, obj, form, change)
        if move := form.cleaned_data.get("move"):
            services.move_consignment(consignment_id=obj.pk, to=Consignment.State(move), now=timezone.now())

    @admin.action(description="Mark as packed", permissions=["change"])
    def mark_packed(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        self._move_all(request, rows, Consignment.State.PACKED)

    @admin.action(description="Mark as sent", permissions=["change"])
    def mark_sent(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        self._move_all(request, rows, Consignment.State.SENT)

    def _move_all(self, request: HttpRequest, rows: QuerySet[Any], to: Consignment.State) -> None:
        """Move each row that may go there; name each that may not, and leave it as it is."""
        done, now = 0, timezone.now()
        for consignment in rows.order_by("pk"):
            try:
                services.move_consignment(consignment_id=consignment.pk, to=to, now=now)
                done += 1
            except services.Stale as refusal:
                messages.error(request, f"{consignment.number} was left as it is. {refusal}")
        if done:
            messages.success(request, f"{done} consignment{'' if done == 1 else 's'} now {to.label}.")


class ConsignmentInline(ReadOnlyAdminMixin, admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    model = Consignment
    fields = ("number", "vendor", "state", "goods_total", "delivery_charge", "tracking_number")
    readonly_fields = fields
    extra = 0


class PaymentInline(ReadOnlyAdminMixin, admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    model = Payment
    fields = ("gateway", "reference", "state", "amount", "currency", "created_at", "settled_at")
    readonly_fields = fields
    extra = 0


@admin.register(Order)
class OrderAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    list_display = ["number", "state", "name", "email", "total_money", "created_at", "placed_at"]
    list_filter = ["state", "created_at"]
    search_fields = ["number", "email", "name"]
    view_on_site = False
    date_hierarchy = "created_at"
    inlines = [ConsignmentInline, PaymentInline]

    @admin.display(description="total", ordering="total")
    def total_money(self, order: Any) -> str:
        return str(order.total_money)

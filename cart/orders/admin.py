"""Admin pages: orders, read-only, for the mall's staff; consignments for the vendors' staff to pack and send."""

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
from vendors.money import Money
from vendors.read_only_admin import ReadOnlyAdminMixin
from vendors.scoped_admin import ORDER_ROLES, VendorScopedAdmin, VendorScopedInline


class OrderLineInline(ReadOnlyAdminMixin, VendorScopedInline):
    """Show the lines below their consignment."""

    model = OrderLine
    vendor_roles = ORDER_ROLES
    fields = ("sku", "name", "quantity", "cancelled", "returned", "unit_price")
    readonly_fields = fields


class LateFilter(admin.SimpleListFilter):
    """Select the overdue consignments."""

    title = "late"
    parameter_name = "late"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the one choice."""
        return [("yes", "not sent in time")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Select by the choice."""
        return queryset.late(timezone.now()) if self.value() == "yes" else queryset  # type: ignore[attr-defined]  # ours


@admin.register(Consignment)
class ConsignmentAdmin(VendorScopedAdmin):
    """List a vendor's consignments to pack; unpaid drafts are hidden."""

    vendor_roles = ORDER_ROLES
    form = ConsignmentForm
    list_display = ["number", "vendor", "state", "placed_at", "delivery_method", "total", "tracking_number"]
    list_filter = ["state", LateFilter, "delivery_method", "vendor"]
    list_select_related = ["vendor", "order"]
    search_fields = ["number", "tracking_number", "order__name"]
    ordering = ["-order__placed_at", "-pk"]
    inlines = [OrderLineInline]
    actions = ["mark_packed", "mark_sent"]
    readonly_fields = ["number", "vendor", "placed_at", "delivery_method", "goes_to", "total", "sent_at"]
    fields = [*readonly_fields, "carrier", "tracking_number", "new_state"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Select the consignments of placed orders."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.filter(order__placed_at__isnull=False)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deny: checkouts create consignments."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deny: consignments are kept with their order."""
        return False

    @admin.display(description="ordered", ordering="order__placed_at")
    def placed_at(self, consignment: Any) -> Any:
        """Return the time of the order."""
        return consignment.order.placed_at

    @admin.display(description="worth")
    def total(self, consignment: Any) -> str:
        """Format the total of goods and delivery."""
        return str(Money(consignment.total, consignment.order.currency))

    @admin.display(description="goes to")
    def goes_to(self, consignment: Any) -> SafeString:
        """Format the postal address."""
        order = consignment.order
        place = f"{order.town}, {order.postcode}" if order.postcode else order.town
        lines = [order.name, order.line1, order.line2, place, order.country.name]
        return format_html_join("", "{}<br>", ((line,) for line in lines if line))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's signature
        """Save, then make the chosen state transition."""
        super().save_model(request, obj, form, change)
        if new_state := form.cleaned_data.get("new_state"):
            services.transition_consignment(consignment_id=obj.pk, to=Consignment.State(new_state), now=timezone.now())

    @admin.action(description="Mark as packed", permissions=["change"])
    def mark_packed(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        """Mark the selected consignments as packed."""
        self._transition_all(request, rows, Consignment.State.PACKED)

    @admin.action(description="Mark as sent", permissions=["change"])
    def mark_sent(self, request: HttpRequest, rows: QuerySet[Any]) -> None:
        """Mark the selected consignments as sent."""
        self._transition_all(request, rows, Consignment.State.SENT)

    def _transition_all(self, request: HttpRequest, rows: QuerySet[Any], to: Consignment.State) -> None:
        """Make the transition for each allowed row; report each row left as it was."""
        done, now = 0, timezone.now()
        for consignment in rows.order_by("pk"):
            try:
                services.transition_consignment(consignment_id=consignment.pk, to=to, now=now)
                done += 1
            except services.StaleConsignmentError as error:
                messages.error(request, f"{consignment.number} was left as it is. {error}")
        if done:
            messages.success(request, f"{done} consignment{'' if done == 1 else 's'} now {to.label}.")


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

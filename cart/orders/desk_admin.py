"""The packing desk: the admin pages of consignments, for the vendors' people who pack and send."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from cart.orders import packing, queues
from cart.orders.bulk import PackConsignments, PrintSlips, SendConsignments, TakeBackConsignments
from cart.orders.exports import OrdersExportForm, OrdersExportKind
from cart.orders.forms import ConsignmentForm, steps
from cart.orders.models import Consignment, OrderLine
from cart.orders.packing import StaleConsignmentError
from cart.orders.queues import ALL, FIRST, QUEUES
from cart.orders.slip_pages import SlipPagesMixin
from cart.orders.slips import postal_lines
from cart.orders.tracking_page import TrackingPageMixin
from vendors.bulk_actions import BulkActionsMixin, bulk
from vendors.money import Money
from vendors.read_only_admin import ReadOnlyAdminMixin
from vendors.scoped_admin import ORDER_ROLES, VendorScopedAdmin, VendorScopedInline
from vendors.sheets.page import SheetPagesMixin
from vendors.times import as_written, days_as_written

State = Consignment.State
PAGE_PARAMETERS = {"p", "o", "all", "e"}


class OrderLineInline(ReadOnlyAdminMixin, VendorScopedInline):
    """Show the lines below their consignment."""

    model = OrderLine
    vendor_roles = ORDER_ROLES
    fields = ("sku", "name", "quantity", "cancelled", "returned", "price")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Select the lines with their order, for its currency."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.select_related("consignment__order")

    @admin.display(description="price each")
    def price(self, line: OrderLine) -> str:
        """Format the price of a piece."""
        return str(Money(line.unit_price, line.consignment.order.currency))


class QueueFilter(admin.SimpleListFilter):
    """Choose a queue; a search and other filters look through all of them."""

    title = "queue"
    parameter_name = "queue"
    template = "admin/orders/consignment/queues.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        self.is_plain = not set(request.GET) - PAGE_PARAMETERS
        super().__init__(request, params, model, model_admin)
        self.rows = model_admin.get_queryset(request)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the queues."""
        return [(name, queue.label) for name, queue in QUEUES.items()]

    def value(self) -> str:
        """Return the name of the chosen queue."""
        chosen = super().value() or (FIRST if self.is_plain else ALL)
        return chosen if chosen in QUEUES else ALL

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Select the rows of the queue."""
        return queryset.filter(QUEUES[self.value()].condition(timezone.now()))

    def choices(self, changelist: Any) -> Any:
        """Return the links, each with its count."""
        counts = queues.counts(self.rows, timezone.now())
        for name, label in self.lookup_choices:
            yield {
                "selected": self.value() == name,
                "query_string": changelist.get_query_string({self.parameter_name: name}, ["p"]),
                "display": label,
                "count": counts.get(name, ""),
            }


@admin.register(Consignment)
class ConsignmentAdmin(BulkActionsMixin, SlipPagesMixin, TrackingPageMixin, SheetPagesMixin, VendorScopedAdmin):
    """List a vendor's consignments by queue, the most urgent first; unpaid drafts are hidden."""

    vendor_roles = ORDER_ROLES
    sheet_names = ("orders",)
    export_kind = OrdersExportKind
    export_form = OrdersExportForm
    seen_fields = ("state",)
    form = ConsignmentForm
    list_display = ["number", "vendor", "buyer", "ordered", "leaves", "state", "total", "tracking_number"]
    list_filter = [QueueFilter, "vendor"]
    list_select_related = ["vendor", "order"]
    search_fields = ["number"]  # shows the box; ``queues.search`` looks
    search_help_text = "The beginning of a number, a tracking number, a mail address or a SKU; or the buyer’s name."
    inlines = [OrderLineInline]
    actions = [bulk(PrintSlips), bulk(PackConsignments), bulk(SendConsignments), bulk(TakeBackConsignments)]
    fieldsets = [
        (
            "Parcel",
            {"fields": ["vendor", ("now_it_is", "ordered"), ("leaves", "arrives"), ("delivery_method", "total")]},
        ),
        ("Buyer", {"fields": [("goes_to", "contact")]}),
        ("Sending", {"fields": [("carrier", "tracking_number")]}),
        ("For the shop’s people", {"fields": ["note"]}),
    ]
    readonly_fields = [
        "vendor", "now_it_is", "ordered", "leaves", "arrives", "delivery_method", "total", "goes_to", "contact",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Select the consignments of placed orders."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.filter(placed_at__isnull=False)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Return the order of the queue that the address names."""
        plain = FIRST if not set(request.GET) - PAGE_PARAMETERS else ALL
        return QUEUES.get(request.GET.get("queue", plain), QUEUES[ALL]).ordering

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by the columns that have an index for it."""
        return (queues.search(queryset, search_term) if search_term.strip() else queryset), False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deny: checkouts create consignments."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Deny: consignments are kept with their order."""
        return False

    @admin.display(description="ordered", ordering="placed_at")
    def ordered(self, consignment: Any) -> str:
        """Return the time of the order."""
        return as_written(consignment.placed_at)

    @admin.display(description="to leave on", ordering="send_by")
    def leaves(self, consignment: Any) -> str:
        """Return the day on which it was promised to leave, and whether that has passed."""
        day = consignment.sending_day
        is_late = consignment.state in queues.WAITING and day and consignment.send_by <= timezone.now()
        return f"{days_as_written(day, day)}{', late' if is_late else ''}"

    @admin.display(description="to arrive", empty_value="–")
    def arrives(self, consignment: Any) -> str:
        """Return the days on which it was promised to arrive."""
        return str(consignment.promised)

    @admin.display(description="buyer")
    def buyer(self, consignment: Any) -> str:
        """Return the buyer's name."""
        return str(consignment.order.name)

    @admin.display(description="worth")
    def total(self, consignment: Any) -> str:
        """Format the total of goods and delivery."""
        return str(Money(consignment.total, consignment.order.currency))

    @admin.display(description="goes to")
    def goes_to(self, consignment: Any) -> SafeString:
        """Format the postal address."""
        return format_html_join("", "{}<br>", ((line,) for line in postal_lines(consignment)))

    @admin.display(description="contact")
    def contact(self, consignment: Any) -> SafeString:
        """Format the buyer's mail address and, if there is one, phone, as links."""
        order = consignment.order
        mail = format_html('<a href="mailto:{0}?subject={1}">{0}</a>', order.email, f"Parcel {consignment.number}")
        return format_html('{}<br><a href="tel:{}">{}</a>', mail, order.phone, order.phone) if order.phone else mail

    @admin.display(description="now it is")
    def now_it_is(self, consignment: Any) -> SafeString:
        """Say in words where the consignment is, since when, and until when its last step can be undone."""
        words = [f"{consignment.get_state_display().capitalize()}."]
        if consignment.printed_at:
            words.append(f"Slip printed {as_written(consignment.printed_at)}.")
        if consignment.packed_at:
            words.append(f"Packed {as_written(consignment.packed_at)}.")
        if consignment.sent_at:
            words.append(f"Sent {as_written(consignment.sent_at)}.")
        if consignment.state == State.SENT:
            until, blocked = packing.undo_until(consignment), packing.blocked_reasons(
                [consignment], State.PACKED, timezone.now()
            )  # fmt: skip
            words += blocked.values() or [
                f"The buyer gets a letter at {as_written(until)}; it can be undone until then."
            ]
        return format_html_join("", "{}<br>", ((word,) for word in words))

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show a consignment with the buttons of what comes next; say why where another was faster."""
        found = self.get_object(request, unquote(object_id)) if object_id else None
        context = {**(extra_context or {}), "steps": steps(found) if found else []}
        try:
            return super().changeform_view(request, object_id, form_url, context)
        except StaleConsignmentError as error:
            messages.error(request, f"Nothing was changed. {error}")
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's signature
        """Save, then make the chosen state transition."""
        super().save_model(request, obj, form, change)
        if new_state := form.cleaned_data.get("new_state"):
            packing.transition_consignment(consignment_id=obj.pk, to=State(new_state), now=timezone.now())

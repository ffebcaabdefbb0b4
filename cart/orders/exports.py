"""The spreadsheet of orders: one row a line of a vendor's own consignments, with the buyer's address; export only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from cart.orders.models import OrderLine
from vendors.jobs.models import Job
from vendors.models import Vendor
from vendors.scoped_admin import ORDER_ROLES
from vendors.sheets.cells import local, major
from vendors.sheets.kinds import ExportKind
from vendors.sheets.page import ExportForm
from vendors.sheets.sheet import Column, Sheet
from vendors.sheets.writing import Value

HEADINGS = (
    "Consignment", "Ordered", "State", "Buyer", "E-mail", "Phone", "Address", "Address, second line", "Postcode",
    "Town", "Country", "SKU", "Goods", "Quantity", "Cancelled", "Returned", "Price", "Line total", "Delivery",
    "Consignment total", "Currency", "Carrier", "Tracking number", "Sent",
)  # fmt: skip


class OrdersSheet(Sheet):
    """List the lines of consignments."""

    name = "orders"
    title = "Orders"
    can_import = False
    columns = tuple(Column(heading.lower(), heading, "") for heading in HEADINGS)

    def rows(self, vendor: Vendor) -> Iterator[Sequence[Value]]:
        """Yield a row for each line of the vendor's consignments."""
        return map(_cells_of, lines_of(vendor).iterator(2000))


class OrdersExportForm(ExportForm):
    """Choose the days, too."""

    since = forms.DateField(
        label="Ordered from",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Empty: from the first.",
    )
    until = forms.DateField(
        label="Ordered until",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="With that day. Empty: to the latest.",
    )

    def clean(self) -> dict[str, Any]:
        """Refuse days that end before they begin."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if data.get("since") and data.get("until") and data["since"] > data["until"]:
            self.add_error("until", "This day is before the first.")
        return data


class OrdersExportKind(ExportKind):
    """Export the lines of the consignments that were ordered on some days."""

    name = "orders_export"
    roles = ORDER_ROLES
    permission = "orders.view_consignment"

    def rows(self, job: Job, vendor: Vendor) -> Iterator[Sequence[Value]]:
        """Yield a row for each line of the days."""
        lines, since, until = lines_of(vendor), job.arguments.get("since"), job.arguments.get("until")
        if since:
            lines = lines.filter(consignment__placed_at__gte=_edge(since, time.min))
        if until:
            lines = lines.filter(consignment__placed_at__lte=_edge(until, time.max))
        return map(_cells_of, lines.iterator(2000))


def lines_of(vendor: Vendor) -> QuerySet[OrderLine]:
    """Return the lines of a vendor's consignments of placed orders, the oldest first."""
    own = OrderLine.objects.filter(consignment__vendor=vendor, consignment__placed_at__isnull=False)
    return own.select_related("consignment__order").order_by("consignment__placed_at", "consignment", "pk")


def _edge(day: str, at: time) -> datetime:
    """Return the first or last moment of a day in the mall's zone."""
    return timezone.make_aware(datetime.combine(date.fromisoformat(day), at))


def _cells_of(line: OrderLine) -> list[Value]:
    consignment, order = line.consignment, line.consignment.order
    amounts = (line.unit_price, line.total, consignment.delivery_charge, consignment.total)
    price, total, delivery, whole = (major(amount, order.currency) for amount in amounts)
    return [
        consignment.number,
        local(consignment.placed_at),
        str(consignment.get_state_display()),
        *(order.name, order.email, order.phone),
        *(order.line1, order.line2, order.postcode, order.town, str(order.country)),
        *(line.sku, line.name, line.quantity, line.cancelled, line.returned, price, total),
        *(delivery, whole, order.currency),
        *(consignment.carrier, consignment.tracking_number, local(consignment.sent_at)),
    ]

"""The page in the admin on which parcels are scanned or typed with their tracking numbers, or pasted as a list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from cart.orders import packing, tracking
from cart.orders.bulk import SendTracked
from cart.orders.models import Consignment
from cart.orders.packing import Delivery
from cart.orders.tracking import LONGEST, MOST_ROWS, TrackedRow
from vendors.bulk_actions import start_jobs

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    Admin = ModelAdmin[Any]
else:
    Admin = object

TEMPLATE = "admin/orders/consignment/tracking.html"
SALT = "cart.orders.tracking_page"
ADDRESS = "admin:orders_consignment_tracking"
PLAIN = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}


class ScanForm(forms.Form):
    """Take a parcel's number, then its tracking number; a scanner presses Enter after each."""

    number = forms.CharField(label="Number of the parcel", max_length=24, widget=forms.TextInput(PLAIN))
    tracking_number = forms.CharField(
        label="Tracking number", max_length=LONGEST, required=False, widget=forms.TextInput(PLAIN)
    )
    carrier = forms.CharField(label="Carrier", max_length=LONGEST, required=False)


class ListForm(forms.Form):
    """Take a pasted list."""

    rows = forms.CharField(
        label="Rows",
        max_length=2_000_000,
        widget=forms.Textarea({"rows": 8, "spellcheck": "false"}),
        help_text="Each row: number;tracking number;carrier. The carrier may be left out.",
    )


class TrackingPageMixin(Admin):
    """Add the page to the admin of consignments."""

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs with that of the page."""
        return [
            path("tracking/", self.admin_site.admin_view(self.tracking_view), name=ADDRESS.partition(":")[2]),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list, which leads to the page where the user may change consignments."""
        can_send = self.has_change_permission(request)
        return super().changelist_view(request, {"can_send": can_send, **(extra_context or {})})

    def tracking_view(self, request: HttpRequest) -> HttpResponse:
        """Show the page; a POST sends a scanned parcel, shows a pasted list, or applies one."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return self._page(request, scan=ScanForm(initial={"carrier": request.GET.get("carrier", "")}))
        match request.POST.get("button"):
            case "preview":
                return self._preview(request)
            case "apply":
                return self._apply(request)
        return self._scan(request)

    def _scan(self, request: HttpRequest) -> HttpResponse:
        form = ScanForm(request.POST)
        if not form.is_valid():
            return self._page(request, scan=form)
        data = form.cleaned_data
        consignment = self._find(request, [data["number"]]).get(data["number"].upper())
        if problem := tracking.refusal(consignment, data["number"]):
            form.add_error("number", problem)
            return self._page(request, scan=form)
        return self._send_scanned(request, form, consignment) if consignment else self._page(request, scan=form)

    def _send_scanned(self, request: HttpRequest, form: ScanForm, consignment: Consignment) -> HttpResponse:
        data = form.cleaned_data
        if not data["tracking_number"]:
            prefetch_related_objects([consignment], "order", "lines")
            return self._page(request, scan=form, consignment=consignment)
        refused = packing.move_consignments(
            seen={consignment.pk: consignment.state},
            to=Consignment.State.SENT,
            now=timezone.now(),
            deliveries={consignment.pk: Delivery(data["carrier"], data["tracking_number"])},
        )
        if refused:
            form.add_error("number", refused[consignment.pk])
            return self._page(request, scan=form)
        messages.success(request, f"{consignment.number} is sent as {data['tracking_number']}.")
        return HttpResponseRedirect(f"{reverse(ADDRESS)}?{urlencode({'carrier': data['carrier']})}")

    def _preview(self, request: HttpRequest) -> HttpResponse:
        form = ListForm(request.POST)
        if not form.is_valid():
            return self._page(request, rows_form=form)
        rows = tracking.read_rows(form.cleaned_data["rows"])
        if not 0 < len(rows) <= MOST_ROWS:
            form.add_error("rows", f"The list has {len(rows):,} rows; 1 to {MOST_ROWS:,} can be read at once.")
            return self._page(request, rows_form=form)
        checked = tracking.check_rows(rows, self._find(request, [row.number for row in rows]))
        good = [row for row in checked if not row.problem]
        return self._page(
            request,
            rows_form=form,
            checked=sorted(checked, key=lambda row: not row.problem),
            good=len(good),
            token=signing.dumps([_as_seen(row) for row in good], salt=self._token_salt(request), compress=True),
        )

    def _apply(self, request: HttpRequest) -> HttpResponse:
        try:
            rows = signing.loads(request.POST.get("token", ""), salt=self._token_salt(request))
        except signing.BadSignature:
            messages.error(request, "Nothing was changed, for the page does not say what it showed. Paste it again.")
            return HttpResponseRedirect(reverse(ADDRESS))
        return start_jobs(request, SendTracked, ((row[0], row[1:]) for row in rows), self.opts)

    def _token_salt(self, request: HttpRequest) -> str:
        return f"{SALT} {request.user.pk}"

    def _find(self, request: HttpRequest, numbers: list[str]) -> dict[str, Consignment]:
        """Return the consignments of the user's vendors by number."""
        mine = self.get_queryset(request).filter(number__in={number.upper() for number in numbers})
        return {row.number: row for row in mine}

    def _page(self, request: HttpRequest, **context: Any) -> HttpResponse:
        every = {
            **self.admin_site.each_context(request),
            "title": "Send with tracking numbers",
            "opts": self.opts,
            "scan": ScanForm(),
            "rows_form": ListForm(),
            **context,
        }
        return TemplateResponse(request, TEMPLATE, every)


def _as_seen(row: TrackedRow) -> list[Any]:
    consignment: Any = row.consignment
    return [consignment.vendor_id, consignment.pk, consignment.state, row.tracking_number, row.carrier]

"""Admin pages for stock: people enter movements and counts, and read the ledger."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from vendors import ledger
from vendors.bulk_actions import BulkActionsMixin
from vendors.forms import StockEntryForm, StockEntryFormSet
from vendors.goods_search import GoodsSearchMixin
from vendors.models import Stock, StockMovement
from vendors.read_only_admin import ReadOnlyAdminMixin
from vendors.scoped_admin import CATALOGUE_ROLES, VendorScopedAdmin
from vendors.sheets.page import SheetPagesMixin

LATEST = 20


class LowFilter(admin.SimpleListFilter):
    """Select the variants of which fewer pieces are there than their threshold."""

    title = "runs low"
    parameter_name = "low"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the one choice."""
        return [("yes", "below its threshold")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Select by the choice."""
        return queryset.filter(on_hand__lt=F("low_below")) if self.value() == "yes" else queryset


class StockAdmin(GoodsSearchMixin, SheetPagesMixin, BulkActionsMixin, VendorScopedAdmin):
    """Enter movements and counts of a vendor's variants; every variant has its row from the start, for good."""

    vendor_roles = CATALOGUE_ROLES
    vendor_path = "variant__product__vendor"
    sheet_names = ("stock",)
    form = StockEntryForm
    list_display = ["variant", "seen", "kind", "pieces", "why", "low_below"]
    list_editable = ["low_below"]
    list_filter = [LowFilter]
    list_select_related = ["variant__product"]
    ordering = ["variant__product__name", "variant__product_id", "variant__position", "pk"]
    search_fields = ["variant__sku"]
    product_path = "variant__product"
    sku_path = "variant__sku"
    fields = ["variant", "seen", "kind", "pieces", "why", "low_below", "latest_movements"]
    readonly_fields = ["variant", "latest_movements"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        return StockEntryForm

    def get_changelist_formset(self, request: HttpRequest, **kwargs: Any) -> Any:
        """Check the entries of the list together."""
        return super().get_changelist_formset(request, formset=StockEntryFormSet, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Save the entries that can be; show the refused ones again, as typed, each with what changed."""
        if request.method == "POST" and "_save" in request.POST and not self._leave_out_gone(request):
            return HttpResponseRedirect(request.get_full_path())
        with transaction.atomic():
            response = super().changelist_view(request, extra_context)
            changelist = (getattr(response, "context_data", None) or {}).get("cl")
            formset: Any = getattr(changelist, "formset", None)
            if formset is not None and formset.is_bound:
                self._save_accepted(request, formset)
        return response

    def _leave_out_gone(self, request: HttpRequest) -> bool:
        """Take rows that are gone out of the posted list, and say so; return False where none is left."""
        keys = posted_keys(request.POST)
        readable = [key for key in keys if is_number(key, digits=18)]
        there = {str(pk) for pk in self.get_queryset(request).filter(pk__in=readable).values_list("pk", flat=True)}
        kept = [place for place, key in enumerate(keys) if key in there]
        if len(kept) < len(keys) or not kept:
            messages.error(request, "A row of the list is no longer there, and nothing of it was saved.")
        if kept:
            request.POST = renumbered(request.POST, kept)  # type: ignore[assignment]  # a QueryDict, as it was
        return bool(kept)

    def _save_accepted(self, request: HttpRequest, formset: Any) -> None:
        for position, form in enumerate(formset.forms):
            if form.errors or not form.has_changed() or not form.instance.pk:
                continue
            self.save_model(request, form.instance, form, change=True)
            self.log_change(request, form.instance, self.construct_change_message(request, form, []))
            fresh = self.get_queryset(request).get(pk=form.instance.pk)
            formset.forms[position] = formset.form(instance=fresh, prefix=form.prefix, auto_id=formset.auto_id)
            formset.add_fields(formset.forms[position], position)
            self.message_user(request, f"{fresh.variant}: saved, {fresh.on_hand} on hand.")

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's signature
        """Write the movement and the threshold as typed, and nothing else of the row."""
        self.reject_foreign_vendor(request, obj)
        entry = form.entry(form.cleaned_data)
        if entry is not None:
            ledger.enter(entry, user=request.user, now=timezone.now())
        if "low_below" in form.changed_data:
            obj.save(update_fields=["low_below"])

    @admin.display(description="on hand", ordering="on_hand")
    def seen(self, row: Stock) -> int:
        """Return the pieces on hand; where the list is edited, the form's field of this name stands here."""
        return row.on_hand

    @admin.display(description="enter a")
    def kind(self, row: Stock) -> str:
        """Leave the column to the form."""
        return ""

    @admin.display(description="pieces")
    def pieces(self, row: Stock) -> str:
        """Leave the column to the form."""
        return ""

    @admin.display(description="why")
    def why(self, row: Stock) -> str:
        """Leave the column to the form."""
        return ""

    @admin.display(description="latest movements")
    def latest_movements(self, row: Stock) -> str:
        """Return a table of the latest movements, and a link to all."""
        movements = row.movements.select_related("user")[:LATEST]
        lines = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            ((timezone.localtime(each.at).strftime("%Y-%m-%d %H:%M"), each.get_kind_display(), f"{each.quantity:+d}",
              each.why, each.user or "the shop") for each in movements),
        )  # fmt: skip
        everything = reverse("admin:vendors_stockmovement_changelist", query={"stock": row.pk})
        return format_html(
            "<table><thead><tr><th>When</th><th>Kind</th><th>Pieces</th><th>Why</th><th>By</th></tr></thead>"
            '<tbody>{}</tbody></table><p><a href="{}">All movements</a></p>',
            lines,
            everything,
        )


def is_number(text: str, *, digits: int) -> bool:
    """Return whether a text is a whole number of so many digits at most."""
    return text.isascii() and text.isdecimal() and len(text) <= digits


def posted_keys(posted: QueryDict) -> list[str]:
    """Return the key of each form of a posted formset, as typed; none where it does not say how many it has."""
    total = posted.get("form-TOTAL_FORMS", "")
    number = int(total) if is_number(total, digits=3) else 0
    return [posted.get(f"form-{place}-variant", "") for place in range(number)]


def renumbered(posted: QueryDict, kept: list[int]) -> QueryDict:
    """Return a posted formset with the kept forms alone."""
    places = {str(old): new for new, old in enumerate(kept)}
    data = QueryDict(mutable=True)
    for name, values in posted.lists():
        prefix, _, rest = name.removeprefix("form-").partition("-")
        if not (name.startswith("form-") and prefix.isdecimal()):
            data.setlist(name, values)
        elif prefix in places:
            data.setlist(f"form-{places[prefix]}-{rest}", values)
    data["form-TOTAL_FORMS"] = data["form-INITIAL_FORMS"] = str(len(kept))
    return data


class StockMovementAdmin(GoodsSearchMixin, ReadOnlyAdminMixin, BulkActionsMixin, VendorScopedAdmin):
    """Show movements; one is never changed, another corrects it."""

    vendor_roles = CATALOGUE_ROLES
    vendor_path = "stock__variant__product__vendor"
    list_display = ["at", "variant", "kind", "quantity", "why", "by", "reference"]
    list_filter = ["kind", "at"]
    list_select_related = ["stock__variant__product", "user"]
    most_listed = 1_000  # of the latest: a ledger grows for ever, and is searched by variant, order or day
    search_fields = ["reference"]
    product_path = "stock__variant__product"
    sku_path = "stock__variant__sku"
    reference_path = "reference"
    fields = ["variant", "kind", "quantity", "why", "by", "at", "reference"]
    readonly_fields = ["variant", "by"]

    @admin.display(description="variant")
    def variant(self, movement: StockMovement) -> str:
        """Return the name of the variant."""
        return str(movement.stock.variant)

    @admin.display(description="by")
    def by(self, movement: StockMovement) -> str:
        """Return the person who moved the pieces, or the shop."""
        return str(movement.user or "the shop")

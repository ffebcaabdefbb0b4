"""The page in the admin on which prices, sales and stock of the selected variants are changed at once."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from vendors import bulk_edit, ledger
from vendors.amounts import AmountError, parse_amount
from vendors.bulk_edit import Adjustment, Amount, Change, Sale, StockEntry
from vendors.models import Variant
from vendors.money import Money

if TYPE_CHECKING:
    from vendors.models.catalogue import VariantQuerySet

TEMPLATE = "admin/vendors/variant/bulk.html"
LEAVE = ("", "leave as it is")
END_SALE = "end"
NUMBER = {"inputmode": "decimal", "autocomplete": "off", "size": 9}
OFFERS = {"": None, "withdraw": True, "offer": False}


def adjustment(way: str, text: str, currency: str) -> Amount:
    """Return the adjustment of a price as typed. Raise ValidationError."""
    chosen = Adjustment(way)
    if not text:
        raise ValidationError("Type by how much.")
    if not chosen.is_percent:
        try:
            return Amount(chosen, parse_amount(text, currency))
        except AmountError as error:
            raise ValidationError(str(error)) from error
    try:
        percent = Decimal(text.replace(",", "."))
    except InvalidOperation:
        percent = Decimal("NaN")
    if not (percent.is_finite() and 0 < percent <= 1000):
        raise ValidationError("Type a percentage as 12.5 or 12,5, up to 1000.")
    return Amount(chosen, percent)


class BulkForm(forms.Form):
    """Take one change for all selected variants, and the values that the page showed."""

    selection = forms.CharField(widget=forms.HiddenInput)
    price_way = forms.ChoiceField(label="Price", required=False, choices=[LEAVE, *Adjustment.choices])
    price_by = forms.CharField(
        label="Amount or percentage", required=False, max_length=20, widget=forms.TextInput(NUMBER)
    )
    sale_way = forms.ChoiceField(
        label="Sale price",
        required=False,
        choices=[
            LEAVE,
            ("set", "set to"),
            ("lower-percent", "below the price by %"),
            ("lower-amount", "below the price by the amount"),
            (END_SALE, "end the sale"),
        ],
    )
    sale_by = forms.CharField(
        label="Amount or percentage", required=False, max_length=20, widget=forms.TextInput(NUMBER)
    )
    sale_from = forms.SplitDateTimeField(label="On sale from", required=False, widget=AdminSplitDateTime)
    sale_until = forms.SplitDateTimeField(label="On sale until", required=False, widget=AdminSplitDateTime)
    stock_kind = forms.ChoiceField(
        label="Stock",
        required=False,
        choices=[LEAVE, *((kind.value, kind.label) for kind in ledger.TYPED_KINDS)],
        help_text="A delivery of 5 adds five to each; a count of 5 says that each has five.",
    )
    stock_pieces = forms.IntegerField(label="Pieces of each", required=False, min_value=-1_000_000, max_value=1_000_000)
    stock_why = forms.CharField(label="Why", required=False, max_length=200)
    offer = forms.ChoiceField(
        label="In the shop",
        required=False,
        choices=[LEAVE, ("withdraw", "withdraw: no longer on sale"), ("offer", "put on sale again")],
    )

    seen: dict[int, list[Any]]
    change: Change

    def __init__(self, *args: Any, currency: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency

    def clean_selection(self) -> str:
        """Read the values that the page showed; the view has found its variants by it."""
        text: str = self.cleaned_data["selection"]
        self.seen = bulk_edit.read_seen(text)
        return text

    def clean(self) -> dict[str, Any]:
        """Make the change from the typed values; refuse none, and halves of one."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        change = Change(
            price=self._amount("price", data.get("price_way", "")),
            sale=self._sale(data),
            stock=self._stock(data),
            withdrawn=OFFERS[data.get("offer") or ""],
        )
        if change.is_nothing and not self.errors:
            raise ValidationError("Choose what to change: the price, the sale, the stock, or whether it is on sale.")
        self.change = change
        return data

    def _amount(self, name: str, way: str) -> Amount | None:
        text = self.cleaned_data.get(f"{name}_by", "")
        if not way:
            if text:
                self.add_error(f"{name}_way", "Say what to do with the amount.")
            return None
        try:
            return adjustment(way, text, self.currency)
        except ValidationError as error:
            self.add_error(f"{name}_by", error)
            return None

    def _sale(self, data: dict[str, Any]) -> Sale | None:
        way, begins, ends = data.get("sale_way"), data.get("sale_from"), data.get("sale_until")
        if way == END_SALE:
            return Sale()
        if begins and ends and begins >= ends:
            self.add_error("sale_until", "The sale ends before it begins.")
        if not way and (begins or ends):
            self.add_error("sale_way", "Say what the sale price is.")
        amount = self._amount("sale", way or "")
        return Sale(amount, begins, ends) if amount else None

    def _stock(self, data: dict[str, Any]) -> StockEntry | None:
        kind, pieces, why = (data.get(f"stock_{name}") for name in ("kind", "pieces", "why"))
        if pieces is None and not (kind or why):
            return None
        self._refuse_half_entry(kind, pieces, why)
        if not kind or pieces is None:
            return None
        return StockEntry(kind, pieces, why or ledger.Kind(kind).label.capitalize())

    def _refuse_half_entry(self, kind: str | None, pieces: int | None, why: str | None) -> None:
        if not kind:
            self.add_error("stock_kind", "Say what it is: a delivery, a correction or a count.")
        if pieces is None and "stock_pieces" not in self.errors:
            self.add_error("stock_pieces", "Say how many pieces.")
        if kind == ledger.Kind.CORRECTION and not why:
            self.add_error("stock_why", "Say why you correct the pieces.")

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Return the fields in the groups of the page."""
        names = {
            "Price": ["price_way", "price_by"],
            "Sale": ["sale_way", "sale_by", "sale_from", "sale_until"],
            "Stock": ["stock_kind", "stock_pieces", "stock_why"],
            "On sale": ["offer"],
        }
        return [(title, [self[name] for name in fields]) for title, fields in names.items()]


class BulkPageMixin:
    """Add the page, and the action that leads to it, to the admin of variants."""

    admin_site: admin.AdminSite
    opts: Any

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs with that of the page."""
        view = self.admin_site.admin_view(self.bulk_view)
        return [path("bulk/", view, name="vendors_variant_bulk"), *super().get_urls()]  # type: ignore[misc]  # of the admin

    @admin.action(description="Change price, sale or stock…", permissions=["change"])
    def change_selected(self, request: HttpRequest, rows: QuerySet[Variant]) -> HttpResponse | None:
        """Show the page for the selected variants."""
        variants = list(with_figures(rows)[: bulk_edit.MOST_VARIANTS + 1])
        if len(variants) > bulk_edit.MOST_VARIANTS:
            messages.error(request, f"Select {bulk_edit.MOST_VARIANTS} variants at most.")
            return None
        if len({variant.currency for variant in variants}) > 1:
            messages.error(request, "Select variants of one currency.")
            return None
        form = BulkForm(currency=variants[0].currency, initial={"selection": bulk_edit.seen_of(variants)})
        return self._bulk_page(request, form, variants)

    def bulk_view(self, request: HttpRequest) -> HttpResponse:
        """Show a change, or make it; refused rows stay on the page with the reason."""
        if not self.has_change_permission(request):  # type: ignore[attr-defined]  # of the admin
            raise PermissionDenied
        if request.method != "POST":
            messages.info(request, "Select variants, then choose what to do with them.")
            return HttpResponseRedirect(reverse("admin:vendors_variant_changelist"))
        mine: VariantQuerySet = self.get_queryset(request)  # type: ignore[attr-defined]  # as above
        variants = list(with_figures(mine.filter(pk__in=selected(request.POST.get("selection", "")))))
        if not variants:
            messages.error(request, "None of the selected variants is there. Select them again; nothing was changed.")
            return HttpResponseRedirect(reverse("admin:vendors_variant_changelist"))
        form = BulkForm(request.POST, currency=variants[0].currency)
        if not form.is_valid() or request.POST.get("button") != "save":
            return self._bulk_page(request, form, variants)
        outcome = bulk_edit.change_variants(
            Variant.objects.filter(pk__in=[each.pk for each in variants]),
            form.seen,
            form.change,
            user=request.user,  # type: ignore[arg-type]  # signed in
            now=timezone.now(),
        )
        self._report(request, outcome)
        if not outcome.refused:
            return HttpResponseRedirect(back_to(variants))
        left = list(with_figures(mine.filter(pk__in=[each.pk for each, _ in outcome.refused if each])))
        again = request.POST.copy()
        again["selection"] = bulk_edit.seen_of(left)
        return self._bulk_page(request, BulkForm(again, currency=form.currency), left, outcome)

    def _report(self, request: HttpRequest, outcome: bulk_edit.Outcome) -> None:
        if number := len(outcome.changed):
            messages.success(request, f"{number} variant{'' if number == 1 else 's'} changed.")
        for product in {variant.product for variant in outcome.changed}:
            names = ", ".join(variant.name or variant.sku for variant in outcome.changed if variant.product == product)
            self.log_change(request, product, f"Changed price, sale or stock of: {names}"[:1000])  # type: ignore[attr-defined]

    def _bulk_page(
        self,
        request: HttpRequest,
        form: BulkForm,
        variants: Sequence[Variant],
        outcome: bulk_edit.Outcome | None = None,
    ) -> HttpResponse:
        is_preview = form.is_bound and form.is_valid() and outcome is None
        change = form.change if is_preview else None
        refused = outcome or bulk_edit.Outcome()
        number = len(variants)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Change {number} variant{'' if number == 1 else 's'}",
            "opts": self.opts,
            "form": form,
            "media": form.media,
            "rows": [row_of(variant, change, refused.fault_of(variant)) for variant in variants],
            "gone": refused.gone,
            "is_preview": is_preview,
            "back": back_to(variants),
        }
        return TemplateResponse(request, TEMPLATE, context)


def selected(text: str) -> list[int]:
    """Return the selected variants of a posted page; none where its text is not ours."""
    try:
        return list(bulk_edit.read_seen(text))
    except signing.BadSignature:
        return []


def with_figures(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Fetch the variants with all values that the page shows."""
    return rows.select_related("stock", "product__vendor__marketplace").order_by("product__name", "position", "pk")


def back_to(variants: Sequence[Variant]) -> str:
    """Return the address of the list from which the variants are: their product's, if they have one product."""
    products = {variant.product_id for variant in variants}
    return reverse("admin:vendors_variant_changelist", query={"product": products.pop()} if len(products) == 1 else {})


def row_of(variant: Variant, change: Change | None, fault: str) -> dict[str, Any]:
    """Return a variant as the page shows it, with its values after a change."""
    new = change.values_for(variant) if change else {}
    fault = fault or (bulk_edit.fault_of(variant, new) if change else "")
    after = {
        name: Money(new[name], variant.currency) if new[name] is not None else "none"
        for name in ("price", "sale_price")
        if name in new and not fault
    }
    return {"variant": variant, "fault": fault, **{f"new_{name}": value for name, value in after.items()}}

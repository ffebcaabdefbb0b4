"""Forms with which people enter stock."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html

from vendors import ledger
from vendors.models import Stock

MOST_PIECES = 1_000_000  # of one movement


class SeenInput(forms.HiddenInput):
    """Show the pieces on hand, and carry their version: always of the row as the page shows it now."""

    is_hidden = False
    row: Stock

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        """Return the pieces and the hidden input."""
        return format_html("{}{}", self.row.on_hand, super().render(name, self.row.version, attrs, renderer))


class SeenField(forms.IntegerField):
    """Take the version that a person saw, which is no change by itself."""

    widget = SeenInput

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class StockEntryForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Write a movement or a count of a variant, against the pieces that were seen."""

    compares_by_itself = True  # with the row's version: the admin site guards all other forms by their values
    seen = SeenField(label="On hand", min_value=0, max_value=2**31 - 1)
    kind = forms.ChoiceField(
        label="Enter a",
        required=False,
        choices=[("", "—"), *((kind.value, kind.label) for kind in ledger.TYPED_KINDS)],
        help_text="Delivery 5, correction -1, or the pieces that you counted.",
    )
    pieces = forms.IntegerField(
        required=False, min_value=-MOST_PIECES, max_value=MOST_PIECES, widget=forms.NumberInput(attrs={"size": 5})
    )
    why = forms.CharField(required=False, max_length=200, help_text="A correction needs a reason.")

    locked: Stock | None = None

    class Meta:
        model = Stock
        fields = ["low_below"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen"].widget.row = self.instance
        if "low_below" in self.fields:
            self.fields["low_below"].show_hidden_initial = True  # it was seen, too
        is_row = self.prefix and self.instance.pk
        for field in self.fields.values() if is_row else ():  # a row of the list has no labels
            field.widget.attrs.setdefault("aria-label", f"{field.label or 'Pieces'}: {self.instance.variant}")

    def clean(self) -> dict[str, Any]:
        """Lock the row, and refuse an entry that cannot be, or made against pieces that others moved since."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.has_changed() or "seen" not in data or not self.instance.pk:
            return data
        row = self.locked or ledger.lock_for_entries([self.instance.pk])[self.instance.pk]
        self.fields["seen"].widget.row = row
        entry = self.entry(data)
        try:
            ledger.refuse_stale(row, data["seen"])
            self._refuse_stale_threshold(row)
            if entry is not None:
                ledger.difference(row, entry)
        except ledger.LedgerError as error:
            raise ValidationError(str(error), code="refused") from error
        return data

    def entry(self, data: dict[str, Any]) -> ledger.Entry | None:
        """Return the movement that was typed, None where there is none; add an error to a half of one."""
        kind, pieces, why = data.get("kind", ""), data.get("pieces"), data.get("why", "")
        if not kind and pieces is None and not why:
            return None
        self._refuse_half(kind, pieces, why)
        if self.errors or pieces is None:
            return None
        return ledger.Entry(self.instance.pk, kind, pieces, why or ledger.Kind(kind).label.capitalize(), data["seen"])

    def _refuse_half(self, kind: str, pieces: int | None, why: str) -> None:
        if not kind:
            self.add_error("kind", "Say what it is: a delivery, a correction or a count.")
        if pieces is None:
            self.add_error("pieces", "Say how many pieces.")
        if kind == ledger.Kind.CORRECTION and not why:
            self.add_error("why", "Say why you correct the pieces.")

    def _refuse_stale_threshold(self, row: Stock) -> None:
        if "low_below" in self.changed_data:
            field = self["low_below"]
            shown = field.field.to_python(self.data.get(field.html_initial_name))
            if shown not in {None, row.low_below}:
                raise ledger.StaleStockError(
                    f"Not saved, for “low below” was {shown} when you looked and is {row.low_below} now. "
                    "Look again, then save."
                )


class StockEntryFormSet(forms.BaseModelFormSet):  # type: ignore[type-arg]  # not subscriptable at run time
    """Check the entries of a list of stock against rows that are locked in one order, the checkout's."""

    def full_clean(self) -> None:
        """Lock the rows with an entry, then check each form."""
        if self.is_bound:
            changed: list[Any] = [form for form in self.forms if form.has_changed() and form.instance.pk]
            rows = ledger.lock_for_entries([form.instance.pk for form in changed])
            for form in changed:
                form.locked = rows.get(form.instance.pk)
        super().full_clean()

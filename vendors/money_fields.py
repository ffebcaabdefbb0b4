"""The form field for money: a person types 12.50 or 12,50, the form's data has minor units."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html

from vendors.amounts import AmountError, format_amount, parse_amount


class MoneyInput(forms.TextInput):
    """Show an amount in its currency's main unit, beside the currency."""

    currency = ""

    class Media:
        css = {"all": ("vendors/goods.css",)}

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"inputmode": "decimal", "autocomplete": "off", "size": 9} | (attrs or {}))

    def format_value(self, value: Any) -> str | None:
        """Return minor units as a decimal number, and a text as it was typed."""
        if isinstance(value, int):
            return format_amount(value, self.currency) if self.currency else ("" if value else "0")
        return None if value is None else str(value)

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> Any:
        """Return the input and the currency."""
        return format_html(
            '<span class="money">{} <span class="money__currency">{}</span></span>',
            super().render(name, value, attrs, renderer),
            self.currency,
        )


class ChosenCurrencyMixin(forms.BaseModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Take the currency of the row that is chosen in the form itself; ``currency_from`` names the field."""

    currency_from = ""

    @property
    def currency(self) -> str:
        """Return the currency of the choice, or of the form's row where it leaves none; '' while nothing is chosen."""
        name = self.currency_from
        field: Any = self.fields.get(name)
        if field is None:
            return str(self.instance.currency)
        raw = self.data.get(self.add_prefix(name)) if self.is_bound else self.get_initial_for_field(field, name)
        try:
            chosen = field.to_python(raw)
        except ValidationError:
            chosen = None
        return chosen.currency if chosen else ""


class MoneyField(forms.Field):
    """Take an amount of money in minor units of the currency of its form, or of the form's row.

    A form without a row, or with a new one, says ``currency``; where it is empty nobody has chosen a shop yet.
    """

    widget = MoneyInput
    currency = ""

    def get_bound_field(self, form: Any, field_name: str) -> forms.BoundField:
        """Take the currency of the form. Django asks for this before it renders, cleans or compares."""
        self.currency = form.currency if hasattr(form, "currency") else form.instance.currency
        self.widget.currency = self.currency
        return super().get_bound_field(form, field_name)

    def to_python(self, value: Any) -> int | None:
        """Return minor units; None for an empty text. Raise ValidationError in words."""
        text = str(value).strip() if value is not None else ""
        if not text:
            return None
        if not self.currency:
            raise ValidationError("Its currency is not known yet: choose the shop first.", code="no_currency")
        try:
            return parse_amount(text, self.currency)
        except AmountError as error:
            raise ValidationError(str(error), code="no_amount") from error

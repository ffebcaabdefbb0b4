"""The forms with which staff cancel, take back and refund goods."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django import forms

from cart.orders.models import OrderLine
from vendors.money_fields import MoneyField


class AfterSaleForm(forms.Form):
    """Take the pieces by line, an amount, a reason, and the key of this very page: a second press changes nothing."""

    key = forms.CharField(max_length=32, widget=forms.HiddenInput)
    why = forms.CharField(
        label="Why", max_length=150, help_text="The shopper reads it.", error_messages={"required": "Say why."}
    )
    amount = MoneyField(label="Amount", required=False)

    def __init__(self, *args: Any, lines: Iterable[OrderLine], currency: str, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"key": uuid.uuid4().hex})
        super().__init__(*args, **kwargs)
        self.lines = list(lines)
        self.currency = currency
        for line in self.lines:
            self.fields[f"pieces-{line.pk}"] = forms.IntegerField(
                label=f"Pieces of {line.name}", min_value=0, max_value=line.kept, required=False
            )

    def rows(self) -> list[tuple[OrderLine, forms.BoundField]]:
        """Return each line with its field."""
        return [(line, self[f"pieces-{line.pk}"]) for line in self.lines]

    @property
    def pieces(self) -> dict[int, int]:
        """Return the entered pieces by line."""
        entered = {line.pk: self.cleaned_data.get(f"pieces-{line.pk}") or 0 for line in self.lines}
        return {pk: number for pk, number in entered.items() if number}

    @property
    def minor_amount(self) -> int:
        """Return the entered amount in minor units."""
        return self.cleaned_data.get("amount") or 0


class AnswerForm(forms.Form):
    """Take the answer to a return."""

    answer = forms.CharField(
        label="Answer",
        max_length=200,
        required=False,
        help_text="The shopper reads it: where to send the goods, or why not.",
        widget=forms.TextInput(attrs={"size": 80}),
    )

"""The forms with which shoppers and staff cancel, send back and refund goods, ask a shop, and change an address."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from cart.aftersale import asking, contact
from cart.checkout.forms import ContactForm
from cart.orders.models import Order, OrderLine
from vendors.money_fields import MoneyField


class PiecesForm(forms.Form):
    """Take the pieces by line, and the key of this very page: a second press changes nothing."""

    key = forms.CharField(max_length=32, widget=forms.HiddenInput)

    def __init__(self, *args: Any, lines: Iterable[OrderLine], **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"key": uuid.uuid4().hex})
        super().__init__(*args, **kwargs)
        self.lines = list(lines)
        for line in self.lines:
            self.fields[f"pieces-{line.pk}"] = forms.IntegerField(
                label=gettext("Pieces of %(line)s") % {"line": line.name},
                min_value=0,
                max_value=line.kept,
                required=False,
            )

    def rows(self) -> list[tuple[OrderLine, forms.BoundField]]:
        """Return each line with its field."""
        return [(line, self[f"pieces-{line.pk}"]) for line in self.lines]

    @property
    def pieces(self) -> dict[int, int]:
        """Return the entered pieces by line."""
        entered = {line.pk: self.cleaned_data.get(f"pieces-{line.pk}") or 0 for line in self.lines}
        return {pk: number for pk, number in entered.items() if number}


class AfterSaleForm(PiecesForm):
    """Take the pieces, an amount and a reason of staff."""

    why = forms.CharField(
        label="Why", max_length=150, help_text="The shopper reads it.", error_messages={"required": "Say why."}
    )
    amount = MoneyField(label="Amount", required=False)

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency

    @property
    def minor_amount(self) -> int:
        """Return the entered amount in minor units."""
        return self.cleaned_data.get("amount") or 0


class ReturnForm(PiecesForm):
    """Take the pieces that a shopper wants to send back, and why."""

    why = forms.CharField(
        label=gettext_lazy("Why do they come back?"),
        max_length=200,
        help_text=gettext_lazy("The shop reads it."),
        error_messages={"required": gettext_lazy("Say why: the shop decides by it.")},
    )


class QuestionForm(forms.Form):
    """Take a shopper's question to a shop."""

    key = forms.CharField(max_length=32, widget=forms.HiddenInput)
    text = forms.CharField(
        label=gettext_lazy("Your question"),
        max_length=asking.LONGEST,
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={"required": gettext_lazy("Write what you want to know.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"key": uuid.uuid4().hex})
        super().__init__(*args, **kwargs)


class OrderContactForm(ContactForm):
    """Change the address and mail address of an order; its country stays, for which delivery was charged."""

    key = forms.CharField(max_length=32, widget=forms.HiddenInput)
    seen = forms.CharField(max_length=32, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, order: Order, is_postal: bool = True) -> None:
        shown = contact.contact_of(order)
        initial = {**shown, "country": order.country, "key": uuid.uuid4().hex, "seen": contact.fingerprint(order)}
        super().__init__(data, has_book=False, initial=initial)
        self.fields["country"].disabled = True
        self.fields["country"].help_text = gettext(
            "Delivery was charged for this country. For another one, order anew."
        )
        if not (is_postal if data is None else "line1" in data):  # what is typed is refused in words, never left out
            for name in ("country", *contact.POSTAL):
                self.fields.pop(name, None)

    @property
    def wanted(self) -> dict[str, str]:
        """Return the entered values of the fields that can change."""
        return {name: self.cleaned_data[name] for name in contact.FIELDS if name in self.cleaned_data}


class AnswerForm(forms.Form):
    """Take the answer to a return."""

    answer = forms.CharField(
        label="Answer",
        max_length=200,
        required=False,
        help_text="The shopper reads it: where to send the goods, or why not.",
        widget=forms.TextInput(attrs={"size": 80}),
    )


class ReviewForm(forms.Form):
    """Take a buyer's stars and words about the goods."""

    STARS = [
        ("5", gettext_lazy("5 stars: very good")),
        ("4", gettext_lazy("4 stars: good")),
        ("3", gettext_lazy("3 stars: as it should be")),
        ("2", gettext_lazy("2 stars: poor")),
        ("1", gettext_lazy("1 star: bad")),
    ]
    stars = forms.ChoiceField(
        label=gettext_lazy("Your stars"),
        choices=STARS,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose from one star to five.")},
    )
    text = forms.CharField(
        label=gettext_lazy("In your words"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_lazy("About the goods, not about persons. You may leave it empty."),
    )
    name = forms.CharField(
        label=gettext_lazy("The name shown with it"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("Everybody reads it. Leave it empty to be “A buyer”."),
    )

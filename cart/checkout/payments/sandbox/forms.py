"""The card form of the simulated payment company."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext, gettext_lazy

from cart.checkout.payments.sandbox.cards import CARDS, CardBehaviour, card_digits


class CardForm(forms.Form):
    """Validate a test card."""

    number = forms.CharField(
        label=gettext_lazy("Card number"),
        max_length=30,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "cc-number"}),
    )
    expiry = forms.RegexField(
        r"^\s*(0[1-9]|1[0-2])\s*/?\s*\d{2}\s*$",
        label=gettext_lazy("Expiry date"),
        help_text=gettext_lazy("Month and year, as 04/29"),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "cc-exp"}),
        error_messages={"invalid": gettext_lazy("Write the month and the year with two digits each, as 04/29.")},
    )
    code = forms.RegexField(
        r"^\s*\d{3,4}\s*$",
        label=gettext_lazy("Security code"),
        help_text=gettext_lazy("Three digits on the back of the card"),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "cc-csc"}),
        error_messages={"invalid": gettext_lazy("The security code has three or four digits.")},
    )

    def clean_number(self) -> str:
        """Reject a number that is not a test card's."""
        number = card_digits(self.cleaned_data["number"])
        if number not in CARDS:
            raise forms.ValidationError(
                gettext("No real card works here. Use one of the test cards listed on this page.")
            )
        return number

    @property
    def behaviour(self) -> CardBehaviour:
        """Return the behaviour of the entered card."""
        return CARDS[self.cleaned_data["number"]][0]

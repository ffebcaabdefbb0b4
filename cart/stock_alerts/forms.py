"""The form with which a shopper asks for a letter when goods are back."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy


class AlertForm(forms.Form):
    """Take the address that the letter goes to."""

    email = forms.EmailField(
        label=gettext_lazy("Your mail address"),
        max_length=254,
        help_text=gettext_lazy("For this one letter, and for nothing else."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "required": gettext_lazy("Type the address that the letter is to go to."),
            "invalid": gettext_lazy("This is no mail address. One looks like anna@example.org."),
        },
    )

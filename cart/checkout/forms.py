"""What the steps of the checkout may contain."""

from __future__ import annotations

from typing import Any

from django import forms
from django_countries.fields import CountryField

from cart.contents import Contents
from cart.orders.models import Address
from cart.pricing import Method


def _text(token: str, **attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"autocomplete": token, **attributes})


class ContactForm(forms.Form):
    """Who buys and where the goods go; seven fields, and a box for those who have an address book."""

    email = forms.EmailField(
        label="E-mail",
        max_length=254,
        help_text="For the confirmation and the link to your order.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={"required": "Enter your e-mail address.", "invalid": "Write it like name@example.org."},
    )
    name = forms.CharField(
        label="Full name",
        max_length=100,
        widget=_text("name"),
        error_messages={"required": "Enter the name for the parcel."},
    )
    line1 = forms.CharField(
        label="Address",
        max_length=120,
        widget=_text("address-line1"),
        error_messages={"required": "Enter the street and number, or the name of the house."},
    )
    line2 = forms.CharField(
        label="Flat, floor or area (optional)", max_length=120, required=False, widget=_text("address-line2")
    )
    town = forms.CharField(
        label="Town or city",
        max_length=80,
        widget=_text("address-level2"),
        error_messages={"required": "Enter the town or city."},
    )
    postcode = forms.CharField(
        label="Postcode (optional)",
        max_length=16,
        required=False,
        widget=_text("postal-code", autocapitalize="characters"),
    )
    country = CountryField(default="IE").formfield(
        label="Country", widget=forms.Select(attrs={"autocomplete": "country"}), initial="IE"
    )
    keep = forms.BooleanField(label="Keep this address in my address book", required=False)

    def __init__(self, *args: Any, has_book: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_book:
            del self.fields["keep"]

    @property
    def contact(self) -> dict[str, str]:
        return {name: str(value) for name, value in self.cleaned_data.items() if name != "keep"}


def contact_from(address: Address) -> dict[str, str]:
    """What the form shows for an entry of the address book."""
    return {
        "name": address.name,
        "line1": address.line1,
        "line2": address.line2,
        "town": address.town,
        "postcode": address.postcode,
        "country": address.country.code,
    }


class DeliveryForm(forms.Form):
    """One choice for each vendor in the cart."""

    def __init__(self, *args: Any, contents: Contents, chosen: dict[int, Method], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.groups = contents.groups
        for group in contents.groups:
            offered = [method for method in Method if group.tariff.offers(method)]
            self.fields[f"vendor-{group.vendor.pk}"] = forms.ChoiceField(
                label=f"Delivery by {group.vendor.name}",
                choices=[(method.value, method.value) for method in offered],
                initial=chosen[group.vendor.pk].value,
                error_messages={"required": f"Choose how {group.vendor.name} sends your goods."},
            )

    @property
    def methods(self) -> dict[int, str]:
        return {int(name.partition("-")[2]): value for name, value in self.cleaned_data.items()}


class PayForm(forms.Form):
    """What was reviewed, and the total that the button showed."""

    key = forms.CharField(min_length=64, max_length=64)
    agreed = forms.IntegerField(min_value=0)

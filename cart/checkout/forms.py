"""Forms of the checkout's steps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy
from django_countries.fields import CountryField

from cart.checkout.checkout_request import Agreement
from cart.checkout.payments.base import Gateway
from cart.country_select import CountrySelect
from cart.orders.models import Address
from cart.orders.postal import AddressFormMixin
from cart.summary import CartSummary
from vendors.delivery import DeliveryMethod


def _text(token: str, **attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"autocomplete": token, **attributes})


class ContactForm(AddressFormMixin, forms.Form):
    """Validate the buyer's e-mail and address; a signed-in buyer may save it in the address book."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        max_length=254,
        help_text=gettext_lazy("For the confirmation and the link to your order."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "required": gettext_lazy("Enter your e-mail address."),
            "invalid": gettext_lazy("Write it like name@example.org."),
        },
    )
    name = forms.CharField(
        label=gettext_lazy("Full name"),
        max_length=100,
        widget=_text("name"),
        error_messages={"required": gettext_lazy("Enter the name for the parcel.")},
    )
    line1 = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=120,
        widget=_text("address-line1"),
        error_messages={"required": gettext_lazy("Enter the street and number, or the name of the house.")},
    )
    line2 = forms.CharField(
        label=gettext_lazy("Flat, floor or area (optional)"),
        max_length=120,
        required=False,
        widget=_text("address-line2"),
    )
    town = forms.CharField(
        label=gettext_lazy("Town or city"),
        max_length=80,
        widget=_text("address-level2"),
        error_messages={"required": gettext_lazy("Enter the town or city.")},
    )
    postcode = forms.CharField(
        label=gettext_lazy("Postcode or ZIP code"),
        max_length=16,
        required=False,
        help_text=gettext_lazy("Where the country has them."),
        widget=_text("postal-code", autocapitalize="characters"),
    )
    country = CountryField().formfield(
        label=gettext_lazy("Country"),
        widget=CountrySelect(),
        error_messages={"required": gettext_lazy("Choose the country.")},
    )
    phone = forms.CharField(
        label=gettext_lazy("Phone (optional)"),
        max_length=30,
        required=False,
        help_text=gettext_lazy("For the courier, if the parcel cannot be handed over."),
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel", "inputmode": "tel"}),
    )
    keep = forms.BooleanField(label=gettext_lazy("Keep this address in my address book"), required=False)

    def __init__(self, *args: Any, has_book: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_book:
            del self.fields["keep"]

    @property
    def contact(self) -> dict[str, str]:
        """Return the entered contact data."""
        return {name: str(value) for name, value in self.cleaned_data.items() if name != "keep"}


def contact_from(address: Address) -> dict[str, str]:
    """Return the form's initial values for an address book entry."""
    return {
        "name": address.name,
        "line1": address.line1,
        "line2": address.line2,
        "town": address.town,
        "postcode": address.postcode,
        "country": address.country.code,
        "phone": address.phone,
    }


class DeliveryForm(forms.Form):
    """Validate a delivery method for each vendor in the cart."""

    def __init__(self, *args: Any, summary: CartSummary, chosen: dict[int, DeliveryMethod], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.groups = summary.groups
        for group in summary.groups:
            offered = [method for method in DeliveryMethod if group.tariff.offers(method)]
            self.fields[f"vendor-{group.vendor.pk}"] = forms.ChoiceField(
                label=gettext("Delivery by %(vendor)s") % {"vendor": group.vendor.name},
                choices=[(method.value, method.value) for method in offered],
                initial=chosen[group.vendor.pk].value,
                error_messages={
                    "required": gettext("Choose how %(vendor)s sends your goods.") % {"vendor": group.vendor.name}
                },
            )

    @property
    def methods(self) -> dict[int, str]:
        """Return the chosen delivery methods by vendor."""
        return {int(name.partition("-")[2]): value for name, value in self.cleaned_data.items()}


class PayForm(forms.Form):
    """Validate the posted key of the review, the amounts that it showed, and the chosen way to pay."""

    review_key = forms.CharField(min_length=64, max_length=64)
    agreed = forms.CharField(max_length=100_000)
    gateway = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, gateways: Iterable[Gateway], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [gateway.name for gateway in gateways]
        self.fields["gateway"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]  # a ChoiceField

    def clean_agreed(self) -> Agreement:
        """Read the agreement."""
        try:
            return Agreement.loads(self.cleaned_data["agreed"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

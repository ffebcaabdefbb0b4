"""Forms of the cart."""

from django import forms
from django.utils.http import url_has_allowed_host_and_scheme
from django_countries.fields import CountryField

from cart.lines import MAX_QUANTITY
from vendors.http import MallRequest


class AddForm(forms.Form):
    """Validate an addition from a product page."""

    variant = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    quantity = forms.IntegerField(min_value=1, max_value=MAX_QUANTITY, initial=1)


class ChangeForm(forms.Form):
    """Validate a new quantity for a line; the button "Remove" sends ``remove``."""

    variant = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    quantity = forms.IntegerField(min_value=0, max_value=MAX_QUANTITY, required=False)
    remove = forms.BooleanField(required=False)

    def clean(self) -> dict[str, object]:
        """Require a quantity unless the line is to be removed."""
        cleaned: dict[str, object] = super().clean() or {}
        if not cleaned.get("remove") and cleaned.get("quantity") is None and "quantity" not in self.errors:
            self.add_error("quantity", f"Say how many, from 0 to {MAX_QUANTITY}.")
        return cleaned

    @property
    def new_quantity(self) -> int:
        """Return the new quantity; 0 removes the line."""
        return 0 if self.cleaned_data["remove"] else self.cleaned_data["quantity"]


class DestinationForm(forms.Form):
    """Choose the country to which goods are to go."""

    country = CountryField().formfield(label="Deliver to", widget=forms.Select(attrs={"autocomplete": "country"}))


class RemoveVendorForm(forms.Form):
    """Validate the vendor whose goods are removed."""

    vendor = forms.IntegerField(min_value=1, max_value=2**63 - 1)


def next_path(request: MallRequest, default: str) -> str:
    """Return the form's ``next`` path if it stays on this host, else ``default``: no open redirect."""
    path = request.POST.get("next", "")
    if path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None):
        return path
    return default

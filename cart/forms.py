"""What a request about the cart may contain."""

from django import forms
from django.utils.http import url_has_allowed_host_and_scheme

from cart.services import MOST_OF_ONE
from vendors.http import MallRequest


class AddForm(forms.Form):
    """A product page's "add to cart"."""

    variant = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    quantity = forms.IntegerField(min_value=1, max_value=MOST_OF_ONE, initial=1)


class ChangeForm(forms.Form):
    """A line's quantity on the cart page; the button "Remove" sends ``remove``."""

    variant = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    quantity = forms.IntegerField(min_value=0, max_value=MOST_OF_ONE, required=False)
    remove = forms.BooleanField(required=False)

    def clean(self) -> dict[str, object]:
        cleaned: dict[str, object] = super().clean() or {}
        if not cleaned.get("remove") and cleaned.get("quantity") is None and "quantity" not in self.errors:
            self.add_error("quantity", f"Say how many, from 0 to {MOST_OF_ONE}.")
        return cleaned

    @property
    def wanted(self) -> int:
        return 0 if self.cleaned_data["remove"] else self.cleaned_data["quantity"]


def way_back(request: MallRequest, otherwise: str) -> str:
    """The ``next`` path of a form where it stays on this host, else another path."""
    path = request.POST.get("next", "")
    if path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None):
        return path
    return otherwise

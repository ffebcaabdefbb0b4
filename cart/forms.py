"""Forms of the cart."""

from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy
from django_countries.fields import CountryField

from cart.country_select import CountrySelect
from cart.lines import MAX_QUANTITY


class AddForm(forms.Form):
    """Validate an addition from a product page."""

    variant = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    quantity = forms.IntegerField(min_value=1, max_value=MAX_QUANTITY, initial=1)


class LineForm(forms.Form):
    """Validate the quantity of a line; 0 removes it."""

    variant = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    quantity = forms.IntegerField(min_value=0, max_value=MAX_QUANTITY)


class ChangeForm(forms.Form):
    """Validate the quantities of a cart's lines, all of which each button of the cart sends, so none is lost.

    ``remove`` is the variant whose line goes, ``save`` the one that is kept for later.
    """

    remove = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    save = forms.IntegerField(min_value=1, max_value=2**63 - 1, required=False)

    def clean(self) -> dict[str, object]:
        """Read the quantities by variant; a line that is removed needs none."""
        cleaned: dict[str, object] = super().clean() or {}
        data: Any = self.data  # a QueryDict
        sent = zip(data.getlist("variant"), data.getlist("quantity"), strict=False)
        quantities = {}
        for variant, quantity in sent:
            line = LineForm({"variant": variant, "quantity": quantity})
            if line.is_valid():
                quantities[line.cleaned_data["variant"]] = line.cleaned_data["quantity"]
            elif variant not in {str(cleaned.get("remove")), str(cleaned.get("save"))}:
                self.add_error(
                    None, gettext("Say how many, from 0 to %(max_quantity)s.") % {"max_quantity": MAX_QUANTITY}
                )
        if removed := cleaned.get("remove"):
            quantities[removed] = 0
        quantities.pop(cleaned.get("save"), None)
        return cleaned | {"quantities": quantities}


class SavedForm(forms.Form):
    """Validate what is done with goods that are saved for later."""

    variant = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    do = forms.ChoiceField(choices=[("save", "save"), ("buy", "buy"), ("forget", "forget")])


class DestinationForm(forms.Form):
    """Choose the country to which goods are to go."""

    country = CountryField().formfield(label=gettext_lazy("Deliver to"), widget=CountrySelect())


class RemoveVendorForm(forms.Form):
    """Validate the vendor whose goods are removed."""

    vendor = forms.IntegerField(min_value=1, max_value=2**63 - 1)

"""Forms of vendors in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminEmailInputWidget

from vendors import palette
from vendors.day_fields import DaysField
from vendors.models import Vendor
from vendors.models.stores import WEEKDAYS
from vendors.stylesheets import is_colour

COLOURS = ("accent", "paper", "ink")


class ColourInput(forms.TextInput):
    """Let a colour be picked."""

    input_type = "color"


class LookFormMixin(forms.BaseForm):
    """Pick the colours of a store, and refuse those that cannot be read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in COLOURS:
            if name in self.fields:
                self.fields[name].widget = ColourInput(attrs={"data-look-colour": name})

    def clean(self) -> dict[str, Any]:
        """Say which colours are too close to each other."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if all(is_colour(data.get(name, "")) for name in COLOURS):
            for name, fault in palette.faults(*(data[name] for name in COLOURS)).items():
                self.add_error(name, fault)
        return data


class VendorForm(LookFormMixin, forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Edit a vendor; a new one is added with the address of its owner."""

    sending_days = forms.TypedMultipleChoiceField(
        coerce=int,
        choices=WEEKDAYS,
        widget=forms.CheckboxSelectMultiple,
        label="Parcels leave on",
        error_messages={"required": "Choose one day or more, or close the days of a holiday below."},
    )
    closed_days = DaysField(label="Closed on", required=False)
    owner = forms.EmailField(
        label="Owner’s e-mail address", widget=AdminEmailInputWidget(attrs={"autocomplete": "off"})
    )

    class Meta:
        model = Vendor
        exclude: tuple[str, ...] = ()  # the admin's fieldsets name the fields

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("sending_days", "closed_days") if self.instance.pk is None else ("owner",):
            self.fields.pop(name, None)

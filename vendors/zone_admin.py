"""Admin pages of delivery zones: where a vendor delivers, what it costs there and how long it takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django_countries import countries

from vendors.delivery import squeeze
from vendors.models import DeliveryZone, Membership, Vendor
from vendors.money_fields import ChosenCurrencyMixin
from vendors.scoped_admin import ORDER_ROLES, VendorScopedAdmin, vendor_ids
from vendors.times import weekdays_as_written

FEW = 3
CLOCK = "It takes working days, Monday to Friday, from the day on which the parcel leaves; 0 is that day itself."


class DeliveryZoneForm(ChosenCurrencyMixin, forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """Edit a zone; no place is in two zones of a shop."""

    currency_from = "vendor"

    class Meta:
        model = DeliveryZone
        exclude: tuple[str, ...] = ()  # the admin's fieldsets name the fields

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "countries" not in self.fields:  # to be looked at only
            return
        chosen = self["countries"].value() or []
        ordered = sorted(countries, key=lambda country: country.code not in chosen)  # the chosen are on top
        self.fields["countries"].widget = forms.CheckboxSelectMultiple({"class": "ticks"}, choices=ordered)
        self.fields["countries"].error_messages["required"] = "Choose one country or more."

    def clean_postcodes(self) -> str:
        """Return the beginnings as one writes them once: in capitals, with a space between."""
        typed = self.cleaned_data["postcodes"]
        codes = [squeeze(code) for code in re.split(r"[,;\s]+", typed) if code]
        if wrong := [code for code in codes if not code.isalnum()]:
            raise ValidationError(f"“{wrong[0]}” is no beginning of a postcode.")
        return " ".join(dict.fromkeys(codes))

    def clean(self) -> dict[str, Any]:
        """Refuse a place that another zone of the shop has, and postcodes of several countries."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        vendor_id = self.instance.vendor_id or getattr(data.get("vendor"), "pk", None)
        if vendor_id is not None and data.get("countries") and "postcodes" in data:
            others = DeliveryZone.objects.filter(vendor=vendor_id).exclude(pk=self.instance.pk)
            for fault in _faults(others, data["countries"], data["postcodes"].split()):
                self.add_error("postcodes" if data["postcodes"] else "countries", fault)
        return data


def _faults(others: Iterable[DeliveryZone], codes: list[str], prefixes: list[str]) -> Iterator[str]:
    """Yield what is wrong with the places of a zone, as sentences."""
    if prefixes and len(codes) > 1:
        yield "Postcodes are of one country: choose one country alone, or leave this empty."
    yield from filter(None, (_overlap(other, codes, prefixes) for other in others))


def _overlap(other: DeliveryZone, codes: list[str], prefixes: list[str]) -> str:
    """Return which place another zone has already, as a sentence; '' where none."""
    common = [country.name for country in other.countries if country.code in codes]
    theirs = other.postcodes.split()
    if not common or bool(prefixes) != bool(theirs):
        return ""
    if not prefixes:
        return f"{common[0]} is in the zone “{other}” already."
    same = sorted({*prefixes} & {*theirs})
    return f"{same[0]} is in the zone “{other}” already." if same else ""


class DeliveryZoneAdmin(VendorScopedAdmin):
    """List and edit the zones of a vendor."""

    vendor_roles = ORDER_ROLES
    form = DeliveryZoneForm
    list_display = ["name", "vendor", "places", "standard", "standard_days", "express", "express_days"]
    list_filter = ["vendor"]
    list_select_related = ["vendor__marketplace"]
    search_fields = ["name"]
    fieldsets = [
        ("Where", {"fields": ["vendor", "name", "countries", "postcodes"]}),
        (
            "Standard delivery",
            {
                "fields": ["standard_charge", "free_from", ("standard_days_from", "standard_days_until")],
                "description": CLOCK,
            },
        ),
        (
            "Express delivery",
            {"fields": ["express_charge", ("express_days_from", "express_days_until")], "description": CLOCK},
        ),
    ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list, and when the parcels of the user's shops leave."""
        owned = vendor_ids(request, {Membership.Role.OWNER})
        sending = [
            {"shop": shop, "days": weekdays_as_written(shop.sending_days), "may_change": shop.pk in owned}
            for shop in Vendor.objects.filter(pk__in=vendor_ids(request, self.vendor_roles)).order_by("name")
        ]
        return super().changelist_view(request, {"sending": sending, **(extra_context or {})})

    @admin.display(description="where")
    def places(self, zone: DeliveryZone) -> str:
        """Return the first countries, and how many more there are."""
        names = zone.country_names
        shown = ", ".join(names[:FEW])
        more = f" and {len(names) - FEW} more" if len(names) > FEW else ""
        return f"{shown}{more}" + (f": {zone.postcodes}" if zone.postcodes else "")

    @admin.display(description="standard", ordering="standard_charge")
    def standard(self, zone: Any) -> str:
        """Return the charge, and from where it is free."""
        if zone.standard_charge is None:
            return "no" if zone.is_served else "not delivered"
        free = "" if zone.free_from is None else f", free from {zone.free_from_money}"
        return f"{zone.standard_charge_money}{free}"

    @admin.display(description="working days")
    def standard_days(self, zone: DeliveryZone) -> str:
        """Return how long it takes."""
        return "" if zone.standard_charge is None else _days(zone.standard_days_from, zone.standard_days_until)

    @admin.display(description="express", ordering="express_charge")
    def express(self, zone: Any) -> str:
        """Return the charge."""
        return "no" if zone.express_charge is None else str(zone.express_charge_money)

    @admin.display(description="working days")
    def express_days(self, zone: DeliveryZone) -> str:
        """Return how long it takes."""
        return "" if zone.express_charge is None else _days(zone.express_days_from, zone.express_days_until)


def _days(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"

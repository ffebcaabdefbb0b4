"""Models of the places to which a vendor delivers."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django_countries.fields import CountryField

from vendors.models.amount_fields import AmountField


class DeliveryZone(models.Model):
    """Name countries, or parts of one, with what delivery costs there and how long it takes.

    Where a zone has no charge at all, nothing is sent.
    """

    vendor = models.ForeignKey("vendors.Vendor", models.CASCADE, related_name="zones")
    name = models.CharField(max_length=60, help_text="For your own people, and on your delivery page: “Ireland”.")
    countries = CountryField(multiple=True, help_text="Each country is in one zone of a shop only.")
    postcodes = models.CharField(
        "only postcodes that begin with",
        max_length=500,
        blank=True,
        help_text="For a part of one country, such as islands: IV, KW, HS. Empty: all of it. A part goes before its "
        "country’s own zone.",
    )
    standard_charge = AmountField(
        null=True, blank=True, help_text="0: always free. Empty: no standard delivery. Both empty: you do not deliver."
    )
    free_from = AmountField(
        "standard is free from", null=True, blank=True, help_text="Value of the goods. Empty: never free."
    )
    standard_days_from = models.PositiveSmallIntegerField("standard takes from", default=2)
    standard_days_until = models.PositiveSmallIntegerField("standard takes until", default=4)
    express_charge = AmountField(null=True, blank=True, help_text="Empty: no express delivery.")
    express_days_from = models.PositiveSmallIntegerField("express takes from", default=1)
    express_days_until = models.PositiveSmallIntegerField("express takes until", default=1)

    class Meta:
        verbose_name = "delivery zone"
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["vendor", "name"],
                name="vendors_zone_name_once",
                violation_error_message="This shop has a zone of this name already.",
            ),
            models.CheckConstraint(
                condition=Q(standard_days_until__gte=F("standard_days_from")),
                name="vendors_zone_standard_days_in_order",
                violation_error_message="Standard delivery takes until an earlier day than from.",
            ),
            models.CheckConstraint(
                condition=Q(express_days_until__gte=F("express_days_from")),
                name="vendors_zone_express_days_in_order",
                violation_error_message="Express delivery takes until an earlier day than from.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def currency(self) -> str:
        """Return the currency of the charges; '' for a new zone without a vendor."""
        return self.vendor.currency if self.vendor_id else ""

    @property
    def country_names(self) -> list[str]:
        """Return the countries by name, in order."""
        return sorted(country.name for country in self.countries)

    @property
    def is_served(self) -> bool:
        """Return True if the vendor delivers there."""
        return self.standard_charge is not None or self.express_charge is not None

"""The fields of a postal address, which orders and entries of address books have."""

from __future__ import annotations

from django.db import models
from django_countries.fields import CountryField


class PostalAddress(models.Model):
    """Hold a name and a postal address."""

    name = models.CharField(max_length=100)
    line1 = models.CharField("address", max_length=120)
    line2 = models.CharField("address, second line", max_length=120, blank=True)
    postcode = models.CharField(max_length=16, blank=True)
    town = models.CharField(max_length=80)
    country = CountryField(default="IE")
    phone = models.CharField(max_length=30, blank=True, help_text="For the courier.")

    class Meta:
        abstract = True

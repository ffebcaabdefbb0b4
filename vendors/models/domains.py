"""Domains that belong to a vendor."""

from django.db import models


class VendorDomain(models.Model):
    """Give a domain of the registry to a vendor, whose owners verify, serve, use and remove it by themselves."""

    vendor = models.ForeignKey("vendors.Vendor", models.CASCADE, related_name="domains")
    domain = models.OneToOneField("communities.Domain", models.CASCADE, related_name="+")

    class Meta:
        verbose_name = "vendor’s domain"

    def __str__(self) -> str:
        return str(self.domain)

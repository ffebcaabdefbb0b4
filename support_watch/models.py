"""The history of the feed: one row a visit of a watched page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.utils import timezone

RELAYED_FOR = timedelta(days=1)
KEPT_FOR = timedelta(days=30)  # the support page says so


class SupportVisitQuerySet(models.QuerySet["SupportVisit"]):
    def for_vendor(self, vendor_id: int) -> Self:
        return self.filter(vendor_id=vendor_id)

    def of_day(self, now: datetime) -> Self:
        """Those who came on the local day of ``now``, the latest first."""
        begin = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
        return self.filter(arrived_at__gte=begin, arrived_at__lte=now).order_by("-arrived_at", "-id")

    def to_forget(self, now: datetime) -> Self:
        return self.filter(arrived_at__lt=now - KEPT_FOR)

    def untold(self, now: datetime) -> Self:
        """Arrivals that Redis did not take and that are still worth telling."""
        return self.filter(published=False, arrived_at__gte=now - RELAYED_FOR).order_by("arrived_at", "id")


class SupportVisit(models.Model):
    """``visit`` and ``subject`` are keyed hashes, different for each vendor: no session can be had from them."""

    vendor = models.ForeignKey("vendors.Vendor", models.CASCADE, related_name="+")
    visit = models.CharField(max_length=26)
    subject = models.CharField(max_length=26, help_text="The alias the shopper came under.")
    page = models.CharField(max_length=20)
    path = models.CharField(max_length=300)
    arrived_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)
    published = models.BooleanField(default=True, help_text="Told to the staff's feed.")
    late = models.BooleanField(default=False, help_text="Told after an outage.")

    objects = SupportVisitQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint("vendor", "visit", name="support_watch_visit_once")]
        indexes = [
            models.Index("vendor", models.F("arrived_at").desc(), name="support_watch_history"),
            models.Index("arrived_at", condition=models.Q(published=False), name="support_watch_untold"),
        ]

    def __str__(self) -> str:
        return f"{self.name} at {self.arrived_at:%H:%M}"

    @property
    def name(self) -> str:
        """The pseudonym that staff see."""
        return f"Visitor {self.visit[:4]}"

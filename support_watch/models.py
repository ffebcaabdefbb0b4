"""The history of the feed: one row for each visit of a watched page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.utils import timezone

from support_watch.visits import pseudonym

RELAYED_FOR = timedelta(days=1)
KEPT_FOR = timedelta(days=30)  # the support page says so


class SupportVisitQuerySet(models.QuerySet["SupportVisit"]):
    def for_vendor(self, vendor_id: int) -> Self:
        """Return the visits of one vendor."""
        return self.filter(vendor_id=vendor_id)

    def of_day(self, now: datetime) -> Self:
        """Return the visits that began on the local day of ``now``, the latest first."""
        begin = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
        return self.filter(arrived_at__gte=begin, arrived_at__lte=now).order_by("-arrived_at", "-id")

    def expired(self, now: datetime) -> Self:
        """Return the visits past their retention time."""
        return self.filter(arrived_at__lt=now - KEPT_FOR)

    def pending(self, now: datetime) -> Self:
        """Return arrivals not yet delivered to the feed and young enough for it, the oldest first."""
        return self.filter(published=False, arrived_at__gte=now - RELAYED_FOR).order_by("arrived_at", "id")


class SupportVisit(models.Model):
    """One visit. ``visit`` and ``subject`` are keyed hashes, different for each vendor, and open no session."""

    vendor = models.ForeignKey("vendors.Vendor", models.CASCADE, related_name="+")
    visit = models.CharField(max_length=26)
    subject = models.CharField(max_length=26, help_text="The alias the shopper came under.")
    page = models.CharField(max_length=20)
    path = models.CharField(max_length=300)
    arrived_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)
    published = models.BooleanField(default=True, help_text="Delivered to the staff's feed.")
    late = models.BooleanField(default=False, help_text="Delivered after an outage.")

    objects = SupportVisitQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint("vendor", "visit", name="support_watch_visit_once")]
        indexes = [
            models.Index("vendor", models.F("arrived_at").desc(), name="support_watch_history"),
            models.Index("arrived_at", condition=models.Q(published=False), name="support_watch_pending"),
        ]

    def __str__(self) -> str:
        return f"{self.name} at {self.arrived_at:%H:%M}"

    @property
    def name(self) -> str:
        """Return the pseudonym that staff see."""
        return pseudonym(self.visit)

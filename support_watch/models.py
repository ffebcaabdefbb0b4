"""The desk's rows: visits of watched pages, claims of them, looks at carts, and a vendor's choices and keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from support_watch.consent import Level
from support_watch.visits import pseudonym

RELAYED_FOR = timedelta(days=1)
KEPT_FOR = timedelta(days=30)  # the support page says so


class WatchedPage(models.TextChoices):
    """List the pages that a vendor may have watched."""

    SUPPORT = "support", "help page"
    PRODUCT = "product", "products"
    CART = "cart", "cart"
    CHECKOUT = "checkout", "beginning of the checkout"


def support_page_only() -> list[str]:
    """Return the pages that are watched unless a vendor chooses others."""
    return [WatchedPage.SUPPORT]


class DeskSettings(models.Model):
    """The choices of a vendor for its desk; a vendor without a row has the defaults."""

    vendor = models.OneToOneField("vendors.Vendor", models.CASCADE, related_name="+")
    pages = ArrayField(
        models.CharField(max_length=8, choices=WatchedPage), default=support_page_only, verbose_name="watched pages"
    )
    greets = models.BooleanField(
        "tell the shopper who is there",
        default=False,
        help_text="When somebody of the desk takes a visitor, the page says so in one line.",
    )

    class Meta:
        verbose_name_plural = "desk settings"

    def __str__(self) -> str:
        return f"Desk of {self.vendor}"


class SupportVisitQuerySet(models.QuerySet["SupportVisit"]):
    def for_vendor(self, vendor_id: int) -> Self:
        """Return the visits of one vendor."""
        return self.filter(vendor_id=vendor_id)

    def between(self, begin: datetime, end: datetime) -> Self:
        """Return the visits that began in [begin, end), the latest first."""
        return self.filter(arrived_at__gte=begin, arrived_at__lt=end).order_by("-arrived_at", "-id")

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
    path = models.CharField(max_length=300, blank=True, help_text="Empty without the shopper's consent.")
    level = models.PositiveSmallIntegerField(choices=[(level, level.name.lower()) for level in Level], default=1)
    arrived_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)
    published = models.BooleanField(default=True, help_text="Delivered to the staff's feed.")
    late = models.BooleanField(default=False, help_text="Delivered after an outage.")
    redacting = models.BooleanField(default=False, help_text="The feed must still forget what it knows of it.")

    objects = SupportVisitQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint("vendor", "visit", name="support_watch_visit_once")]
        indexes = [
            models.Index("vendor", models.F("arrived_at").desc(), models.F("id").desc(), name="support_watch_history"),
            models.Index("arrived_at", condition=Q(published=False), name="support_watch_pending"),
            models.Index("id", condition=Q(redacting=True), name="support_watch_redacting"),
            models.Index("subject", name="support_watch_subject"),
            models.Index("arrived_at", name="support_watch_retention"),
        ]

    def __str__(self) -> str:
        return f"{self.name} at {self.arrived_at:%H:%M}"

    @property
    def name(self) -> str:
        """Return the pseudonym that staff see."""
        return pseudonym(self.visit, self.level)


class ClaimQuerySet(models.QuerySet["Claim"]):
    def open(self) -> Self:
        """Return the claims that hold now."""
        return self.filter(released_at=None)


class Claim(models.Model):
    """A member of staff looks after a visit; one at a time, which the database holds."""

    visit = models.ForeignKey(SupportVisit, models.CASCADE, related_name="claims")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    by_name = models.CharField(max_length=150)
    note = models.CharField(max_length=200, blank=True)
    claimed_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When a screen of its holder was last open.")
    released_at = models.DateTimeField(null=True, blank=True)
    pending = models.BooleanField(default=True, help_text="The feed has still to be told of its begin or its end.")

    objects = ClaimQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("visit", condition=Q(released_at=None), name="support_watch_claimed_once")
        ]
        indexes = [
            models.Index("seen_at", condition=Q(released_at=None), name="support_watch_open_claims"),
            models.Index("id", condition=Q(pending=True), name="support_watch_pending_claims"),
        ]

    def __str__(self) -> str:
        return f"{self.visit.name}: {self.by_name}"


class CartLook(models.Model):
    """A member of staff looked at a shopper's cart: written before it is shown, and only ever added to."""

    visit = models.ForeignKey(SupportVisit, models.CASCADE, related_name="looks")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    by_name = models.CharField(max_length=150)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.by_name} at {self.at:%H:%M}"


class DeskKeyQuerySet(models.QuerySet["DeskKey"]):
    def valid(self) -> Self:
        """Return the keys that open the feed."""
        return self.filter(revoked_at=None)


class DeskKey(models.Model):
    """The key of a vendor's own program; it opens that vendor's feed for reading and nothing else."""

    class Scope(models.TextChoices):
        """List the scopes of a key."""

        EVENTS = "events", "events as they happen"
        SESSIONS = "sessions", "who is here, and shared values"

    vendor = models.ForeignKey("vendors.Vendor", models.CASCADE, related_name="+")
    name = models.CharField("for", max_length=60, help_text="The program that uses it.")
    digest = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=8, choices=Scope))
    made_at = models.DateTimeField()
    made_by_name = models.CharField(max_length=150)
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = DeskKeyQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

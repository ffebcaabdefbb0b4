"""The model of stock alerts."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from vendors import languages

CONFIRMED_WITHIN = timedelta(days=2)


class StockAlertQuerySet(models.QuerySet["StockAlert"]):
    """Select stock alerts."""

    def unsent(self) -> Self:
        """Select the alerts whose letter was not written yet, confirmed or not."""
        return self.filter(sent_at=None)

    def waiting(self) -> Self:
        """Select the alerts that are confirmed and wait for the goods."""
        return self.unsent().filter(confirmed_at__isnull=False)


class StockAlert(models.Model):
    """Ask for one letter to one address when a variant can be had again.

    It waits from ``confirmed_at`` to ``sent_at``; to end it is to delete it.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    variant = models.ForeignKey("vendors.Variant", models.CASCADE, related_name="+")
    marketplace = models.ForeignKey("vendors.Marketplace", models.CASCADE, related_name="+", db_index=False)
    email = models.EmailField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    visitor = models.ForeignKey("communities.Visitor", models.SET_NULL, null=True, related_name="+")
    network = models.CharField(max_length=32, blank=True, help_text="A digest of the client's network, for a day.")
    language = models.CharField(max_length=languages.CODE_LENGTH, default=languages.current)
    asked_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)

    objects: ClassVar = StockAlertQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                "variant", Lower("email"), condition=Q(sent_at__isnull=True), name="stock_alerts_waits_once"
            ),
            models.CheckConstraint(
                condition=Q(sent_at__isnull=True) | Q(confirmed_at__isnull=False), name="stock_alerts_sent_is_confirmed"
            ),
        ]
        indexes = [
            models.Index(
                fields=["variant", "id"],
                condition=Q(confirmed_at__isnull=False, sent_at__isnull=True),
                name="stock_alerts_waiting",
            ),
            models.Index(Lower("email"), "asked_at", name="stock_alerts_of_address"),
            models.Index(fields=["network", "asked_at"], condition=~Q(network=""), name="stock_alerts_of_network"),
        ]

    def __str__(self) -> str:
        return f"{self.email}: {self.variant}"

    @property
    def state(self) -> str:
        """Return the state in a word: asked, waiting, sent."""
        if self.sent_at is not None:
            return "sent"
        return "asked" if self.confirmed_at is None else "waiting"

"""Bank transfers that shoppers owe, made and got back; the mall's staff write them down from the bank's list."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from vendors.models.amount_fields import BigAmountField
from vendors.money import Money


class Transfer(models.Model):
    """Record one amount that a shopper transfers; ``purpose`` is the text by which the bank's line is recognised."""

    class State(models.TextChoices):
        """List the states of a transfer."""

        AWAITED = "awaited", "awaited"
        RECEIVED = "received", "received"
        CANCELLED = "cancelled", "no longer awaited"
        REFUNDED = "refunded", "given back"

    reference = models.CharField(max_length=80, unique=True, help_text="Of the payment; one transfer for each.")
    purpose = models.CharField(max_length=20, help_text="The order's number, as the shopper writes it.")
    amount = BigAmountField(help_text="In minor units.")
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=9, choices=State, default=State.AWAITED)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    received_at = models.DateTimeField(null=True, blank=True)
    received_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(received_at__isnull=False) | ~Q(state__in=["received", "refunded"]),
                name="manual_transfer_received_has_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.money} for {self.purpose}"

    @property
    def money(self) -> Money:
        """Return the amount with its currency."""
        return Money(self.amount, self.currency)


class BackTransfer(models.Model):
    """Record an amount that the mall's staff transfer back; it is done once they say so."""

    transfer = models.ForeignKey(Transfer, models.PROTECT, related_name="refunds")
    key = models.CharField(max_length=80, unique=True, help_text="Of the refund; one transfer back for each.")
    amount = BigAmountField(help_text="In minor units.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    made_at = models.DateTimeField(null=True, blank=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.money} back for {self.transfer.purpose}"

    @property
    def currency(self) -> str:
        """Return the currency of the transfer."""
        return self.transfer.currency

    @property
    def money(self) -> Money:
        """Return the amount with its currency."""
        return Money(self.amount, self.currency)

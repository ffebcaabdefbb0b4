"""Charges of the simulated payment company."""

from __future__ import annotations

import secrets
from functools import partial

from django.db import models
from django.utils import timezone


class Charge(models.Model):
    """Record one amount to collect for a shop."""

    class State(models.TextChoices):
        """List the states of a charge."""

        OPEN = "open", "waiting for a card"
        CHALLENGED = "challenged", "waiting for the bank's check"
        CAPTURED = "captured", "paid"
        DECLINED = "declined", "declined"
        CANCELLED = "cancelled", "closed by the shop"
        REFUNDED = "refunded", "refunded"

    token = models.CharField(max_length=43, unique=True, default=partial(secrets.token_urlsafe, 24))
    reference = models.CharField(max_length=80, unique=True, help_text="The shop's own; one charge for each.")
    shop = models.CharField(max_length=100)
    amount = models.PositiveBigIntegerField(help_text="In minor units.")
    currency = models.CharField(max_length=3)
    return_url = models.CharField(max_length=500)
    webhook_host = models.CharField(max_length=253)
    webhook_path = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    settled_at = models.DateTimeField(null=True, blank=True)
    notified_at = models.DateTimeField(null=True, blank=True)
    declined_cards = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Cards that were declined while another may be tried."
    )

    def __str__(self) -> str:
        return f"{self.reference}: {self.get_state_display()}"

    @property
    def is_payable(self) -> bool:
        """Return True if the charge waits for a payment."""
        return self.state in {self.State.OPEN, self.State.CHALLENGED}


class ChargeRefund(models.Model):
    """Record an amount of a charge that was given back."""

    charge = models.ForeignKey(Charge, models.CASCADE, related_name="refunds")
    key = models.CharField(max_length=80, unique=True, help_text="The shop's own; one refund for each.")
    amount = models.PositiveBigIntegerField(help_text="In minor units.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"{self.key}: {self.amount}"

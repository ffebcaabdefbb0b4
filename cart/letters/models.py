"""The outbox of letters: a row for each letter to a shopper, written in the transaction that it reports.

Most are about an order. A letter about goods has the marketplace, its address, and all that it says as facts.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

TRIES_PERIOD = timedelta(days=3)  # after that the buyer has the order's page only
PROBLEM_LENGTH = 300


class LetterQuerySet(models.QuerySet["Letter"]):
    """Select letters."""

    def due(self, now: datetime) -> Self:
        """Select the letters to be sent now: new ones, and those of a worker that failed or died."""
        return self.filter(due_at__lte=now)

    def given_up(self) -> Self:
        """Select the letters that were not taken and are tried no more."""
        return self.filter(due_at=None, sent_at=None)

    def refused(self) -> Self:
        """Select the given up letters whose address the mail server refused for good."""
        return self.given_up().filter(refused_at__isnull=False)


class Letter(models.Model):
    """Record one letter. It waits while ``due_at`` is set; then it is sent, or given up with a ``problem``."""

    class Kind(models.TextChoices):
        """List the kinds; ``kinds`` has the subject and the sample of each."""

        PLACED = "placed", "order placed"
        NOT_PLACED = "not_placed", "order could not be placed"
        PAYMENT_RETURNED = "payment_returned", "payment not kept"
        REFUNDED = "refunded", "money given back"
        TO_PAY = "to_pay", "order to be paid by transfer"
        PAYMENT_EXPIRED = "payment_expired", "order not paid in time"
        SENT = "sent", "goods sent"
        DELIVERED = "delivered", "goods arrived"
        CANCELLED_GOODS = "cancelled_goods", "goods cancelled"
        RETURN_ASKED = "return_asked", "return asked for"
        RETURN_ACCEPTED = "return_accepted", "return accepted"
        RETURN_REFUSED = "return_refused", "return refused"
        RETURN_RECEIVED = "return_received", "return received"
        LINK = "link", "new link to the order"
        QUESTION = "question", "question to a shop"
        CONTACT_ASKED = "contact_asked", "change of address to be confirmed"
        CONTACT_CHANGED = "contact_changed", "address changed"
        MAIL_MOVED = "mail_moved", "letters go to another address"
        STOCK_ASKED = "stock_asked", "stock alert to be confirmed"
        STOCK_BACK = "stock_back", "goods are back in stock"

    order = models.ForeignKey("orders.Order", models.PROTECT, null=True, related_name="+")
    marketplace = models.ForeignKey(
        "vendors.Marketplace", models.CASCADE, null=True, related_name="+", help_text="Of a letter about no order."
    )
    kind = models.CharField(max_length=20, choices=Kind)
    key = models.CharField(max_length=100, blank=True, help_text="Names the reason; one letter for each.")
    to = models.EmailField(blank=True, help_text="Empty: the order's address, as it is when the letter is sent.")
    facts = models.JSONField(default=dict, blank=True, help_text="Data for the templates, as it was then.")
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    due_at = models.DateTimeField(null=True, default=timezone.now, editable=False)
    tries = models.PositiveIntegerField(default=0, editable=False)
    sent_at = models.DateTimeField(null=True, editable=False)
    sent_to = models.EmailField(blank=True, editable=False, help_text="The address that was tried last.")
    refused_at = models.DateTimeField(
        "refused", null=True, editable=False, help_text="When the mail server refused that address for good."
    )
    problem = models.CharField(max_length=PROBLEM_LENGTH, blank=True, editable=False)

    objects: ClassVar = LetterQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["order", "kind", "key"], name="letters_letter_once"),
            models.UniqueConstraint(
                fields=["kind", "key"], condition=Q(order__isnull=True), name="letters_letter_about_goods_once"
            ),
            models.CheckConstraint(
                condition=Q(order__isnull=False, marketplace__isnull=True)
                | Q(order__isnull=True, marketplace__isnull=False) & ~Q(to=""),
                name="letters_letter_is_about_something",
            ),
            models.CheckConstraint(
                condition=Q(due_at__isnull=True) | Q(sent_at__isnull=True), name="letters_letter_sent_is_not_due"
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="letters_letter_due")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject}"

    @property
    def subject(self) -> str:
        """Return the number of the order, or the name of the goods."""
        return self.order.number if self.order is not None else str(self.facts.get("name", ""))

    @property
    def addressee(self) -> str:
        """Return the address that the letter goes to; the order is read."""
        return self.to or (self.order.email if self.order is not None else "")

"""Models of cancellations, returns and changes of address; lines keep the ordered pieces, and count returned ones."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy


class Cancellation(models.Model):
    """Record pieces of an order that were cancelled before they were sent, once for each ``key`` of the order."""

    order = models.ForeignKey("orders.Order", models.PROTECT, related_name="+")
    key = models.CharField(max_length=64)
    why = models.CharField(max_length=200)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="by"
    )
    at = models.DateTimeField("when", default=timezone.now, editable=False)
    refund = models.OneToOneField("orders.Refund", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["order", "key"], name="aftersale_cancellation_once")]

    def __str__(self) -> str:
        return f"cancellation {self.pk} of {self.order}"


class CancelledLine(models.Model):
    """Record the pieces of one line in a cancellation."""

    cancellation = models.ForeignKey(Cancellation, models.CASCADE, related_name="lines")
    line = models.ForeignKey("orders.OrderLine", models.PROTECT, related_name="+")
    pieces = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cancellation", "line"], name="aftersale_cancelled_line_once"),
            models.CheckConstraint(condition=Q(pieces__gt=0), name="aftersale_cancelled_line_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.pieces} × {self.line.name}"


class Return(models.Model):
    """Follow sent goods of one consignment on their way back; ``states`` has the transitions, each made once."""

    class State(models.TextChoices):
        """List the states of a return."""

        ASKED = "asked", gettext_lazy("asked for")
        ACCEPTED = "accepted", gettext_lazy("accepted, on its way back")
        REFUSED = "refused", gettext_lazy("refused")
        RECEIVED = "received", gettext_lazy("received, to be refunded")
        REFUNDED = "refunded", gettext_lazy("refunded")

    consignment = models.ForeignKey("orders.Consignment", models.PROTECT, related_name="+")
    key = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State, default=State.ASKED)
    why = models.CharField(max_length=200, blank=True, help_text="The shopper's reason.")
    answer = models.CharField(max_length=200, blank=True, help_text="The shop's words to the shopper.")
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    answered_at = models.DateTimeField(null=True, blank=True)
    received_at = models.DateTimeField(null=True, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="answered by"
    )
    refund = models.OneToOneField("orders.Refund", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["consignment", "key"], name="aftersale_return_once"),
            models.CheckConstraint(
                condition=~Q(state="refused") | ~Q(answer=""), name="aftersale_return_refused_has_why"
            ),
        ]

    def __str__(self) -> str:
        return f"return {self.pk} of {self.consignment}"


class ReturnLine(models.Model):
    """Record the pieces of one line in a return."""

    returned = models.ForeignKey(Return, models.CASCADE, related_name="lines")
    line = models.ForeignKey("orders.OrderLine", models.PROTECT, related_name="+")
    pieces = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["returned", "line"], name="aftersale_return_line_once"),
            models.CheckConstraint(condition=Q(pieces__gt=0), name="aftersale_return_line_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.pieces} × {self.line.name}"


class ContactChange(models.Model):
    """Record a change of an order's address or mail address, once for each ``key`` of the order.

    It is made at once, or waits until the order's own mail address has confirmed it (ADR 43).
    """

    class By(models.TextChoices):
        """List the sides that change an order."""

        SHOPPER = "shopper", "the shopper"
        SHOP = "shop", "the shop"
        MALL = "mall", "the mall"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    order = models.ForeignKey("orders.Order", models.PROTECT, related_name="+")
    key = models.CharField(max_length=64)
    by = models.CharField(max_length=7, choices=By)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    before = models.JSONField(default=dict, help_text="The fields that differ, as they were.")
    after = models.JSONField(default=dict, help_text="The same fields, as they are to be.")
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    made_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["order", "key"], name="aftersale_contact_change_once")]

    def __str__(self) -> str:
        return f"change of address of {self.order}"

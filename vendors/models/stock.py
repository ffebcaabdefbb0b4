"""Models of stock and of the holds that checkouts place on it."""

import uuid
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce


class StockQuerySet(models.QuerySet["Stock"]):
    """Select stock rows."""

    def available(self, now: datetime) -> Self:
        """Select the rows with more on hand than live holds reserve."""
        live = StockHold.objects.filter(variant=OuterRef("pk"), until__gt=now).order_by()
        held = live.values("variant").annotate(pieces=Sum("quantity")).values("pieces")
        return self.annotate(held=Coalesce(Subquery(held), 0)).filter(on_hand__gt=F("held"))


class Stock(models.Model):
    """Count the pieces of a variant on hand; the CHECK constraint is the last defence against overselling."""

    variant = models.OneToOneField("vendors.Variant", models.CASCADE, primary_key=True, related_name="stock")
    on_hand = models.IntegerField(default=0)
    low_below = models.PositiveIntegerField(default=3, help_text="Shown as low stock below this number.")

    objects = StockQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "stock"
        constraints = [
            models.CheckConstraint(
                condition=Q(on_hand__gte=0),
                name="vendors_stock_not_negative",
                violation_error_message="There cannot be fewer than none on hand.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.on_hand} × {self.variant}"


class StockHold(models.Model):
    """Keep goods for a checkout in progress; each query compares ``until`` with the clock, so no job ends a hold."""

    reference = models.UUIDField(default=uuid.uuid4, db_index=True, help_text="The order that holds.")
    variant = models.ForeignKey("vendors.Variant", models.CASCADE, related_name="holds")
    quantity = models.PositiveIntegerField()
    until = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint("reference", "variant", name="vendors_hold_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="vendors_hold_quantity_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.variant} until {self.until:%H:%M}"

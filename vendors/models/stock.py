"""Models of stock, its ledger of movements, and the holds that checkouts place on it."""

import uuid
from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce


class StockQuerySet(models.QuerySet["Stock"]):
    """Select stock rows."""

    def available(self, now: datetime) -> Self:
        """Select the rows of variants on offer with more on hand than live holds reserve."""
        live = StockHold.objects.filter(variant=OuterRef("pk"), until__gt=now).order_by()
        held = live.values("variant").annotate(pieces=Sum("quantity")).values("pieces")
        rows = self.filter(variant__withdrawn=False)
        return rows.annotate(held=Coalesce(Subquery(held), 0)).filter(on_hand__gt=F("held"))


class Stock(models.Model):
    """Count the pieces of a variant on hand: the sum of its movements.

    Triggers make the row with its variant, add each movement to ``on_hand``, count the movements in ``version``, and
    refuse any other change of the two. The CHECK constraint is the last defence against overselling.
    """

    variant = models.OneToOneField("vendors.Variant", models.CASCADE, primary_key=True, related_name="stock")
    on_hand = models.IntegerField(db_default=0, editable=False)
    version = models.PositiveIntegerField(db_default=0, editable=False)
    low_below = models.PositiveIntegerField(db_default=3, help_text="Shown as low stock below this number.")

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


class StockMovement(models.Model):
    """Record pieces that came or went; written once, by ``vendors.stock``, and never changed.

    ``reference`` is the order of a sale or a return; a ``key`` is used once for each variant. ``user`` is None where
    the shop itself moves.
    """

    class Kind(models.TextChoices):
        """List the reasons for which pieces come and go."""

        SALE = "sale", "sale"
        COUNT = "count", "count"
        DELIVERY = "delivery", "delivery"
        CORRECTION = "correction", "correction"
        RETURN = "return", "return"

    # The database deletes the movements after their stock row: before it, on hand would not be their sum.
    stock = models.ForeignKey(Stock, models.DO_NOTHING, related_name="movements")
    kind = models.CharField(max_length=10, choices=Kind)
    quantity = models.IntegerField("pieces", help_text="Below 0 where pieces went.")
    why = models.CharField(max_length=200)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name="by", editable=False
    )
    at = models.DateTimeField("when")
    reference = models.UUIDField("order", null=True, db_index=True)
    key = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["stock", "key"], condition=~Q(key=""), name="vendors_movement_key_once_a_variant"
            ),
            models.CheckConstraint(
                condition=Q(kind="count")
                | Q(kind="correction") & ~Q(quantity=0)
                | Q(kind="sale", quantity__lt=0)
                | Q(kind__in=["delivery", "return"], quantity__gt=0),
                name="vendors_movement_direction_by_kind",
            ),
            models.CheckConstraint(
                condition=~Q(kind="sale") | Q(reference__isnull=False), name="vendors_movement_sale_has_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.quantity:+d}"


class StockHold(models.Model):
    """Keep goods for a checkout in progress; each query compares ``until`` with the clock, so no job ends a hold."""

    reference = models.UUIDField(default=uuid.uuid4, db_index=True, help_text="The order that holds.")
    variant = models.ForeignKey("vendors.Variant", models.PROTECT, related_name="holds")
    quantity = models.PositiveIntegerField()
    until = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint("reference", "variant", name="vendors_hold_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="vendors_hold_quantity_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.variant} until {self.until:%H:%M}"

"""Models of the cart, over all stores of a community."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from vendors.models.amount_fields import AmountField


class Cart(models.Model):
    """Hold the lines of a visitor."""

    visitor = models.OneToOneField("communities.Visitor", models.CASCADE, related_name="+")
    held_by = models.UUIDField(
        null=True, blank=True, editable=False, help_text="The checkout under way that holds goods for this cart."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"Cart {self.pk}"


class Line(models.Model):
    """Hold the quantity of one variant in a cart."""

    cart = models.ForeignKey(Cart, models.CASCADE, related_name="lines")
    variant = models.ForeignKey("vendors.Variant", models.CASCADE, related_name="+")
    quantity = models.PositiveIntegerField()
    seen_price = AmountField(help_text="What one cost when the shopper last saw it, in minor units.")
    added_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["added_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["cart", "variant"], name="cart_line_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="cart_line_quantity_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.variant}"

    @property
    def currency(self) -> str:
        """Return the currency of the price."""
        return self.variant.currency


class SavedGoods(models.Model):
    """Keep a variant that a shopper wants later, beside the lines of the cart."""

    cart = models.ForeignKey(Cart, models.CASCADE, related_name="saved")
    variant = models.ForeignKey("vendors.Variant", models.CASCADE, related_name="+")
    saved_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "saved goods"
        constraints = [models.UniqueConstraint(fields=["cart", "variant"], name="cart_saved_once")]

    def __str__(self) -> str:
        return str(self.variant)


class CopiedLine(models.Model):
    """Hold the quantity of a line that was copied from one cart into another (cart.copies)."""

    source = models.ForeignKey(Cart, models.CASCADE, related_name="copies_from_here")
    target = models.ForeignKey(Cart, models.CASCADE, related_name="copies_to_here")
    variant = models.ForeignKey("vendors.Variant", models.CASCADE, related_name="+")
    quantity = models.PositiveIntegerField(help_text="The pieces of the source that the target has had.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "target", "variant"], name="cart_copy_once"),
            models.CheckConstraint(condition=~Q(source=models.F("target")), name="cart_copy_of_another"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.variant} of cart {self.source_id} in cart {self.target_id}"

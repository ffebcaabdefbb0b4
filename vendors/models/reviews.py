"""Models of reviews: the words of buyers about a product, and reports of them."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from vendors.models.catalogue import Product

MOST_STARS = 5


class ReviewQuerySet(models.QuerySet["Review"]):
    """Select reviews."""

    def published(self) -> ReviewQuerySet:
        """Select the reviews that shoppers see."""
        return self.filter(state=Review.State.PUBLISHED)


class Review(models.Model):
    """Rate a product by its buyer, once for each line of an order; the mall's staff read it first.

    ``line`` and ``order`` name the purchase, which an app above keeps.
    """

    class State(models.TextChoices):
        """List the states of a review."""

        WAITING = "waiting", "waits to be read"
        PUBLISHED = "published", "published"
        REFUSED = "refused", "not published"

    product = models.ForeignKey(Product, models.CASCADE, related_name="reviews", editable=False)
    line = models.BigIntegerField(unique=True, editable=False, help_text="The line of the order that bought it.")
    order = models.UUIDField(db_index=True, editable=False)
    stars = models.PositiveSmallIntegerField(editable=False)
    name = models.CharField(max_length=40, blank=True, editable=False, help_text="As its writer wants to be shown.")
    text = models.TextField(max_length=2000, blank=True, editable=False)
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    why = models.CharField(
        "why not", max_length=200, blank=True, help_text="Why it is not published. Its writer reads this."
    )
    written_at = models.DateTimeField("written", editable=False)
    versions = models.PositiveSmallIntegerField(default=1, editable=False, help_text="How often it was written.")
    answer = models.TextField(
        max_length=1000, blank=True, help_text="Shown below the review, in the shop’s name, to everybody."
    )
    reports = models.PositiveIntegerField(default=0, editable=False, help_text="By shoppers, since staff read it.")

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["-written_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(stars__gte=1, stars__lte=MOST_STARS), name="vendors_review_stars_in_range"
            ),
            models.CheckConstraint(
                condition=~Q(state="refused") | ~Q(why=""),
                name="vendors_review_refused_says_why",
                violation_error_message="Say why it is not published; its writer reads it.",
            ),
        ]
        indexes = [
            models.Index(
                fields=["product", "written_at", "id"], condition=Q(state="published"), name="vendors_review_shown"
            ),
            models.Index(fields=["written_at"], condition=Q(state="waiting"), name="vendors_review_to_read"),
        ]

    def __str__(self) -> str:
        return f"{self.stars} of {MOST_STARS} stars for {self.product}"

    def clean(self) -> None:
        """Refuse a refusal without words."""
        if self.state == self.State.REFUSED and not self.why:
            raise ValidationError({"why": "Say why it is not published; its writer reads it."})

    @property
    def full_stars(self) -> str:
        """Return the stars as signs."""
        return "★" * self.stars + "☆" * (MOST_STARS - self.stars)


class ReviewReport(models.Model):
    """Report a review to the mall's staff, once for each browser; no name is kept."""

    review = models.ForeignKey(Review, models.CASCADE, related_name="reported")
    reporter = models.CharField(max_length=32, help_text="A digest of the client.")
    why = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["review", "reporter"], name="vendors_review_reported_once")]
        indexes = [models.Index(fields=["reporter", "at"], name="vendors_review_reporter")]

    def __str__(self) -> str:
        return self.why

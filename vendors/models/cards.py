"""Models of finding goods: each product's card, the marketplace's vocabulary, synonyms."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchRank, SearchVectorField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual

from vendors import words
from vendors.models.catalogue import Category, Product, ProductImage, Variant, price_at
from vendors.models.stores import Marketplace, Vendor

PUBLIC = Q(is_public=True)


class StemQuery(SearchQuery):
    """Search for stems by operators, as ``vendors.search.asked`` writes them; no dictionary changes them."""

    def __init__(self, text: Any) -> None:
        super().__init__(text, search_type="raw")

    def as_sql(  # type: ignore[override]  # as Django's own, of which the stubs say the same
        self, compiler: Any, connection: Any, function: Any = None, template: Any = None
    ) -> Any:
        """Return the text as PostgreSQL's own type."""
        return super().as_sql(compiler, connection, function, template or "(%(expressions)s)::tsquery")


class ProductCardQuerySet(models.QuerySet["ProductCard"]):
    """Select cards."""

    def public(self) -> Self:
        """Select the cards of published products of open stores."""
        return self.filter(is_public=True)

    def asked(self, query: Any) -> Self:
        """Select the cards that a query of ``vendors.search.asked`` finds, annotated with ``rank``."""
        stems = StemQuery(query)
        return self.filter(document=stems).annotate(rank=SearchRank(F("document"), stems))

    def in_stock(self, held: Collection[int]) -> Self:
        """Select the cards of products on hand, but for those whose pieces are all held."""
        found = self.filter(is_stocked=True)
        return found.exclude(product__pk__in=held) if held else found

    def priced_between(self, low: int | None, high: int | None, now: datetime) -> Self:
        """Select the products with a variant between two prices in minor units, inclusive; None means no bound."""
        found = self if low is None else self.filter(price_to__gte=low)
        if high is None:
            return found
        found = found.filter(price_from__lte=high)
        if low is None:
            return found
        between = GreaterThanOrEqual(price_at(now), low), LessThanOrEqual(price_at(now), high)
        return found.filter(Exists(Variant.objects.on_offer().filter(*between, product=OuterRef("pk"))))


class ProductCard(models.Model):
    """Show a product in lists, and find it by its words: a copy of what its own rows and its vendor's say.

    ``vendors.cards.refresh`` makes it anew after anything of the product changed: triggers note a StaleProduct in
    the same transaction. ``prices_until`` is when a sale begins or ends next, and the prices are no longer these.
    """

    product = models.OneToOneField(
        Product, models.DO_NOTHING, primary_key=True, related_name="card", db_constraint=False
    )
    marketplace = models.ForeignKey(
        Marketplace, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False
    )
    vendor = models.ForeignKey(Vendor, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    category = models.ForeignKey(Category, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    top_category = models.ForeignKey(Category, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False)
    is_public = models.BooleanField(default=False)
    name = models.CharField(max_length=140)
    slug = models.CharField(max_length=160)
    summary = models.CharField(max_length=240, blank=True)
    created_at = models.DateTimeField()
    price_from = models.PositiveIntegerField(null=True)
    price_to = models.PositiveIntegerField(null=True)
    price_was = models.PositiveIntegerField(null=True)
    prices_until = models.DateTimeField(null=True)
    is_stocked = models.BooleanField(default=False)
    picture_file = models.CharField(max_length=100, blank=True)
    picture_alt = models.CharField(max_length=200, blank=True)
    picture_width = models.PositiveIntegerField(default=0)
    picture_height = models.PositiveIntegerField(default=0)
    rating_count = models.PositiveIntegerField(default=0, db_default=0)
    rating_sum = models.PositiveIntegerField(default=0, db_default=0)
    attributes = ArrayField(models.TextField(), default=list)
    vocabulary = ArrayField(models.TextField(), default=list)
    document = SearchVectorField()

    has_stock = False  # a piece can be had now; ``vendors.held_goods.mark_stock`` knows
    in_list = ""  # what a link from a list carries of it; ``vendors.list_links.give_links`` knows

    objects = ProductCardQuerySet.as_manager()

    class Meta:
        indexes = [
            GinIndex("document", name="vendors_card_document", fastupdate=False),
            models.Index("prices_until", name="vendors_card_due", condition=Q(prices_until__isnull=False)),
            *(
                models.Index(scope, *order, name=f"vendors_card_{short}_{sort}", condition=PUBLIC)
                for scope, short in (
                    ("marketplace", "mall"),
                    ("vendor", "shop"),
                    ("top_category", "top"),
                    ("category", "dept"),
                )
                for sort, order in (
                    ("name", ("name", "product")),
                    ("new", ("created_at", "product")),
                    ("price", ("price_from", "product")),
                )
            ),
            models.Index("vendor", "category", "name", "product", name="vendors_card_shelf", condition=PUBLIC),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_price_range(self) -> bool:
        """Return True if the variants differ in price."""
        return self.price_from is not None and self.price_to is not None and self.price_to > self.price_from

    @property
    def rating(self) -> Decimal | None:
        """Return the average of the stars, rounded as pages show it; None without a review."""
        return Decimal(f"{self.rating_sum / self.rating_count:.1f}") if self.rating_count else None

    @property
    def picture(self) -> ProductImage | None:
        """Return the first picture, None where there is none; it is no row of its own."""
        if not self.picture_file:
            return None
        return ProductImage(
            product_id=self.pk,
            file=self.picture_file,
            alt=self.picture_alt,
            width=self.picture_width,
            height=self.picture_height,
        )


class StaleProduct(models.Model):
    """Note that a product's card is to be made anew; triggers write it, and nothing waits for it."""

    product_id = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return str(self.product_id)


class VocabularyWord(models.Model):
    """Count the products on sale in a marketplace that a word stands in, for typing errors and beginnings of words."""

    marketplace = models.ForeignKey(Marketplace, models.CASCADE, related_name="+", db_index=False)
    word = models.CharField(max_length=60, db_collation="C")
    stem = models.CharField(max_length=60)
    products = models.PositiveIntegerField()
    trigrams = ArrayField(models.CharField(max_length=3))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["marketplace", "word"], name="vendors_vocabulary_word_once")]
        indexes = [
            models.Index(fields=["marketplace", "stem"], name="vendors_vocabulary_stems"),
            GinIndex("trigrams", name="vendors_vocabulary_trigrams", fastupdate=False),
        ]

    def __str__(self) -> str:
        return self.word


class Synonym(models.Model):
    """Name the words that a marketplace's shoppers use for one thing; each of them finds all."""

    marketplace = models.ForeignKey(Marketplace, models.CASCADE, related_name="synonyms")
    words = models.CharField(max_length=300, help_text="Words for one thing, with commas: jumper, sweater, pullover.")

    def __str__(self) -> str:
        return self.words

    def clean(self) -> None:
        """Refuse a single word, which is nobody's synonym."""
        if len(self.terms) < 2:
            raise ValidationError({"words": "Give two words or more, with commas between them."})

    @property
    def terms(self) -> list[tuple[str, ...]]:
        """Return the terms, each as its folded words."""
        return [term for each in self.words.split(",") if (term := tuple(words.words_of(each)))]

"""Models of the catalogue: categories, products, variants and images, with their QuerySets."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Self

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import (
    CombinedLexeme,
    Lexeme,
    SearchQuery,
    SearchRank,
    SearchVector,
    SearchVectorField,
)
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, Subquery, Value, When, Window
from django.db.models.functions import RowNumber
from django.db.models.lookups import GreaterThan, GreaterThanOrEqual, LessThanOrEqual
from django.utils import timezone

from vendors.models.amount_fields import AmountField, more_than_nothing
from vendors.models.deletion import GoodsQuerySet, deletion_of
from vendors.models.stock import Stock
from vendors.models.stores import Marketplace, Vendor
from vendors.models.text_fields import MarkdownField

RENDITIONS = (300, 600)  # widths in pixels, made with each picture
WORD = re.compile(r"\w+")
MAX_WORDS = 12


class CategoryQuerySet(models.QuerySet["Category"]):
    """Select categories."""

    def with_products_of(self, vendor_id: int) -> Self:
        """Select the categories in which a vendor has published products."""
        goods = Product.objects.published().for_vendor(vendor_id)
        return self.filter(Exists(goods.filter(category=OuterRef("pk"))))

    def top_level(self, marketplace_id: int) -> Self:
        """Select the categories without a parent."""
        return self.filter(marketplace=marketplace_id, parent=None)


class Category(models.Model):
    """Group products of all vendors of a marketplace; shoppers read it as a department."""

    marketplace = models.ForeignKey(Marketplace, models.CASCADE, related_name="categories")
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    name = models.CharField(max_length=80)
    slug = models.SlugField()
    position = models.PositiveSmallIntegerField(default=0)

    objects = CategoryQuerySet.as_manager()

    class Meta:
        ordering = ["position", "name"]
        verbose_name_plural = "categories"
        constraints = [
            models.UniqueConstraint(
                fields=["marketplace", "slug"],
                name="vendors_category_slug_once",
                violation_error_message="This marketplace has a department at this address already.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a parent of another marketplace, itself, and a third level."""
        parent = self.parent
        if parent is None or not hasattr(self, "marketplace"):
            return
        faults = (
            (parent.marketplace_id != self.marketplace_id, f"{parent} is a department of another marketplace."),
            (parent.pk == self.pk, "A department cannot be within itself."),
            (parent.parent_id is not None, f"{parent} is within another department; there are two levels."),
            (self.pk and self.children.exists(), f"{self} has departments of its own; there are two levels."),
        )
        if fault := next((text for is_wrong, text in faults if is_wrong), ""):
            raise ValidationError({"parent": fault})


class ProductQuerySet(GoodsQuerySet["Product"]):
    """Select products, and annotate them for lists."""

    stock_lookup = "variant__product__in"

    def published(self) -> Self:
        """Select published products of published vendors."""
        return self.filter(status=Product.Status.PUBLISHED, vendor__status=Vendor.Status.PUBLISHED)

    def for_vendor(self, vendor_id: int) -> Self:
        """Select the products of a vendor."""
        return self.filter(vendor=vendor_id)

    def in_marketplace(self, marketplace_id: int) -> Self:
        """Select the products of all vendors of a marketplace."""
        return self.filter(vendor__marketplace=marketplace_id)

    def in_category(self, category_id: int) -> Self:
        """Select the products of a category and of its direct children."""
        return self.filter(Q(category=category_id) | Q(category__parent=category_id))

    def newest_per_vendor(self, count: int) -> Self:
        """Select the newest ``count`` products with a picture of each vendor, grouped by vendor."""
        place = Window(RowNumber(), partition_by="vendor", order_by=["-created_at", "pk"])
        pictured = self.filter(Exists(ProductImage.objects.filter(product=OuterRef("pk"))))
        return pictured.annotate(place=place).filter(place__lte=count).order_by("vendor", "place")

    def interleave_vendors(self) -> Self:
        """Order by round robin: the newest product of each vendor, then the second newest of each, and so on."""
        place = Window(RowNumber(), partition_by="vendor", order_by=["-created_at", "pk"])
        return self.annotate(place=place).order_by("place", "-created_at", "pk")

    def matching(self, text: str) -> Self:
        """Select the products that match all words (the last one as a prefix), annotated with ``rank``."""
        words = WORD.findall(text)[:MAX_WORDS]
        if not words:
            return self.none().annotate(rank=Value(0.0))
        lexemes: Lexeme | CombinedLexeme = Lexeme(words[-1], prefix=True)
        for word in words[:-1]:
            lexemes &= Lexeme(word)
        query = SearchQuery(lexemes, search_type="raw", config="english")
        return self.filter(search=query).annotate(rank=SearchRank(F("search"), query))

    def in_stock(self, now: datetime) -> Self:
        """Select the products with an available variant."""
        return self.filter(Exists(Stock.objects.available(now).filter(variant__product=OuterRef("pk"))))

    def priced_between(self, low: int | None, high: int | None, now: datetime) -> Self:
        """Select the products with a variant between two prices in minor units, inclusive; None means no bound."""
        variants = Variant.objects.on_offer().filter(product=OuterRef("pk"))
        if low is not None:
            variants = variants.filter(GreaterThanOrEqual(price_at(now), low))
        if high is not None:
            variants = variants.filter(LessThanOrEqual(price_at(now), high))
        return self if low is None and high is None else self.filter(Exists(variants))

    def with_prices(self, now: datetime) -> Self:
        """Annotate ``price_from`` and ``price_to`` (current prices, in minor units), ``has_price_range``
        and ``price_was`` (the regular price of the cheapest variant)."""
        variants = Variant.objects.on_offer().filter(product=OuterRef("pk"))
        cheapest = variants.order_by(price_at(now), "pk")
        dearest = variants.order_by(price_at(now).desc())
        return self.annotate(
            price_from=Subquery(cheapest.values(today=price_at(now))[:1]),
            price_was=Subquery(cheapest.values("price")[:1]),
            price_to=Subquery(dearest.values(today=price_at(now))[:1]),
        ).annotate(has_price_range=GreaterThan(F("price_to"), F("price_from")))

    def for_cards(self, now: datetime) -> Self:
        """Annotate a product card's data, and leave out what it does not show; ``vendors.cards`` adds the pictures."""
        has_stock = Exists(Stock.objects.available(now).filter(variant__product=OuterRef("pk")))
        return self.with_prices(now).annotate(has_stock=has_stock).defer("search", "description")


class Product(models.Model):
    """Describe goods that a vendor offers, in one or more variants."""

    class Status(models.TextChoices):
        """List the stages of publication."""

        DRAFT = "draft", "draft"
        PUBLISHED = "published", "published"
        WITHDRAWN = "withdrawn", "withdrawn"

    vendor = models.ForeignKey(Vendor, models.CASCADE, related_name="products")
    category = models.ForeignKey(Category, models.PROTECT, related_name="products")
    name = models.CharField(max_length=140)
    slug = models.SlugField(max_length=160)
    status = models.CharField(max_length=9, choices=Status, default=Status.DRAFT)
    summary = models.CharField(max_length=240, blank=True)
    description = MarkdownField(blank=True)
    options = models.JSONField(
        default=list, editable=False, help_text="What a shopper chooses, in order: name and values of each."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    search = models.GeneratedField(
        expression=SearchVector("name", weight="A", config="english")
        + SearchVector("summary", weight="B", config="english")
        + SearchVector("description", weight="D", config="english"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = ProductQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["vendor", "slug"],
                name="vendors_product_slug_once",
                violation_error_code="slug_once",
                violation_error_message="This shop has a product at this address already.",
            )
        ]
        indexes = [
            GinIndex("search", name="vendors_product_search"),
            models.Index("category", "vendor", name="vendors_product_shelf"),
            models.Index(fields=["vendor", "name", "id"], name="vendors_product_names"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def currency(self) -> str:
        """Return the currency of the prices; '' for a new product without a shop."""
        return self.vendor.marketplace.currency if self.vendor_id else ""

    def clean(self) -> None:
        """Refuse a category of another marketplace."""
        if not (hasattr(self, "vendor") and hasattr(self, "category")):
            return  # refused by its own field
        if self.category.marketplace_id != self.vendor.marketplace_id:
            raise ValidationError({"category": f"{self.category} is a department of another marketplace."})

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete the product; raise ProtectedError if a variant is held by a checkout or stands in an order."""
        with deletion_of(str(self), variant__product=self.pk):
            return super().delete(*args, **kwargs)


class FormerSlug(models.Model):
    """Keep a slug that a product had; a trigger writes it when the product gets another one."""

    vendor = models.ForeignKey(Vendor, models.CASCADE, related_name="+")
    slug = models.SlugField(max_length=160)
    product = models.ForeignKey(Product, models.CASCADE, related_name="former_slugs")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["vendor", "slug"], name="vendors_former_slug_once")]

    def __str__(self) -> str:
        return self.slug


def price_at(now: datetime) -> Case:
    """Return ``Variant.current_price`` as an SQL expression."""
    has_begun = Q(sale_from__isnull=True) | Q(sale_from__lte=now)
    not_over = Q(sale_until__isnull=True) | Q(sale_until__gt=now)
    on_sale = When(Q(sale_price__isnull=False) & has_begun & not_over, then=F("sale_price"))
    return Case(on_sale, default=F("price"))


class VariantQuerySet(GoodsQuerySet["Variant"]):
    """Select variants."""

    def on_offer(self) -> Self:
        """Select the variants that are not withdrawn."""
        return self.filter(withdrawn=False)


class Variant(models.Model):
    """Offer one size or colour of a product, with its price; carts hold variants."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="variants")
    name = models.CharField(max_length=80, blank=True, help_text="Empty where the product has a single variant.")
    option_values = models.JSONField(default=dict, editable=False, help_text="Its value of each option of the product.")
    sku = models.CharField("SKU", max_length=40)
    price = AmountField(validators=[more_than_nothing])
    sale_price = AmountField(null=True, blank=True, validators=[more_than_nothing])
    sale_from = models.DateTimeField(null=True, blank=True)
    sale_until = models.DateTimeField(null=True, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    withdrawn = models.BooleanField(default=False, help_text="No longer on sale; its orders keep it.")

    objects = VariantQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["product", "sku"],
                name="vendors_variant_sku_once",
                violation_error_message="This product has a variant with this SKU already.",
            ),
            models.UniqueConstraint(
                fields=["product", "option_values"],
                condition=Q(withdrawn=False) & ~Q(option_values={}),
                name="vendors_variant_combination_once",
                violation_error_message="This product has a variant with these values already.",
            ),
            models.CheckConstraint(
                condition=Q(price__gt=0),
                name="vendors_variant_price_positive",
                violation_error_message="A price is more than nothing.",
            ),
            models.CheckConstraint(
                condition=Q(sale_price__isnull=True) | Q(sale_price__lt=F("price")),
                name="vendors_variant_sale_below_price",
                violation_error_message="A sale price is below the price.",
            ),
            models.CheckConstraint(
                condition=Q(sale_from__isnull=True) | Q(sale_until__isnull=True) | Q(sale_from__lt=F("sale_until")),
                name="vendors_variant_sale_ends_after_it_begins",
                violation_error_message="The sale ends before it begins.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product.name}, {self.name}" if self.name else self.product.name

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete the variant; raise ProtectedError if it is held by a checkout or stands in an order."""
        with deletion_of(str(self), variant=self.pk):
            return super().delete(*args, **kwargs)

    @property
    def currency(self) -> str:
        """Return the currency of the prices."""
        return self.product.currency

    def is_on_sale(self, now: datetime) -> bool:
        """Return True if the sale price applies now."""
        return (
            self.sale_price is not None
            and (self.sale_from is None or self.sale_from <= now)
            and (self.sale_until is None or now < self.sale_until)
        )

    def current_price(self, now: datetime) -> int:
        """Return the price of one piece at ``now``, in minor units."""
        price: int = self.sale_price if self.is_on_sale(now) and self.sale_price is not None else self.price
        return price


class ProductImage(models.Model):
    """Hold a re-encoded raster picture; the uploaded bytes are never stored."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="images")
    file = models.ImageField("picture", upload_to="products/", width_field="width", height_field="height")
    alt = models.CharField("what it shows", max_length=200, help_text="For those who cannot see it.")
    width = models.PositiveIntegerField(editable=False, default=0)
    height = models.PositiveIntegerField(editable=False, default=0)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.alt

    def rendition(self, size: int) -> str:
        """Return the URL of the rendition ``size`` pixels wide, beside the file: kettle.webp, kettle-600.webp."""
        stem, dot, suffix = str(self.file.name).rpartition(".")
        return self.file.storage.url(f"{stem}-{size}{dot}{suffix}")

    @property
    def srcset(self) -> str:
        """Return the ``srcset`` attribute over all renditions."""
        own_size = f"{self.file.url} {self.width}w"
        return ", ".join([*(f"{self.rendition(size)} {size}w" for size in RENDITIONS), own_size])

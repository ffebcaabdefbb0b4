"""Models of the catalogue: categories, products, variants and images, with their QuerySets."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, When
from django.utils import timezone

from vendors.models.amount_fields import AmountField, more_than_nothing
from vendors.models.deletion import GoodsQuerySet, deletion_of
from vendors.models.stores import Marketplace, Vendor
from vendors.models.text_fields import MarkdownField

WIDEST = 1200
WIDTHS = (300, 600, WIDEST)  # in pixels, made of each picture


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
    """Select products; lists show their cards (``vendors.models.cards``)."""

    stock_lookup = "variant__product__in"

    def published(self) -> Self:
        """Select published products of published vendors."""
        return self.filter(status=Product.Status.PUBLISHED, vendor__status=Vendor.Status.PUBLISHED)

    def for_vendor(self, vendor_id: int) -> Self:
        """Select the products of a vendor."""
        return self.filter(vendor=vendor_id)


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
    details = models.TextField(
        blank=True,
        db_default="",
        max_length=2000,
        help_text="One a line, as “Material: oak, brass” or “Care: wipe it dry”. Shoppers filter by material, colour "
        "and size.",
    )
    options = models.JSONField(
        default=list, editable=False, help_text="What a shopper chooses, in order: name and values of each."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

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
            models.Index("category", "vendor", name="vendors_product_shelf"),
            models.Index(fields=["vendor", "name", "id"], name="vendors_product_names"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def currency(self) -> str:
        """Return the currency of the prices; '' for a new product without a shop."""
        return self.vendor.marketplace.currency if self.vendor_id else ""

    @property
    def detail_pairs(self) -> list[tuple[str, str]]:
        """Return the details as names and texts; a line without a colon is a text without a name."""
        lines = [" ".join(line.split()) for line in self.details.splitlines()]
        return [
            (name.strip(), text.strip()) if colon else ("", name)
            for name, colon, text in (line.partition(":") for line in lines if line)
        ]

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


def price_changes(variant: Variant) -> list[datetime]:
    """Return the moments at which a variant's price changes by itself."""
    return [at for at in (variant.sale_from, variant.sale_until) if at is not None and variant.sale_price is not None]


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
    """Hold a re-encoded raster picture; the uploaded bytes are never stored.

    ``file`` names its best format: beside kettle.avif lie kettle-300.avif and kettle-600.avif, and all three as WebP.
    Where it is kettle.webp, the Pillow that wrote it had no AVIF.
    """

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

    def rendition(self, width: int) -> str:
        """Return the URL of the WebP file ``width`` pixels wide, which every browser and robot reads."""
        return f"{self._address()}{size_suffix(width)}.webp"

    @property
    def widest(self) -> str:
        """Return the URL of the widest WebP file."""
        return self.rendition(WIDEST)

    @property
    def srcset(self) -> str:
        """Return the ``srcset`` attribute over all WebP files."""
        return srcset_of(self._address(), "webp")

    @property
    def has_avif(self) -> bool:
        """Return True if there are AVIF files."""
        return str(self.file.name).endswith(".avif")

    @property
    def avif_srcset(self) -> str:
        """Return the ``srcset`` attribute over all AVIF files."""
        return srcset_of(self._address(), "avif")

    @property
    def stem(self) -> str:
        """Return the name of the files in the storage, without size and format."""
        return str(self.file.name).rpartition(".")[0]

    def _address(self) -> str:
        """Return the URL of the files without size and format."""
        return self.file.storage.url(self.stem)


def size_suffix(width: int) -> str:
    """Return what the name of a file says of its width: nothing of the widest."""
    return "" if width == WIDEST else f"-{width}"


def srcset_of(address: str, kind: str) -> str:
    """Return the ``srcset`` attribute over the files of one format."""
    return ", ".join(f"{address}{size_suffix(width)}.{kind} {width}w" for width in WIDTHS)

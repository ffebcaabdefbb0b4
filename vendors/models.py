"""Vendors, storefronts, memberships and the catalogue."""

import uuid
from datetime import datetime
from typing import Self

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from vendors.money import Money

RENDITIONS = (300, 600)  # widths in pixels, made with each picture
hex_colour = RegexValidator(r"^#[0-9a-f]{6}$", "A colour is written #rrggbb, in lower case.")


class Marketplace(models.Model):
    """What the shops of one community have in common: a currency and the mall's own words."""

    community = models.OneToOneField("sessions_farm.Community", models.CASCADE, related_name="+")
    currency = models.CharField(max_length=3, default="EUR", help_text="ISO 4217 code.")
    strapline = models.CharField(max_length=200, blank=True)
    support_email = models.EmailField(blank=True)

    def __str__(self) -> str:
        return str(self.community)


class VendorQuerySet(models.QuerySet["Vendor"]):
    def published(self) -> Self:
        return self.filter(status=Vendor.Status.PUBLISHED)

    def staffed_by(self, user: models.Model) -> Self:
        return self.filter(memberships__user=user).distinct()


class Vendor(models.Model):
    class Status(models.TextChoices):
        DRAFT = "draft", "being set up"
        PUBLISHED = "published", "open"
        SUSPENDED = "suspended", "closed by the mall"

    class Typeface(models.TextChoices):
        SANS = "sans", "humanist sans"
        SERIF = "serif", "serif"
        SLAB = "slab", "slab serif"
        MONO = "mono", "monospace"

    class Front(models.TextChoices):
        AWNING = "awning", "striped awning, coloured band"
        ARCH = "arch", "arch, centred name"
        SIGN = "sign", "hanging sign, name and words side by side"
        PANES = "panes", "window panes, small and plain"

    marketplace = models.ForeignKey(Marketplace, models.PROTECT, related_name="vendors")
    name = models.CharField(max_length=100)
    slug = models.SlugField(unique=True)
    status = models.CharField(max_length=9, choices=Status, default=Status.DRAFT)
    tagline = models.CharField(max_length=160, blank=True)
    about = models.TextField(blank=True, help_text="Markdown.")
    delivery_text = models.TextField("delivery", blank=True, help_text="Markdown.")
    returns_text = models.TextField("returns", blank=True, help_text="Markdown.")
    support_text = models.TextField("support page", blank=True, help_text="Markdown.")
    support_email = models.EmailField(blank=True)
    town = models.CharField(max_length=80, blank=True)
    typeface = models.CharField(max_length=5, choices=Typeface, default=Typeface.SANS)
    front = models.CharField(
        "shop front", max_length=6, choices=Front, blank=True, help_text="Empty: the one that suits the typeface."
    )
    accent = models.CharField("accent colour", max_length=7, default="#1f5f5b", validators=[hex_colour])
    paper = models.CharField("paper colour", max_length=7, default="#faf8f4", validators=[hex_colour])
    ink = models.CharField("ink colour", max_length=7, default="#22201c", validators=[hex_colour])
    delivery_charge = models.PositiveIntegerField(default=0, help_text="In minor units (cents).")
    express_charge = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: no express delivery.")
    free_delivery_from = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: never free.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = VendorQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def is_published(self) -> bool:
        return self.status == self.Status.PUBLISHED


class Storefront(models.Model):
    """Where a vendor's shop is: a domain, one label below a wildcard domain, or a path on the master."""

    vendor = models.OneToOneField(Vendor, models.CASCADE, related_name="storefront")
    domain = models.ForeignKey("sessions_farm.Domain", models.PROTECT, null=True, blank=True, related_name="+")
    label = models.SlugField(blank=True, help_text="Only below a wildcard domain: thistle for thistle.example.org.")

    class Meta:
        constraints = [
            models.UniqueConstraint("domain", "label", name="vendors_storefront_host_once"),
            models.CheckConstraint(
                condition=Q(domain__isnull=False) | Q(label=""), name="vendors_storefront_label_needs_domain"
            ),
        ]

    def __str__(self) -> str:
        return self.host or f"/stores/{self.vendor.slug}/"

    @property
    def host(self) -> str:
        """The shop's own host without a port; empty for a shop on the master's path."""
        if self.domain is None:
            return ""
        return f"{self.label}.{self.domain.host}" if self.label else self.domain.host


class Membership(models.Model):
    """What a person may do for a vendor."""

    class Role(models.TextChoices):
        OWNER = "owner", "owner"
        CATALOGUE = "catalogue", "catalogue"
        ORDERS = "orders", "orders"
        SUPPORT = "support", "support"

    vendor = models.ForeignKey(Vendor, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    role = models.CharField(max_length=9, choices=Role)

    class Meta:
        constraints = [models.UniqueConstraint("vendor", "user", "role", name="vendors_membership_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.role} of {self.vendor}"


class Category(models.Model):
    """A department of the mall; vendors' products share them."""

    marketplace = models.ForeignKey(Marketplace, models.CASCADE, related_name="categories")
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    name = models.CharField(max_length=80)
    slug = models.SlugField()
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "name"]
        verbose_name_plural = "categories"
        constraints = [models.UniqueConstraint("marketplace", "slug", name="vendors_category_slug_once")]

    def __str__(self) -> str:
        return self.name


class ProductQuerySet(models.QuerySet["Product"]):
    def published(self) -> Self:
        return self.filter(status=Product.Status.PUBLISHED, vendor__status=Vendor.Status.PUBLISHED)

    def for_vendor(self, vendor: Vendor) -> Self:
        return self.filter(vendor=vendor)


class Product(models.Model):
    class Status(models.TextChoices):
        DRAFT = "draft", "draft"
        PUBLISHED = "published", "published"
        WITHDRAWN = "withdrawn", "withdrawn"

    vendor = models.ForeignKey(Vendor, models.CASCADE, related_name="products")
    category = models.ForeignKey(Category, models.PROTECT, related_name="products")
    name = models.CharField(max_length=140)
    slug = models.SlugField(max_length=160)
    status = models.CharField(max_length=9, choices=Status, default=Status.DRAFT)
    summary = models.CharField(max_length=240, blank=True)
    description = models.TextField(blank=True, help_text="Markdown.")
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
        constraints = [models.UniqueConstraint("vendor", "slug", name="vendors_product_slug_once")]
        indexes = [
            GinIndex("search", name="vendors_product_search"),
            models.Index("category", "vendor", name="vendors_product_shelf"),
        ]

    def __str__(self) -> str:
        return self.name


class Variant(models.Model):
    """What can be put into a cart: one size or colour of a product, with its price."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="variants")
    name = models.CharField(max_length=80, blank=True, help_text="Empty where the product has a single variant.")
    sku = models.CharField("SKU", max_length=40)
    price = models.PositiveIntegerField(help_text="In minor units (cents).", validators=[MinValueValidator(1)])
    sale_price = models.PositiveIntegerField(null=True, blank=True)
    sale_from = models.DateTimeField(null=True, blank=True)
    sale_until = models.DateTimeField(null=True, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint("product", "sku", name="vendors_variant_sku_once"),
            models.CheckConstraint(condition=Q(price__gt=0), name="vendors_variant_price_positive"),
            models.CheckConstraint(
                condition=Q(sale_price__isnull=True) | Q(sale_price__lt=F("price")),
                name="vendors_variant_sale_below_price",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product.name}, {self.name}" if self.name else self.product.name

    def is_on_sale(self, now: datetime) -> bool:
        return (
            self.sale_price is not None
            and (self.sale_from is None or self.sale_from <= now)
            and (self.sale_until is None or now < self.sale_until)
        )

    def current_price(self, now: datetime) -> int:
        """The price of one, in minor units, at that moment."""
        return self.sale_price if self.is_on_sale(now) and self.sale_price is not None else self.price

    def price_as_money(self, now: datetime) -> Money:
        return Money(self.current_price(now), self.product.vendor.marketplace.currency)


class Stock(models.Model):
    """How many of a variant are in the vendor's hands; the CHECK is the last line against overselling."""

    variant = models.OneToOneField(Variant, models.CASCADE, primary_key=True, related_name="stock")
    on_hand = models.IntegerField(default=0)
    low_below = models.PositiveIntegerField(default=3, help_text="Shown as low stock below this number.")

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
    """Goods kept for a checkout under way; it ends by the clock in every query, not by a job."""

    reference = models.UUIDField(default=uuid.uuid4, db_index=True, help_text="The order that holds.")
    variant = models.ForeignKey(Variant, models.CASCADE, related_name="holds")
    quantity = models.PositiveIntegerField()
    until = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint("reference", "variant", name="vendors_hold_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="vendors_hold_quantity_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.variant} until {self.until:%H:%M}"


class ProductImage(models.Model):
    """A re-encoded raster picture; never the bytes that were uploaded."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="images")
    file = models.ImageField(upload_to="products/", width_field="width", height_field="height")
    alt = models.CharField("description for those who cannot see it", max_length=200)
    width = models.PositiveIntegerField(editable=False, default=0)
    height = models.PositiveIntegerField(editable=False, default=0)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.alt

    def rendition(self, size: int) -> str:
        """The URL of the picture ``size`` pixels wide; renditions lie beside the file: kettle.webp, kettle-600.webp."""
        stem, dot, suffix = self.file.name.rpartition(".")
        return self.file.storage.url(f"{stem}-{size}{dot}{suffix}")

    @property
    def srcset(self) -> str:
        own_size = f"{self.file.url} {self.width}w"
        return ", ".join([*(f"{self.rendition(size)} {size}w" for size in RENDITIONS), own_size])

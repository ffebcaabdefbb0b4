"""Models of marketplaces, vendors, storefronts and memberships."""

import calendar
from datetime import time
from typing import Self
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django_countries.fields import CountryField
from moneyed import CURRENCIES

from sessions_farm.communities.models import Domain
from sessions_farm.communities.registry import LABEL
from vendors import languages
from vendors.models.text_fields import MarkdownField

hex_colour = RegexValidator(r"^#[0-9a-f]{6}$", "A colour is written #rrggbb, in lower case.")
WEEKDAYS = list(enumerate(calendar.day_name))  # from 0, Monday, as date.weekday() counts


def monday_to_friday() -> list[int]:
    """Return the usual sending days."""
    return list(range(5))


def known_time_zone(name: str) -> None:
    """Refuse a name that is no time zone's."""
    if name not in available_timezones():
        raise ValidationError(f"“{name}” is no time zone; write it like Europe/Dublin.")


def known_currency(code: str) -> None:
    """Refuse a code that is no currency's."""
    if code not in CURRENCIES:
        raise ValidationError(f"“{code}” is no code of ISO 4217; write it like EUR.")


class Marketplace(models.Model):
    """Hold the currency and texts that the vendors of one community share."""

    community = models.OneToOneField("communities.Community", models.CASCADE, related_name="+")
    currency = models.CharField(
        max_length=3,
        default="EUR",
        validators=[known_currency],
        help_text="Its code of ISO 4217. It stays once goods have prices in it.",
    )
    country = CountryField(default="IE", help_text="Where shoppers want their goods until they say otherwise.")
    language = models.CharField(
        max_length=languages.CODE_LENGTH,
        choices=settings.LANGUAGES,
        default=settings.LANGUAGE_CODE,
        db_default=settings.LANGUAGE_CODE,
        help_text="Of the pages, until a shopper chooses another.",
    )
    strapline = models.CharField(max_length=200, blank=True)
    support_email = models.EmailField(blank=True)
    vendor_terms = MarkdownField(
        "terms for vendors", blank=True, help_text="An owner accepts them before the store opens."
    )
    bank_account = models.TextField(
        blank=True, help_text="Whose account, IBAN and BIC, for shoppers who pay by transfer. Empty: not offered."
    )

    def __str__(self) -> str:
        return str(self.community)

    def clean(self) -> None:
        """Refuse another currency where goods have prices: the numbers would stay and mean something else."""
        before = Marketplace.objects.filter(pk=self.pk).values_list("currency", flat=True).first()
        if before and before != self.currency and self.vendors.filter(products__isnull=False).exists():
            raise ValidationError({"currency": f"The prices here are in {before}, and stay so."})


class VendorQuerySet(models.QuerySet["Vendor"]):
    """Select vendors."""

    def published(self) -> Self:
        """Select the vendors whose stores are open."""
        return self.filter(status=Vendor.Status.PUBLISHED)


class Vendor(models.Model):
    """Describe a seller: texts, look, and the days on which its parcels leave."""

    class Status(models.TextChoices):
        """List the states of a vendor's store."""

        DRAFT = "draft", "being set up"
        ASKED = "asked", "waiting for the mall’s approval"
        PUBLISHED = "published", "open"
        SUSPENDED = "suspended", "closed by the mall"

    class Typeface(models.TextChoices):
        """List the typefaces on offer."""

        SANS = "sans", "humanist sans"
        SERIF = "serif", "serif"
        SLAB = "slab", "slab serif"
        MONO = "mono", "monospace"

    class Front(models.TextChoices):
        """List the layouts of a store's header."""

        AWNING = "awning", "striped awning, coloured band"
        ARCH = "arch", "arch, centred name"
        SIGN = "sign", "hanging sign, name and words side by side"
        PANES = "panes", "window panes, small and plain"

    marketplace = models.ForeignKey(Marketplace, models.PROTECT, related_name="vendors")
    name = models.CharField(max_length=100)
    slug = models.SlugField(unique=True)
    status = models.CharField(max_length=9, choices=Status, default=Status.DRAFT)
    tagline = models.CharField(max_length=160, blank=True)
    about = MarkdownField(blank=True)
    delivery_text = MarkdownField("delivery", blank=True)
    returns_text = MarkdownField("returns", blank=True)
    support_text = MarkdownField("support page", blank=True)
    support_email = models.EmailField(blank=True)
    town = models.CharField(max_length=80, blank=True)
    typeface = models.CharField(max_length=5, choices=Typeface, default=Typeface.SANS)
    front = models.CharField(
        "shop front", max_length=6, choices=Front, blank=True, help_text="Empty: the one that suits the typeface."
    )
    accent = models.CharField("accent colour", max_length=7, default="#1f5f5b", validators=[hex_colour])
    paper = models.CharField("paper colour", max_length=7, default="#faf8f4", validators=[hex_colour])
    ink = models.CharField("ink colour", max_length=7, default="#22201c", validators=[hex_colour])
    newest_heading = models.CharField(
        "above the newest", max_length=60, blank=True, db_default="", help_text="Empty: “New in the shop”."
    )
    departments_heading = models.CharField(
        "above the departments", max_length=60, blank=True, db_default="", help_text="Empty: “Shelf by shelf”."
    )
    goods_heading = models.CharField(
        "above the goods", max_length=60, blank=True, db_default="", help_text="Empty: “On the counter”."
    )
    foot_words = models.CharField(
        "at the foot", max_length=90, blank=True, db_default="", help_text="Empty: “We pack it ourselves.”"
    )
    time_zone = models.CharField(
        max_length=40,
        default="Europe/Dublin",
        validators=[known_time_zone],
        help_text="Of the shop’s own clock, such as Europe/Dublin or America/New_York.",
    )
    sending_days = ArrayField(
        models.PositiveSmallIntegerField(choices=WEEKDAYS),
        default=monday_to_friday,
        help_text="The days of the week on which parcels leave the shop.",
    )
    cut_off = models.TimeField(
        "ordered before",
        default=time(14),
        help_text="What is ordered before this time of the shop’s own clock leaves on the same day.",
    )
    closed_days = ArrayField(
        models.DateField(), default=list, blank=True, help_text="Holidays, on which nothing leaves."
    )
    return_days = models.PositiveSmallIntegerField(
        "days for returns",
        default=14,
        db_default=14,
        help_text="Shoppers may ask for a return until so long after sending.",
    )
    terms_accepted_at = models.DateTimeField(null=True, editable=False)
    terms_accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
    )
    remark = models.CharField(
        max_length=500,
        blank=True,
        editable=False,
        help_text="The mall's words, where it sent back or closed the store.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = VendorQuerySet.as_manager()

    class Meta:
        permissions = [("see_all_vendors", "Can see the rows of all vendors")]

    def __str__(self) -> str:
        return self.name

    @property
    def currency(self) -> str:
        """Return the currency of prices and charges; '' for a new vendor without a marketplace."""
        return self.marketplace.currency if self.marketplace_id else ""

    @property
    def is_published(self) -> bool:
        """Return True if the store is open."""
        return self.status == self.Status.PUBLISHED


class Storefront(models.Model):
    """Place a vendor's store on a domain, one label below a wildcard domain, or a path on the master."""

    vendor = models.OneToOneField(Vendor, models.CASCADE, related_name="storefront")
    domain = models.ForeignKey("communities.Domain", models.PROTECT, null=True, blank=True, related_name="+")
    label = models.SlugField(blank=True, help_text="Only below a wildcard domain: thistle for thistle.example.org.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["domain", "label"],
                name="vendors_storefront_host_once",
                violation_error_message="Another shop is at this host.",
            ),
            models.CheckConstraint(
                condition=Q(domain__isnull=False) | Q(label=""),
                name="vendors_storefront_label_needs_domain",
                violation_error_message="A label needs a domain.",
            ),
        ]

    def __str__(self) -> str:
        return self.host or f"/stores/{self.vendor.slug}/"

    def clean(self) -> None:
        """Refuse a place that the registry would not serve."""
        if not hasattr(self, "vendor"):
            return  # refused by its own field
        if fault := self.place_fault():
            raise ValidationError({"domain": fault})
        if self.label and not LABEL.fullmatch(self.label):
            raise ValidationError({"label": "Give one label of a host name: small letters, digits and hyphens."})

    def place_fault(self) -> str:
        """Return why no store can be on this domain, as a sentence; '' where it can."""
        domain = self.domain
        if domain is None:
            return "A label needs a domain." if self.label else ""
        community, is_wildcard = domain.community, domain.kind == Domain.Kind.WILDCARD
        faults = (
            (community.pk != self.vendor.marketplace.community_id, f"{domain} is of another community, {community}."),
            (domain.kind == Domain.Kind.EXTERNAL, f"{domain} is outside this farm, which serves no page there."),
            (domain.canonical_id, f"{domain} leads to {domain.canonical}; choose that one."),
            (community.master_id == domain.pk, f"{domain} is the master, which has every shop below /stores/."),
            (is_wildcard and not self.label, f"{domain} needs a label."),
            (self.label and not is_wildcard, f"{domain} is one host: leave the label empty."),
        )
        return next((text for is_wrong, text in faults if is_wrong), "")

    @property
    def host(self) -> str:
        """Return the store's own host without a port; empty for a store on the master's path."""
        if self.domain is None:
            return ""
        return f"{self.label}.{self.domain.host}" if self.label else self.domain.host


class Membership(models.Model):
    """Grant a user a role at a vendor."""

    class Role(models.TextChoices):
        """List the roles of vendor staff."""

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

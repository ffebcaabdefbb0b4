"""Communities of domains, and the visitors known to them."""

import uuid

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone


class Community(models.Model):
    """Domains that share visitors, sessions and one cart; one of them is the master."""

    class Policy(models.TextChoices):
        EAGER = "eager", "on the first page of each domain"
        LAZY = "lazy", "only where the mall id is needed"
        OFF = "off", "never"

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    is_active = models.BooleanField(default=True)
    master = models.ForeignKey("Domain", models.PROTECT, null=True, blank=True, related_name="+")
    cookie_name = models.CharField(
        max_length=32,
        unique=True,
        default="mall",
        validators=[RegexValidator(r"^[a-z][a-z0-9_-]{0,31}$", "Lower-case letters, digits, - and _ only.")],
    )
    id_generator = models.CharField(max_length=200, blank=True, help_text="Dotted path; empty for the built-in one.")
    handoff_policy = models.CharField(max_length=5, choices=Policy, default=Policy.EAGER)
    peer_authority = models.BooleanField(default=True)
    first_add_landing = models.BooleanField(default=True)
    key_epoch = models.PositiveIntegerField(default=1, help_text="Raise it to revoke every cookie of the community.")

    class Meta:
        verbose_name_plural = "communities"

    def __str__(self) -> str:
        return self.name


class Domain(models.Model):
    """A host proven to belong to a community; no port in it."""

    class Kind(models.TextChoices):
        EXACT = "exact", "this host"
        WILDCARD = "wildcard", "each host one label below"
        EXTERNAL = "external", "a host outside this farm"

    class Status(models.TextChoices):
        PENDING = "pending", "waiting for proof"
        VERIFIED = "verified", "proven, not yet served"
        ACTIVE = "active", "served"
        SUSPENDED = "suspended", "not served"

    community = models.ForeignKey(Community, models.CASCADE, related_name="domains")
    host = models.CharField(max_length=253, unique=True)
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.EXACT)
    status = models.CharField(max_length=9, choices=Status, default=Status.ACTIVE)
    canonical = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="aliases")

    def __str__(self) -> str:
        return f"*.{self.host}" if self.kind == self.Kind.WILDCARD else self.host


class Visitor(models.Model):
    """The long-lived GUID of someone who visits a community."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    community = models.ForeignKey(Community, models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return str(self.id)

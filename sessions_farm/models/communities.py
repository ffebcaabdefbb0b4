"""Communities of domains, their registry's version, and what was merged in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone

from sessions_farm.signals import registry_changed, registry_changing

HOST = RegexValidator(
    r"^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$",
    "Give a host name in lower case without scheme, port, path or final dot (IDNA as xn--…).",
)


class RegistryVersion(models.Model):
    """One row; its number rises with each change of the registry, in the same transaction."""

    number = models.PositiveBigIntegerField(default=1)

    def __str__(self) -> str:
        return str(self.number)

    @staticmethod
    def bump() -> None:
        """Raise the number; call first in the transaction, so that two changers wait here and not in a deadlock."""
        rows = RegistryVersion.objects
        if not rows.filter(pk=1).update(number=F("number") + 1):
            rows.bulk_create([RegistryVersion(pk=1, number=0)], ignore_conflicts=True)
            rows.filter(pk=1).update(number=F("number") + 1)
        registry_changing.send(RegistryVersion)
        transaction.on_commit(lambda: registry_changed.send_robust(RegistryVersion))


class RegistryQuerySet[Row: models.Model](models.QuerySet[Row]):
    """Rows of the registry: a change of many raises the version as a change of one does."""

    def update(self, **values: Any) -> int:
        with transaction.atomic():
            RegistryVersion.bump()
            return super().update(**values)

    update.alters_data = True  # type: ignore[attr-defined]  # keeps templates from calling it, as Django's own

    def delete(self) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            RegistryVersion.bump()
            return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]  # as above
    delete.queryset_only = True  # type: ignore[attr-defined]  # not on the manager, as Django's own

    def bulk_create(self, objs: Iterable[Row], *args: Any, **kwargs: Any) -> list[Row]:
        with transaction.atomic():
            RegistryVersion.bump()
            return super().bulk_create(objs, *args, **kwargs)


class DomainQuerySet(RegistryQuerySet["Domain"]):
    def served(self) -> Self:
        """Domains that this farm answers to, with what a member needs to know."""
        return (
            self.filter(status=Domain.Status.ACTIVE, community__is_active=True)
            .exclude(kind=Domain.Kind.EXTERNAL)
            .select_related("community__master", "canonical")
        )


class RegistryRow(models.Model):
    """A row whose change every node must learn of."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            RegistryVersion.bump()
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            RegistryVersion.bump()
            return super().delete(*args, **kwargs)


class Community(RegistryRow):
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
    cookieless = models.BooleanField(
        "without cookies",
        default=False,
        help_text="Serve browsers that keep no cookies by a signed token in each address. The risk: whoever gets such "
        "an address (a shared link, a proxy's log, a screenshot) and has the same kind of browser in the same network "
        "is that visitor until it runs out. Members of staff still need cookies. See sessions_farm/cookieless.py.",
    )

    objects: ClassVar = RegistryQuerySet["Community"].as_manager()

    class Meta:
        verbose_name_plural = "communities"

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.master and (self.master.community_id != self.pk or self.master.kind != Domain.Kind.EXACT):
            raise ValidationError(
                {"master": f"{self.master} is no exact host of this community; only one may be its master."}
            )


class Domain(RegistryRow):
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
    host = models.CharField(max_length=253, validators=[HOST])
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.EXACT)
    status = models.CharField(max_length=9, choices=Status, default=Status.ACTIVE)
    canonical = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="aliases")

    objects: ClassVar = DomainQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("host", condition=~Q(kind="wildcard"), name="domain_of_one_community"),
            models.UniqueConstraint("host", condition=Q(kind="wildcard"), name="wildcard_of_one_community"),
        ]

    def __str__(self) -> str:
        return f"*.{self.host}" if self.kind == self.Kind.WILDCARD else self.host

    def clean(self) -> None:
        """Refuse a host whose neighbours belong to another community: they could set cookies for each other."""
        others = Domain.objects.exclude(community=self.community_id)
        if self.kind == self.Kind.WILDCARD:
            rival = others.filter(host__endswith=f".{self.host}").first()
        else:
            rival = others.filter(kind=self.Kind.WILDCARD, host=self.host.partition(".")[2]).first()
        if rival:
            raise ValidationError({"host": f"{self} overlaps {rival} of the community {rival.community}."})
        if self.canonical and self.canonical.community_id != self.community_id:
            raise ValidationError({"canonical": f"{self.canonical} is of another community."})


class MergeMarker(models.Model):
    """That one visitor was merged into another: a pair is merged once."""

    source = models.ForeignKey("sessions_farm.Visitor", models.CASCADE, related_name="+")
    target = models.ForeignKey("sessions_farm.Visitor", models.CASCADE, related_name="+")
    merged_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint("source", "target", name="visitors_merge_once")]

    def __str__(self) -> str:
        return f"{self.source_id} → {self.target_id}"

"""Domains: verified hosts of a community, served here or outside the farm."""

from __future__ import annotations

import datetime
import secrets
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator, URLValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from sessions_farm.communities.models.communities import Community
from sessions_farm.communities.models.registry import RegistryQuerySet, RegistryRow
from sessions_farm.communities.public_suffixes import is_public_suffix

HOST = RegexValidator(
    r"^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$",
    "Give a host name in lower case without scheme, port, path or final dot (IDNA as xn--…).",
)

UNOWNED = frozenset({"localhost", "test"})  # below these nobody can own a name (RFC 6761), so none is proven either
URL = URLValidator(schemes=["http", "https"])


def is_address_on(host: str, address: str, scheme: str) -> bool:
    """Return whether a URL is whole, on a host, of a scheme, and without user, password or fragment."""
    try:
        URL(address)
        parts = urlsplit(address)
    except (ValidationError, ValueError):
        return False
    bare = "@" not in parts.netloc and "#" not in address
    return bare and (parts.scheme, parts.hostname) == (scheme, host) and address.startswith(f"{scheme}://{host}")


def new_verification_token() -> str:
    """Return the text for a domain's TXT record: 144 random bits."""
    return secrets.token_urlsafe(18)


class DomainQuerySet(RegistryQuerySet["Domain"]):
    """Queries of domains; every node learns of a change."""

    def active(self) -> Self:
        """Return the domains that are served, and the external ones that may redeem codes."""
        return self.filter(status=Domain.Status.ACTIVE, community__is_active=True)

    def update_unversioned(self, **values: Any) -> int:
        """Update fields that no node holds in memory: the registry's version stays."""
        return models.QuerySet.update(self, **values)

    update_unversioned.alters_data = True  # type: ignore[attr-defined]  # keeps templates from calling it, as Django's own

    def holding(self) -> Self:
        """Return the domains that hold their names: all but the pending ones, which reserve nothing."""
        return self.exclude(status=Domain.Status.PENDING)

    def namesakes_of(self, domain: Domain) -> Self:
        """Return the other domains of a host; a wildcard has another name than its base."""
        kind = Q(kind=Domain.Kind.WILDCARD)
        return self.filter(kind if domain.kind == Domain.Kind.WILDCARD else ~kind, host=domain.host).exclude(
            pk=domain.pk
        )

    def overlapping(self, domain: Domain) -> Self:
        """Return the domains of other communities that hold a neighbouring name: they could set cookies for it."""
        others = self.holding().exclude(community=domain.community_id)
        if domain.kind == Domain.Kind.WILDCARD:
            return others.filter(host__endswith=f".{domain.host}")
        return others.filter(kind=Domain.Kind.WILDCARD, host=domain.host.partition(".")[2])

    def due_for_verification(
        self,
        verified_before: datetime.datetime,
        pending_before: datetime.datetime,
        pending_after: datetime.datetime,
    ) -> Self:
        """Return the verified and the pending domains that were last verified before these moments, oldest first.

        A domain that an operator serves unverified is never due, nor is one pending since before ``pending_after``.
        """
        unchecked = Q(checked_at__isnull=True)
        pending = Q(status=Domain.Status.PENDING, pending_since__gte=pending_after) & (
            unchecked | Q(checked_at__lt=pending_before)
        )
        verified = Q(
            status__in=[Domain.Status.VERIFIED, Domain.Status.ACTIVE],
            verified_at__isnull=False,
            checked_at__lt=verified_before,
        )
        return self.filter(pending | verified).order_by(F("checked_at").asc(nulls_first=True), "pk")


class Domain(RegistryRow):
    """A host of a community, without a port.

    A pending one reserves nothing: a host may have several, each with a token of its own, and the DNS decides.
    """

    class Kind(models.TextChoices):
        EXACT = "exact", "this host"
        WILDCARD = "wildcard", "each host one label below"
        EXTERNAL = "external", "a host outside this farm"

    class Status(models.TextChoices):
        PENDING = "pending", "waiting for verification"
        VERIFIED = "verified", "verified, not yet served"
        ACTIVE = "active", "served"
        SUSPENDED = "suspended", "not served"

    community = models.ForeignKey(Community, models.CASCADE, related_name="domains")
    host = models.CharField(max_length=253, validators=[HOST])
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.EXACT)
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    canonical = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="aliases",
        help_text="Where this host leads; empty for one that serves pages itself.",
    )
    verify_token = models.CharField(max_length=32, default=new_verification_token, editable=False)
    pending_since = models.DateTimeField(default=timezone.now, editable=False)
    verified_at = models.DateTimeField(null=True, blank=True, editable=False)
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    failures = models.PositiveSmallIntegerField(default=0, editable=False, help_text="Failed verifications in a row.")
    fault = models.CharField(max_length=300, blank=True, editable=False)
    redirect_uris = models.TextField(
        "redirect addresses",
        blank=True,
        help_text="Outside the farm only: the https addresses there, one a line, any of which may receive the code for "
        "a shopper. Each counts to the letter.",
    )

    objects: ClassVar = DomainQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "host", condition=~Q(kind="wildcard") & ~Q(status="pending"), name="domain_of_one_community"
            ),
            models.UniqueConstraint(
                "host", condition=Q(kind="wildcard") & ~Q(status="pending"), name="wildcard_of_one_community"
            ),
            models.CheckConstraint(
                condition=(Q(kind="external") & ~Q(redirect_uris="")) | (~Q(kind="external") & Q(redirect_uris="")),
                name="domain_external_has_redirect_uris",
            ),
        ]

    def __str__(self) -> str:
        return f"*.{self.host}" if self.kind == self.Kind.WILDCARD else self.host

    def clean(self) -> None:
        """Refuse a host whose neighbours belong to another community: they could set cookies for each other."""
        if rival := Domain.objects.overlapping(self).select_related("community").first():
            raise ValidationError({"host": f"{self} overlaps {rival} of the community {rival.community}."})
        if self.kind == self.Kind.WILDCARD and is_public_suffix(self.host):
            raise ValidationError({"host": f"{self.host} is a public suffix: strangers may have names below it."})
        if self.canonical:
            self._require_canonical(self.canonical)
        if self.kind == self.Kind.EXTERNAL:
            self._require_redirect_uris()

    def _require_canonical(self, canonical: Domain) -> None:
        if canonical.community_id != self.community_id:
            raise ValidationError({"canonical": f"{canonical} is of another community."})
        if canonical.canonical_id or canonical.pk == self.pk or canonical.kind != self.Kind.EXACT:
            raise ValidationError({"canonical": f"{canonical} does not serve pages itself under one name."})

    def _require_redirect_uris(self) -> None:
        scheme = getattr(settings, "PUBLIC_SCHEME", "https")
        for address in self.redirect_uris.split() or ["Nothing"]:
            if not is_address_on(self.host, address, scheme):
                raise ValidationError(
                    {"redirect_uris": f"{address} is no address on {self.host}, as {scheme}://{self.host}/…"}
                )

    @property
    def needs_proof(self) -> bool:
        """Whether this host is answered only once its owner is proven: a name outside that somebody can own."""
        return self.kind == self.Kind.EXTERNAL and self.host.rpartition(".")[2] not in UNOWNED

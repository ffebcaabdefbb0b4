"""What external members are known by, and what the farm signs for them with."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from sessions_farm.communities.models.communities import Community
from sessions_farm.communities.models.domains import Domain
from sessions_farm.communities.models.registry import RegistryQuerySet, RegistryRow


class ClientSecret(RegistryRow):
    """A secret by which an external member authenticates, as a digest; several may be good at a time."""

    domain = models.ForeignKey(Domain, models.CASCADE, related_name="secrets")
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar = RegistryQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint("domain", "digest", name="secret_of_domain_once")]

    def __str__(self) -> str:
        return f"{self.domain} since {self.created_at:%Y-%m-%d}"


class SigningKey(models.Model):
    """A key pair that signs what external members are told; the private part is encrypted (openid/signing_keys.py)."""

    community = models.ForeignKey(Community, models.CASCADE, related_name="signing_keys")
    kid = models.CharField(max_length=43, unique=True)
    public_jwk = models.JSONField()
    private_jwk = models.TextField()
    signs_from = models.DateTimeField()
    rotates_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.kid

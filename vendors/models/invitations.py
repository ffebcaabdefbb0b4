"""The model of invitations: the way in for a vendor's people."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from vendors.models.stores import Membership, Vendor


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Select invitations."""

    def open(self, now: datetime) -> Self:
        """Select the invitations that can be accepted."""
        return self.filter(accepted_at=None, revoked_at=None, expires_at__gt=now)


class Invitation(models.Model):
    """Record an invitation to a role at a vendor. Only the hash of its token is kept."""

    vendor = models.ForeignKey(Vendor, models.CASCADE, related_name="invitations")
    email = models.EmailField("e-mail address")
    role = models.CharField(max_length=9, choices=Membership.Role)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) | Q(revoked_at__isnull=True),
                name="vendors_invitation_ends_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.email}: {self.get_role_display()} of {self.vendor}"

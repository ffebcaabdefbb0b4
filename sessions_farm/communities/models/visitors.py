"""Visitors of a community, their ids, and their merges."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from sessions_farm.models import HASH_LENGTH


class Visitor(models.Model):
    """The long-lived GUID of a person who visits a community."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    community = models.ForeignKey("communities.Community", models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            # A person's devices share one visitor in a community, and so one cart.
            models.UniqueConstraint("user", "community", condition=Q(user__isnull=False), name="visitor_of_user_once"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class VisitorKey(models.Model):
    """An id of a visitor, as its hash; a visitor has one for each device and rotation."""

    key_hash = models.CharField(max_length=HASH_LENGTH, primary_key=True)
    visitor = models.ForeignKey(Visitor, models.CASCADE, related_name="keys")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"{self.key_hash[:8]}… → {self.visitor_id}"


class MergeMarker(models.Model):
    """A merge of one visitor into another; a pair is merged once."""

    source = models.ForeignKey("communities.Visitor", models.CASCADE, related_name="+")
    target = models.ForeignKey("communities.Visitor", models.CASCADE, related_name="+")
    merged_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint("source", "target", name="visitors_merge_once")]

    def __str__(self) -> str:
        return f"{self.source_id} → {self.target_id}"

"""Deliveries of events."""

from __future__ import annotations

from django.db import models


class DeliveredEvent(models.Model):
    """A delivered event, written in its receivers' transaction to deduplicate (sessions_farm.session.events)."""

    id = models.CharField(max_length=128, primary_key=True)
    at_ms = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return self.id

"""What was told of sessions."""

from __future__ import annotations

from django.db import models


class DeliveredEvent(models.Model):
    """That an event of a session was told: written in the transaction of whoever heard it (sessions_farm.session.events)."""

    id = models.CharField(max_length=128, primary_key=True)
    at_ms = models.BigIntegerField(db_index=True)

    def __str__(self) -> str:
        return self.id

"""Entries of the audit log for changes in bulk, which are saved without a signal for each row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models.signals import pre_save

Changes = dict[str, tuple[Any, Any]]  # a field's name: from, to


def log_changes(changed: Iterable[tuple[models.Model, Changes]], action: int = LogEntry.Action.UPDATE) -> None:
    """Write an entry for each changed row, with author, time, old and new values."""
    entries = [
        LogEntry(
            content_type=ContentType.objects.get_for_model(row),
            object_pk=str(row.pk),
            object_id=row.pk if isinstance(row.pk, int) else None,
            object_repr=str(row),
            action=action,
            changes={name: [str(before), str(after)] for name, (before, after) in changes.items()},
        )
        for row, changes in changed
    ]
    for entry in entries:  # auditlog's receivers, connected while a person acts, write in who it is
        pre_save.send(sender=LogEntry, instance=entry, raw=False, using=None, update_fields=None)
    LogEntry.objects.bulk_create(entries, batch_size=500)

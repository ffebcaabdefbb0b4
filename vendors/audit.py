"""Entries of the audit log for changes in bulk, and for those that a worker makes in a person's name later."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from auditlog.context import set_extra_data
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
    for entry in entries:
        _fill_in(entry)
    LogEntry.objects.bulk_create(entries, batch_size=500)


def present_actor() -> dict[str, Any]:
    """Return who acts now, as JSON for :func:`acting`: the user, and in whose name."""
    entry = LogEntry()
    _fill_in(entry)
    return {"actor": entry.actor_id, "additional_data": entry.additional_data}


def acting(actor: dict[str, Any], user: Any) -> AbstractContextManager[None]:
    """Let the audit log name, while the block lasts, who acted then; ``user`` where nobody was known."""
    known = type(user).objects.filter(pk=actor.get("actor") or user.pk).first()
    found: AbstractContextManager[None] = set_extra_data(
        {"actor": known, "additional_data": actor.get("additional_data")}
    )
    return found


def _fill_in(entry: LogEntry) -> None:
    """Let auditlog's receivers, which are connected while a person acts, write in who it is."""
    pre_save.send(sender=LogEntry, instance=entry, raw=False, using=None, update_fields=None)

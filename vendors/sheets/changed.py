"""Rows that an import changes, with their fields before and after; written in bulk, with the audit log."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from auditlog.models import LogEntry
from django.db import models

from vendors.audit import log_changes

BATCH = 500


@dataclass(slots=True)
class Changed[RowType: models.Model]:
    """Hold a row with its new values, and those before."""

    row: RowType
    before: dict[str, Any] = field(default_factory=dict)

    def set(self, name: str, value: Any) -> None:
        """Give a field another value."""
        self.before.setdefault(name, getattr(self.row, name))
        setattr(self.row, name, value)


def create(rows: list[Any], logged: Collection[str]) -> None:
    """Write new rows of one model, with the fields ``logged`` in the audit log."""
    if rows:
        type(rows[0])._base_manager.bulk_create(rows, batch_size=BATCH)
        values = ((row, {name: (None, getattr(row, name)) for name in logged}) for row in rows)
        log_changes(values, action=LogEntry.Action.CREATE)


def update(changed: Collection[Changed[Any]], **more: Any) -> None:
    """Write the changed fields of rows of one model, and ``more`` for each; only the former are in the audit log."""
    names = sorted({name for each in changed for name in each.before})
    if not names:
        return
    rows = [each.row for each in changed]
    for row in rows:
        for name, value in more.items():
            setattr(row, name, value)
    type(rows[0])._base_manager.bulk_update(rows, [*names, *more], batch_size=BATCH)
    log_changes(
        (each.row, {name: (before, getattr(each.row, name)) for name, before in each.before.items()})
        for each in changed
    )

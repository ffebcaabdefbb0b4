"""The registry's version, by which every node learns of a change of any row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connections, models, router, transaction
from django.db.models import F

from sessions_farm.communities.signals import registry_changed, registry_changing

CHANNEL = "sessions_farm_registry"  # of NOTIFY


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
        connection = connections[router.db_for_write(RegistryVersion)]
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(f"NOTIFY {CHANNEL}")  # reaches every node at the commit (notifications.py)
        registry_changing.send(RegistryVersion)
        transaction.on_commit(lambda: registry_changed.send_robust(RegistryVersion))


class RegistryQuerySet[Row: models.Model](models.QuerySet[Row]):
    """Queries of the registry's rows: a change of many raises the version as a change of one does."""

    def update(self, **values: Any) -> int:
        """Update the rows, and raise the version."""
        with transaction.atomic():
            RegistryVersion.bump()
            return super().update(**values)

    update.alters_data = True  # type: ignore[attr-defined]  # keeps templates from calling it, as Django's own

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete, and raise the version."""
        with transaction.atomic():
            RegistryVersion.bump()
            return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]  # as above
    delete.queryset_only = True  # type: ignore[attr-defined]  # not on the manager, as Django's own

    def bulk_create(self, objs: Iterable[Row], *args: Any, **kwargs: Any) -> list[Row]:
        """Create the rows, and raise the version."""
        with transaction.atomic():
            RegistryVersion.bump()
            return super().bulk_create(objs, *args, **kwargs)


class RegistryRow(models.Model):
    """A row of the registry: every node learns of its change."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the row, and raise the version."""
        with transaction.atomic():
            RegistryVersion.bump()
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete, and raise the version."""
        with transaction.atomic():
            RegistryVersion.bump()
            return super().delete(*args, **kwargs)

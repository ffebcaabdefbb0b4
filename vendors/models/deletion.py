"""Deletion of goods: refused, with the advice to withdraw them, while a checkout holds them or an order names them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import models, transaction
from django.db.models import ProtectedError

from vendors.models.stock import Stock

ADVICE = (
    "is held by a checkout or stands in an order, so it cannot be deleted. "
    "Withdraw it instead: it is then no longer on sale, and its orders keep it."
)


@contextmanager
def deletion_of(goods: str, **rows: Any) -> Iterator[None]:
    """Lock the stock rows, so no checkout begins to hold the goods meanwhile; raise ProtectedError with the advice."""
    with transaction.atomic():
        lock_for_deletion(**rows)
        try:
            yield
        except ProtectedError as error:
            raise ProtectedError(f"{goods} {ADVICE}", error.protected_objects) from error


def lock_for_deletion(**rows: Any) -> None:
    """Lock the stock rows selected by lookups, in primary key order, against new holds; inside a transaction."""
    list(Stock.objects.filter(**rows).order_by("pk").select_for_update().values_list("pk"))


class GoodsQuerySet[Row: models.Model](models.QuerySet[Row]):
    """Delete goods that nothing needs, and refuse the others."""

    stock_lookup = "variant__in"

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete the rows; raise ProtectedError, and delete none, if one is held or ordered."""
        goods = str(self.model._meta.verbose_name)
        with deletion_of(f"One {goods} or more", **{self.stock_lookup: list(self.values_list("pk", flat=True))}):
            return super().delete()

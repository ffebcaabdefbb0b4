"""The search of the admin's lists of goods: by words of products as their cards have them, and by SKU."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from vendors import card_refresh
from vendors.models import ProductCard
from vendors.models.cards import StemQuery
from vendors.search.asked import beginnings


class GoodsSearchMixin:
    """Search by the beginnings of words, in any order, over one index whatever the number of goods.

    ``search_fields`` only makes the admin show the box. Paths lead from the rows to their product and to the SKU; a SKU
    names its own row, where the other rows of its product are not wanted.
    """

    product_path = "pk"
    sku_path = ""
    reference_path = ""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows of the products that a text finds, and that no row comes twice."""
        if self.reference_path and (reference := _uuid_of(search_term)):
            return queryset.filter(**{self.reference_path: reference}), False
        query = beginnings(search_term)
        if not query:
            return (queryset.none() if search_term.strip() else queryset), False
        card_refresh.refresh(timezone.now())
        found = queryset.filter(
            **{f"{self.product_path}__in": ProductCard.objects.filter(document=StemQuery(query)).values("pk")}
        )
        if self.sku_path:
            named = found.filter(**{f"{self.sku_path}__istartswith": search_term.strip()})
            return (named if named.exists() else found), False
        return found, False


def _uuid_of(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None

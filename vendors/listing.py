"""A list of products with facets, sorting and pages: the same machine for a store, a department and a search."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, QuerySet
from django.db.models.expressions import OrderBy
from django.http import QueryDict

from vendors import facets
from vendors.facets import SORTS, Chip, Choice, Facet
from vendors.models import Product
from vendors.models.catalogue import ProductQuerySet
from vendors.money import Money, digits

PER_PAGE = 24
ORDERS: dict[str, list[str | OrderBy]] = {
    "best": ["-rank", "name", "pk"],
    "new": ["-created_at", "pk"],
    "cheap": [F("price_from").asc(nulls_last=True), "name", "pk"],
    "dear": [F("price_from").desc(nulls_last=True), "name", "pk"],
    "name": ["name", "pk"],
}


@dataclass(frozen=True, slots=True)
class Sort:
    label: str
    query: str
    chosen: bool
    value: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list's page shows. The queries: count, products, pictures, one for each facet and one for the stock."""

    choice: Choice
    page: Page[Product]
    facets: list[Facet]
    chips: list[Chip]
    sorts: list[Sort]
    in_stock_count: int
    query: QueryDict
    mall_wide: bool

    @property
    def total(self) -> int:
        return self.page.paginator.count

    @property
    def low(self) -> str:
        """What was typed as the lowest price, where it could be read."""
        return self.query.get("low", "") if self.choice.low is not None else ""

    @property
    def high(self) -> str:
        return self.query.get("high", "") if self.choice.high is not None else ""

    @property
    def pages(self) -> list[tuple[int | str, str]]:
        """(number or ellipsis, its query) for the pager."""
        numbers = self.page.paginator.get_elided_page_range(self.page.number, on_each_side=1, on_ends=1)
        return [(number, facets.with_value(self.query, "page", str(number))) for number in numbers]

    @property
    def previous_query(self) -> str:
        return self._page_query(self.page.number - 1) if self.page.has_previous() else ""

    @property
    def next_query(self) -> str:
        return self._page_query(self.page.number + 1) if self.page.has_next() else ""

    def _page_query(self, number: int) -> str:
        return facets.with_value(self.query, "page", str(number))


def listing(
    scope: ProductQuerySet,
    query: QueryDict,
    *,
    currency: str,
    now: datetime,
    mall_wide: bool,
    by_department: bool = True,
) -> Listing:
    """The list that ``query`` (the address's own) asks for out of ``scope``."""
    choice = Choice.of(query, digits(currency))
    asked = scope.matching(choice.text) if choice.text else scope
    found = narrowed(asked, choice, now)
    groups = []
    if by_department:
        groups.append(department_facet(asked, choice, now))
    if mall_wide:
        groups.append(shop_facet(asked, choice, now))
    cards = (
        found.select_related("category").for_cards(now).order_by(*ORDERS[choice.sort]).defer("search", "description")
    )
    return Listing(
        choice=choice,
        page=Paginator(with_count_of(cards, found), PER_PAGE).get_page(choice.page),
        facets=groups,
        chips=chips(choice, query, groups, currency),
        sorts=sorts(choice, query),
        in_stock_count=narrowed(asked, choice, now, besides="stock").in_stock(now).count(),
        query=query,
        mall_wide=mall_wide,
    )


def narrowed(products: ProductQuerySet, choice: Choice, now: datetime, besides: str = "") -> ProductQuerySet:
    """The products that all choices leave, ``besides`` one of them: a facet counts what its own boxes would show."""
    found = products.costing(choice.low, choice.high, now)
    if choice.departments and besides != "department":
        found = found.filter(category__slug__in=choice.departments)
    if choice.shops and besides != "shop":
        found = found.filter(vendor__slug__in=choice.shops)
    if choice.in_stock and besides != "stock":
        found = found.in_stock(now)
    return found


def department_facet(products: ProductQuerySet, choice: Choice, now: datetime) -> Facet:
    found = narrowed(products, choice, now, besides="department")
    return Facet("department", "Department", facets.options(counted(found, "category"), choice.departments))


def shop_facet(products: ProductQuerySet, choice: Choice, now: datetime) -> Facet:
    found = narrowed(products, choice, now, besides="shop")
    return Facet("shop", "Shop", facets.options(counted(found, "vendor"), choice.shops))


def counted(products: ProductQuerySet, relation: str) -> QuerySet[Product, tuple[str, str, int]]:
    names = f"{relation}__slug", f"{relation}__name"
    return products.order_by(names[1]).values_list(*names).annotate(count=Count("pk", distinct=True))


def with_count_of(cards: ProductQuerySet, found: ProductQuerySet) -> ProductQuerySet:
    """Cards that are counted without their annotations: the same number, without prices and stock for each row."""
    cards.count = found.order_by().count  # type: ignore[method-assign]  # Paginator asks this very object
    return cards


def chips(choice: Choice, query: QueryDict, groups: list[Facet], currency: str) -> list[Chip]:
    shown = [
        Chip(option.label, facets.without(query, group.name, option.value))
        for group in groups
        for option in group.options
        if option.chosen
    ]
    if choice.low is not None:
        shown.append(Chip(f"from {Money(choice.low, currency)}", facets.without(query, "low")))
    if choice.high is not None:
        shown.append(Chip(f"up to {Money(choice.high, currency)}", facets.without(query, "high")))
    if choice.in_stock:
        shown.append(Chip("in stock", facets.without(query, "stock")))
    return shown


def sorts(choice: Choice, query: QueryDict) -> list[Sort]:
    offered = {value: label for value, label in SORTS.items() if choice.text or value != "best"}
    return [
        Sort(label, facets.with_value(query, "sort", value), value == choice.sort, value)
        for value, label in offered.items()
    ]

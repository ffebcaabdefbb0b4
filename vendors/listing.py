"""Product lists with facets, sort orders and pages, for a store, a category or a search."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, QuerySet
from django.db.models.expressions import OrderBy
from django.http import QueryDict

from vendors import facets
from vendors.facets import SORT_LABELS, Facet, FilterChip, ProductFilter
from vendors.models import Product
from vendors.models.catalogue import ProductQuerySet
from vendors.money import Money, minor_digits

PER_PAGE = 24
SORT_ORDERS: dict[str, list[str | OrderBy]] = {
    "best": ["-rank", "name", "pk"],
    "new": ["-created_at", "pk"],
    "cheap": [F("price_from").asc(nulls_last=True), "name", "pk"],
    "dear": [F("price_from").desc(nulls_last=True), "name", "pk"],
    "name": ["name", "pk"],
}


@dataclass(frozen=True, slots=True)
class SortOption:
    """Offer one sort order, with its query string."""

    label: str
    query: str
    selected: bool
    value: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Hold a product list's template variables.

    Queries: count, products, pictures, one for each facet and one for the stock.
    """

    filter: ProductFilter
    page: Page[Product]
    facets: list[Facet]
    chips: list[FilterChip]
    sorts: list[SortOption]
    in_stock_count: int
    query: QueryDict
    mall_wide: bool

    @property
    def total(self) -> int:
        """Return the number of products on all pages."""
        return self.page.paginator.count

    @property
    def typed_min_price(self) -> str:
        """Return the lowest price as typed, or an empty string if it could not be parsed."""
        return self.query.get("low", "") if self.filter.min_price is not None else ""

    @property
    def typed_max_price(self) -> str:
        """Return the highest price as typed, or an empty string if it could not be parsed."""
        return self.query.get("high", "") if self.filter.max_price is not None else ""

    @property
    def pages(self) -> list[tuple[int | str, str]]:
        """Return (page number or ellipsis, query string) for the pager."""
        numbers = self.page.paginator.get_elided_page_range(self.page.number, on_each_side=1, on_ends=1)
        return [(number, facets.query_with(self.query, "page", str(number))) for number in numbers]

    @property
    def previous_query(self) -> str:
        """Return the query string of the previous page, or an empty string."""
        return self._page_query(self.page.number - 1) if self.page.has_previous() else ""

    @property
    def next_query(self) -> str:
        """Return the query string of the next page, or an empty string."""
        return self._page_query(self.page.number + 1) if self.page.has_next() else ""

    def _page_query(self, number: int) -> str:
        return facets.query_with(self.query, "page", str(number))


def build_listing(
    scope: ProductQuerySet,
    query: QueryDict,
    *,
    currency: str,
    now: datetime,
    mall_wide: bool,
    by_category: bool = True,
) -> Listing:
    """Build the list that ``query`` (the request's own) asks for out of the products in ``scope``."""
    product_filter = ProductFilter.parse(query, minor_digits(currency))
    matching = scope.matching(product_filter.text) if product_filter.text else scope
    found = apply_filter(matching, product_filter, now)
    groups = []
    if by_category:
        groups.append(category_facet(matching, product_filter, now))
    if mall_wide:
        groups.append(vendor_facet(matching, product_filter, now))
    cards = (
        found.select_related("category")
        .for_cards(now)
        .order_by(*SORT_ORDERS[product_filter.sort])
        .defer("search", "description")
    )
    return Listing(
        filter=product_filter,
        page=Paginator(with_plain_count(cards, found), PER_PAGE).get_page(product_filter.page),
        facets=groups,
        chips=filter_chips(product_filter, query, groups, currency),
        sorts=sort_options(product_filter, query),
        in_stock_count=apply_filter(matching, product_filter, now, excluding="stock").in_stock(now).count(),
        query=query,
        mall_wide=mall_wide,
    )


def apply_filter(
    products: ProductQuerySet, product_filter: ProductFilter, now: datetime, excluding: str = ""
) -> ProductQuerySet:
    """Return the products that pass every filter except ``excluding``.

    A facet excludes itself, so its counts are those that each of its checkboxes would give.
    """
    found = products.priced_between(product_filter.min_price, product_filter.max_price, now)
    if product_filter.categories and excluding != "department":
        found = found.filter(category__slug__in=product_filter.categories)
    if product_filter.vendors and excluding != "shop":
        found = found.filter(vendor__slug__in=product_filter.vendors)
    if product_filter.in_stock and excluding != "stock":
        found = found.in_stock(now)
    return found


def category_facet(products: ProductQuerySet, product_filter: ProductFilter, now: datetime) -> Facet:
    """Count the products of each category."""
    found = apply_filter(products, product_filter, now, excluding="department")
    return Facet(
        "department", "Department", facets.facet_options(count_by(found, "category"), product_filter.categories)
    )


def vendor_facet(products: ProductQuerySet, product_filter: ProductFilter, now: datetime) -> Facet:
    """Count the products of each vendor."""
    found = apply_filter(products, product_filter, now, excluding="shop")
    return Facet("shop", "Shop", facets.facet_options(count_by(found, "vendor"), product_filter.vendors))


def count_by(products: ProductQuerySet, relation: str) -> QuerySet[Product, tuple[str, str, int]]:
    """Return (slug, name, number of products) for each related row."""
    names = f"{relation}__slug", f"{relation}__name"
    return products.order_by(names[1]).values_list(*names).annotate(count=Count("pk", distinct=True))


def with_plain_count(cards: ProductQuerySet, found: ProductQuerySet) -> ProductQuerySet:
    """Make Paginator count the rows without their annotations: same number, cheaper query."""
    cards.count = found.order_by().count  # type: ignore[method-assign]  # Paginator asks this very object
    return cards


def filter_chips(
    product_filter: ProductFilter, query: QueryDict, groups: list[Facet], currency: str
) -> list[FilterChip]:
    """Return a removable chip for each active filter."""
    shown = [
        FilterChip(option.label, facets.query_without(query, group.name, option.value))
        for group in groups
        for option in group.options
        if option.selected
    ]
    if product_filter.min_price is not None:
        shown.append(
            FilterChip(f"from {Money(product_filter.min_price, currency)}", facets.query_without(query, "low"))
        )
    if product_filter.max_price is not None:
        shown.append(
            FilterChip(f"up to {Money(product_filter.max_price, currency)}", facets.query_without(query, "high"))
        )
    if product_filter.in_stock:
        shown.append(FilterChip("in stock", facets.query_without(query, "stock")))
    return shown


def sort_options(product_filter: ProductFilter, query: QueryDict) -> list[SortOption]:
    """Return the sort orders on offer; best match needs search words."""
    offered = {value: label for value, label in SORT_LABELS.items() if product_filter.text or value != "best"}
    return [
        SortOption(label, facets.query_with(query, "sort", value), value == product_filter.sort, value)
        for value, label in offered.items()
    ]

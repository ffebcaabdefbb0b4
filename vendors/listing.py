"""Product lists with facets, sort orders and pages, for a store, a category or a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, QuerySet
from django.db.models.expressions import OrderBy
from django.http import QueryDict

from sessions_farm.query_plans import CountRows, Rows, planned, planned_by
from vendors import facets
from vendors.cards import with_pictures
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


@dataclass(frozen=True, slots=True)
class ListingScope:
    """Name the products of a list: a store's or a marketplace's, all of them or those of a category."""

    vendor_id: int | None = None
    marketplace_id: int | None = None
    category_id: int | None = None


class ProductList:
    """Read the products that a filter finds, a page at a time, as Paginator asks for them."""

    ordered = True

    def __init__(self, scope: ListingScope, product_filter: ProductFilter, now: datetime) -> None:
        self._selection = selection_of(scope, product_filter, now)
        self._sort = product_filter.sort

    def count(self) -> int:
        """Return the number of products on all pages."""
        return count_selected(self._selection)

    def __getitem__(self, rows: slice) -> list[Product]:
        return with_pictures(run(cards, self._selection, sort=self._sort, begin=rows.start, end=rows.stop))


def build_listing(scope: ListingScope, query: QueryDict, *, currency: str, now: datetime) -> Listing:
    """Build the list that ``query`` (the request's own) asks for out of the products in ``scope``."""
    product_filter = ProductFilter.parse(query, minor_digits(currency))
    groups = []
    if scope.category_id is None:
        groups.append(category_facet(scope, product_filter, now))
    if scope.vendor_id is None:
        groups.append(vendor_facet(scope, product_filter, now))
    listed: Any = ProductList(scope, product_filter, now)
    in_stock = replace(product_filter, in_stock=True)
    return Listing(
        filter=product_filter,
        page=Paginator(listed, PER_PAGE).get_page(product_filter.page),
        facets=groups,
        chips=filter_chips(product_filter, query, groups, currency),
        sorts=sort_options(product_filter, query),
        in_stock_count=count_selected(selection_of(scope, in_stock, now)),
        query=query,
        mall_wide=scope.vendor_id is None,
    )


def selection_of(scope: ListingScope, product_filter: ProductFilter, now: datetime) -> dict[str, Any]:
    """Return the arguments of ``select_products`` for a list."""
    return {
        "vendor_id": scope.vendor_id,
        "marketplace_id": scope.marketplace_id,
        "category_id": scope.category_id,
        "text": product_filter.text or None,
        "categories": product_filter.categories,
        "vendors": product_filter.vendors,
        "low": product_filter.min_price,
        "high": product_filter.max_price,
        "in_stock": product_filter.in_stock,
        "now": now,
    }


def run[Row](query: Rows[Row], selection: dict[str, Any], **more: Any) -> list[Row]:
    """Run a query over a selection: by its plan, or built anew where words are searched for, which make the SQL."""
    return (query if selection["text"] is None else query.fresh)(**selection, **more)


def select_products(  # noqa: PLR0913 -- each is an argument of the plan's own
    *,
    vendor_id: int | None,
    marketplace_id: int | None,
    category_id: int | None,
    text: str | None,
    categories: Sequence[str],
    vendors: Sequence[str],
    low: int | None,
    high: int | None,
    in_stock: bool,
    now: datetime,
) -> ProductQuerySet:
    """Select the products in a scope that pass every filter."""
    found = Product.objects.published()
    if vendor_id is not None:
        found = found.for_vendor(vendor_id)
    if marketplace_id is not None:
        found = found.in_marketplace(marketplace_id)
    if category_id is not None:
        found = found.in_category(category_id)
    if text is not None:
        found = found.matching(text)
    found = found.priced_between(low, high, now)
    if categories:
        found = found.filter(category__slug__in=categories)
    if vendors:
        found = found.filter(vendor__slug__in=vendors)
    return found.in_stock(now) if in_stock else found


def count_selected(selection: dict[str, Any]) -> int:
    """Return the number of products of a selection."""
    return next(iter(run(count_products, selection)), 0)  # no row where the words are none


@planned_by("sort", "begin", "end")
def cards(*, sort: str, begin: int, end: int, now: datetime, **selection: Any) -> ProductQuerySet:
    """Select the product cards of one page."""
    found = select_products(now=now, **selection)
    return found.select_related("category").for_cards(now).order_by(*SORT_ORDERS[sort])[begin:end]


@planned
def count_products(**selection: Any) -> QuerySet[Product, int]:
    """Count the products of a selection."""
    return select_products(**selection).order_by().values_list(CountRows(), flat=True)


def category_facet(scope: ListingScope, product_filter: ProductFilter, now: datetime) -> Facet:
    """Count the products of each category. The facet's own choices do not narrow what its boxes would give."""
    counted = run(count_by_category, selection_of(scope, replace(product_filter, categories=()), now))
    return Facet("department", "Department", facets.facet_options(counted, product_filter.categories))


def vendor_facet(scope: ListingScope, product_filter: ProductFilter, now: datetime) -> Facet:
    """Count the products of each vendor, likewise."""
    counted = run(count_by_vendor, selection_of(scope, replace(product_filter, vendors=()), now))
    return Facet("shop", "Shop", facets.facet_options(counted, product_filter.vendors))


@planned
def count_by_category(**selection: Any) -> QuerySet[Product, tuple[str, str, int]]:
    """Count the products of a selection by (slug, name) of the category."""
    return _count_by(select_products(**selection), "category")


@planned
def count_by_vendor(**selection: Any) -> QuerySet[Product, tuple[str, str, int]]:
    """Count the products of a selection by (slug, name) of the vendor."""
    return _count_by(select_products(**selection), "vendor")


def _count_by(products: ProductQuerySet, relation: str) -> QuerySet[Product, tuple[str, str, int]]:
    names = f"{relation}__slug", f"{relation}__name"
    return products.order_by(names[1]).values_list(*names).annotate(count=Count("pk", distinct=True))


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

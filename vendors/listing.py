"""Product lists with facets, sort orders and pages, for a store, a category or a search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext

from sessions_farm.communities.query_plans import Rows, planned, planned_by
from vendors import card_refresh, cards, facet_counts, facets, list_links
from vendors.facet_counts import Counts
from vendors.facets import SORT_LABELS, Facet, FilterChip, ProductFilter
from vendors.held_goods import mark_stock, products_held
from vendors.keyset import Cursor, Order, read_cursor
from vendors.models import Category, ProductCard
from vendors.models.cards import ProductCardQuerySet
from vendors.money import Money
from vendors.search.asked import Question, understand
from vendors.storefronts import storefronts

PER_PAGE = 24
BEST = "best"
ORDERS = {
    "new": (Order(("created_at", "pk"), downwards=True), (datetime, int)),
    "cheap": (Order(("price_from", "pk")), (int, int)),
    "dear": (Order(("price_from", "pk"), downwards=True), (int, int)),
    "name": (Order(("name", "pk")), (str, int)),
}
BY_RANK = ["-rank", "name", "pk"]
FACTS = ["pk", "category_id", "vendor_id", "is_stocked", "attributes"]
MOST_RANKED = 1000  # results of a search by rank, for the rank is no index's order


@dataclass(frozen=True, slots=True)
class SortOption:
    """Offer one sort order, with its query string."""

    label: str
    query: str
    selected: bool
    value: str


@dataclass(frozen=True, slots=True)
class Page:
    """Hold the products of a page, how many come before it, and the query strings of the pages beside it."""

    cards: list[ProductCard]
    rows_before: int = 0
    previous_query: str = ""
    next_query: str = ""

    @property
    def first(self) -> int:
        """Return the number of the page's first product in the list."""
        return self.rows_before + 1

    @property
    def last(self) -> int:
        """Return the number of the page's last product in the list."""
        return self.rows_before + len(self.cards)


@dataclass(frozen=True, slots=True)
class Listing:
    """Hold a product list's template variables.

    Queries: what is stale, counts, products, departments; one more for each facet with a choice, and for the words.
    """

    filter: ProductFilter
    asked: Question
    is_some: bool  # nothing has all of the words, and these products have some
    page: Page
    counts: Counts
    facets: list[Facet]
    chips: list[FilterChip]
    sorts: list[SortOption]
    query: QueryDict
    mall_wide: bool
    instead: list[ProductCard] = field(default_factory=list)  # offered by an empty page

    @property
    def total(self) -> int:
        """Return the number of products on all pages."""
        return max(self.counts.total, self.page.last)

    @property
    def in_stock_count(self) -> int:
        """Return the number of products in stock on all pages."""
        return self.counts.in_stock


@dataclass(frozen=True, slots=True)
class ListingScope:
    """Name the products of a list: a store's or a marketplace's, all of them or those of a category."""

    marketplace_id: int
    vendor_id: int | None = None
    category: Category | None = None

    @property
    def name(self) -> str:
        """Return how links name the list."""
        kind = list_links.MALL if self.vendor_id is None else list_links.SHOP
        return list_links.list_name(kind, self.category.slug if self.category else "")

    def as_selection(self) -> dict[str, Any]:
        """Return the scope as arguments of ``select_cards``; what has a category has its own marketplace's."""
        category = self.category
        is_mall_wide = category is None and self.vendor_id is None
        return {
            "marketplace_id": self.marketplace_id if is_mall_wide else None,
            "vendor_id": self.vendor_id,
            "top_category_id": category.pk if category is not None and category.parent_id is None else None,
            "category_id": category.pk if category is not None and category.parent_id is not None else None,
        }


def build_listing(scope: ListingScope, query: QueryDict, *, currency: str, now: datetime) -> Listing:
    """Build the list that ``query`` (the request's own) asks for out of the products in ``scope``."""
    card_refresh.refresh(now)
    product_filter = ProductFilter.parse(query, currency)
    asked = understand(product_filter.text, scope.marketplace_id, synonyms_of(scope.marketplace_id))
    selection = selection_of(scope, product_filter, asked.every, products_held(now), now)
    counts = count(selection)
    is_some = bool(asked.some and not counts.total and not product_filter.is_narrowed)
    if is_some:
        selection = selection | {"words": asked.some}
        counts = count(selection)
    groups = facets_of(scope, product_filter, selection, counts)
    page = read_page(selection, product_filter, query)
    mark_stock(page.cards, selection["held"])
    list_links.give_links(page.cards, scope.name, query, page.first)
    return Listing(
        filter=product_filter,
        asked=asked,
        is_some=is_some,
        page=page,
        counts=counts,
        facets=groups,
        chips=filter_chips(product_filter, query, groups, currency),
        sorts=sort_options(product_filter, query),
        query=query,
        mall_wide=scope.vendor_id is None,
        instead=[] if page.cards else others_of(scope, now),
    )


def synonyms_of(marketplace_id: int) -> Any:
    """Return the synonyms of a marketplace, as nodes hold them in memory."""
    return storefronts.current().synonyms.get(marketplace_id, {})


def selection_of(
    scope: ListingScope, product_filter: ProductFilter, words: str, held: Sequence[int], now: datetime
) -> dict[str, Any]:
    """Return the arguments of ``select_cards`` for a list; what was asked for in vain selects nothing."""
    return {
        **scope.as_selection(),
        "words": words or (NO_WORD if product_filter.text else None),
        "categories": product_filter.categories,
        "vendors": product_filter.vendors,
        "attributes": tuple(product_filter.attribute_groups.values()),
        "low": product_filter.min_price,
        "high": product_filter.max_price,
        "in_stock": product_filter.in_stock,
        "held": held,
        "now": now,
    }


NO_WORD = "' '"  # a stem that no document has


def run[Row](query: Rows[Row], selection: dict[str, Any], **more: Any) -> list[Row]:
    """Run a query over a selection: by its plan, or built anew where lists of lists make the SQL."""
    return (query.fresh if selection["attributes"] else query)(**selection, **more)


def select_cards(  # noqa: PLR0913 -- each is an argument of the plan's own
    *,
    marketplace_id: int | None,
    vendor_id: int | None,
    top_category_id: int | None,
    category_id: int | None,
    words: str | None,
    categories: Sequence[str],
    vendors: Sequence[str],
    attributes: Sequence[Sequence[str]],
    low: int | None,
    high: int | None,
    in_stock: bool,
    held: Sequence[int],
    now: datetime,
) -> ProductCardQuerySet:
    """Select the cards in a scope that pass every filter."""
    found = ProductCard.objects.public()
    places = {
        "marketplace": marketplace_id,
        "vendor": vendor_id,
        "top_category": top_category_id,
        "category": category_id,
    }
    found = found.filter(**{name: place for name, place in places.items() if place is not None})
    if words is not None:
        found = found.asked(words)
    found = found.priced_between(low, high, now)
    if categories:
        found = found.filter(category__slug__in=categories)
    if vendors:
        found = found.filter(vendor__slug__in=vendors)
    for same_name in attributes:
        found = found.filter(attributes__overlap=list(same_name))
    return found.in_stock(held) if in_stock else found


@planned
def facts(**selection: Any) -> QuerySet[ProductCard, facet_counts.Facts]:
    """Select what is counted of a selection, up to more than are counted so."""
    return select_cards(**selection).order_by().values_list(*FACTS)[: facet_counts.EXACT + 1]


def count(selection: dict[str, Any]) -> Counts:
    """Count the products of a selection."""
    if selection["words"] == NO_WORD:
        return Counts()
    if (kept := facet_counts.kept_counts(selection)) is not None:
        return kept
    rows = run(facts, selection)
    if len(rows) <= facet_counts.EXACT:
        return facet_counts.count_rows(rows, selection["held"])
    return facet_counts.count_many(selection, lambda: select_cards(**selection))


@planned_by("sort", "backwards")
def beside(*, sort: str, backwards: bool, key: Sequence[Any], now: datetime, **selection: Any) -> ProductCardQuerySet:
    """Select a page of cards behind a key, or before it; one more shows whether there is another page."""
    order = ORDERS[sort][0]
    found = select_cards(now=now, **selection)
    if key:
        found = found.filter(order.beyond(key, backwards=backwards))
    return cards.shown(order.sort(found, backwards=backwards))[: PER_PAGE + 1]


@planned_by("begin")
def ranked(*, begin: int, now: datetime, **selection: Any) -> ProductCardQuerySet:
    """Select a page of cards by rank; of a common word, which thousands of goods have, a thousand are ranked."""
    some = select_cards(now=now, **selection).order_by().values("pk")[:MOST_RANKED]
    found = ProductCard.objects.asked(selection["words"]).filter(pk__in=some)
    return cards.shown(found).order_by(*BY_RANK)[begin : begin + PER_PAGE + 1]


def read_page(selection: dict[str, Any], product_filter: ProductFilter, query: QueryDict) -> Page:
    """Read the page that a filter asks for; an address that is none asks for the first."""
    if selection["words"] == NO_WORD:
        return Page([])
    if product_filter.sort == BEST:
        return read_ranked_page(selection, product_filter, query)
    _, like = ORDERS[product_filter.sort]
    if before := read_cursor(product_filter.before, like):
        page = read_page_before(selection, product_filter.sort, before, query)
        if page is not None:
            return page
    return read_page_after(selection, product_filter.sort, read_cursor(product_filter.after, like), query)


def read_page_before(selection: dict[str, Any], sort: str, end: Cursor, query: QueryDict) -> Page | None:
    """Read the page that ends before a key; None where the list has not so many there any more."""
    found = run(beside, selection, sort=sort, backwards=True, key=list(end.key))
    if len(found) < PER_PAGE:
        return None
    shown = found[PER_PAGE - 1 :: -1]
    rows_before = max(end.rows_before - PER_PAGE, 0)
    has_previous = len(found) > PER_PAGE
    previous_query = place_query(query, "before", sort, shown[0], rows_before) if has_previous else ""
    return Page(
        shown, rows_before, previous_query, place_query(query, "after", sort, shown[-1], rows_before + PER_PAGE)
    )


def read_page_after(selection: dict[str, Any], sort: str, start: Cursor | None, query: QueryDict) -> Page:
    """Read the page that begins behind a key, or the first."""
    rows_before = start.rows_before if start else 0
    found = run(beside, selection, sort=sort, backwards=False, key=list(start.key) if start else [])
    shown = found[:PER_PAGE]
    has_previous, has_next = bool(start and shown), len(found) > PER_PAGE
    return Page(
        shown,
        rows_before,
        place_query(query, "before", sort, shown[0], rows_before) if has_previous else "",
        place_query(query, "after", sort, shown[-1], rows_before + PER_PAGE) if has_next else "",
    )


def place_query(query: QueryDict, place: str, sort: str, card: ProductCard, rows_before: int) -> str:
    """Return the query string of the page beside a card."""
    return facets.query_with(query, place, Cursor(ORDERS[sort][0].key_of(card), rows_before).encode())


def read_ranked_page(selection: dict[str, Any], product_filter: ProductFilter, query: QueryDict) -> Page:
    """Read a page by rank: its cursor is the number of products before it."""
    start = read_cursor(product_filter.after, ()) or read_cursor(product_filter.before, ())
    begin = min(start.rows_before, MOST_RANKED - PER_PAGE) if start else 0
    found = run(ranked, selection, begin=begin)
    has_next = len(found) > PER_PAGE and begin + PER_PAGE < MOST_RANKED - PER_PAGE

    def to(rows_before: int) -> str:
        return facets.query_with(query, "after", Cursor((), rows_before).encode())

    return Page(
        found[:PER_PAGE],
        begin,
        to(max(begin - PER_PAGE, 0)) if begin else "",
        to(begin + PER_PAGE) if has_next else "",
    )


def others_of(scope: ListingScope, now: datetime) -> list[ProductCard]:
    """Return goods for a page that has found none."""
    if scope.vendor_id is not None:
        return cards.newest_of_store(scope.vendor_id, now, OFFERED_INSTEAD)
    return cards.newest_of_marketplace(scope.marketplace_id, now, OFFERED_INSTEAD)


OFFERED_INSTEAD = 5


def facets_of(
    scope: ListingScope, product_filter: ProductFilter, selection: dict[str, Any], counts: Counts
) -> list[Facet]:
    """Return the facets; the choices of one do not narrow what its own boxes would give."""
    found = []
    if scope.category is None or scope.category.parent_id is None:
        of_it = count(selection | {"categories": ()}) if product_filter.categories else counts
        found.append(Facet("department", gettext("Department"), category_options(scope, of_it, product_filter)))
    if scope.vendor_id is None:
        of_it = count(selection | {"vendors": ()}) if product_filter.vendors else counts
        found.append(Facet("shop", gettext("Shop"), vendor_options(of_it, product_filter)))
    return [*found, *attribute_facets(product_filter, selection, counts)]


def category_options(scope: ListingScope, counts: Counts, product_filter: ProductFilter) -> list[facets.FacetOption]:
    """Return the options of departments."""
    names = {pk: (slug, name) for pk, slug, name in category_names(scope.marketplace_id)} if counts.categories else {}
    counted = [(*names[pk], number) for pk, number in counts.categories.items() if pk in names]
    return facets.facet_options(counted, product_filter.categories)


def vendor_options(counts: Counts, product_filter: ProductFilter) -> list[facets.FacetOption]:
    """Return the options of shops."""
    stores = ((storefronts.by_vendor(pk), number) for pk, number in counts.vendors.items())
    return facets.facet_options(
        [(store.slug, store.name, number) for store, number in stores if store], product_filter.vendors
    )


def attribute_facets(product_filter: ProductFilter, selection: dict[str, Any], counts: Counts) -> list[Facet]:
    """Return a facet for each name of attributes that products of a selection have, the commonest first."""
    chosen = product_filter.attribute_groups
    by_name: dict[str, dict[str, int]] = {name: {} for name in chosen}
    for attribute, number in counts.attributes.items():
        by_name.setdefault(attribute.partition(":")[0], {})[attribute] = number
    for name in chosen:
        others = tuple(values for other, values in chosen.items() if other != name)
        of_it = count(selection | {"attributes": others}).attributes
        by_name[name] = {each: number for each, number in of_it.items() if each.partition(":")[0] == name}
    commonest = sorted(by_name, key=lambda name: (name not in chosen, -sum(by_name[name].values()), name))
    return [
        Facet("with", name, attribute_options(by_name[name].items(), chosen.get(name, ())))
        for name in commonest[:MOST_ATTRIBUTE_FACETS]
    ]


MOST_ATTRIBUTE_FACETS = 4


def attribute_options(counted: Iterable[tuple[str, int]], selected: Iterable[str]) -> list[facets.FacetOption]:
    """Return the options of one name."""
    return facets.facet_options([(each, each.partition(":")[2], number) for each, number in counted], selected)


@planned
def category_names(marketplace_id: int) -> QuerySet[Category, tuple[int, str, str]]:
    """Select the key, slug and name of a marketplace's departments."""
    return Category.objects.filter(marketplace=marketplace_id).order_by().values_list("pk", "slug", "name")


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
            FilterChip(
                gettext("from %(money)s") % {"money": Money(product_filter.min_price, currency)},
                facets.query_without(query, "low"),
            )
        )
    if product_filter.max_price is not None:
        shown.append(
            FilterChip(
                gettext("up to %(money)s") % {"money": Money(product_filter.max_price, currency)},
                facets.query_without(query, "high"),
            )
        )
    if product_filter.in_stock:
        shown.append(FilterChip(gettext("in stock"), facets.query_without(query, "stock")))
    return shown


def sort_options(product_filter: ProductFilter, query: QueryDict) -> list[SortOption]:
    """Return the sort orders on offer; best match needs search words."""
    offered = {value: label for value, label in SORT_LABELS.items() if product_filter.text or value != BEST}
    return [
        SortOption(str(label), facets.query_with(query, "sort", value), value == product_filter.sort, value)
        for value, label in offered.items()
    ]

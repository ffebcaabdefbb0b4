"""Faceted filters of a product list: parsing a query string, and building the query strings that undo a choice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.http import QueryDict
from django.utils.translation import gettext_lazy

from vendors.amounts import AmountError, parse_amount

SORT_LABELS = {
    "best": gettext_lazy("Best match"),
    "new": gettext_lazy("Newest"),
    "cheap": gettext_lazy("Price, low to high"),
    "dear": gettext_lazy("Price, high to low"),
    "name": gettext_lazy("Name, A to Z"),
}
MAX_CHOICES = 20
MOST_OPTIONS = 12  # of a facet; those chosen come besides
MAX_TEXT_LENGTH = 100
PLACES = ("after", "before")  # parameters that say where in the list a page is


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """Hold the filter, sort order and page that a query string asks for; unknown parameters are ignored.

    ``attributes`` are as Colour:Blue; ``after`` and ``before`` are cursors of ``vendors.keyset``.
    """

    text: str = ""
    categories: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()
    min_price: int | None = None
    attributes: tuple[str, ...] = ()
    max_price: int | None = None
    in_stock: bool = False
    sort: str = "name"
    after: str = ""
    before: str = ""
    min_price_fault: str = ""
    max_price_fault: str = ""

    @classmethod
    def parse(cls, query: QueryDict, currency: str) -> ProductFilter:
        """Parse a query string; the prices are amounts in a currency as people type them."""
        text = " ".join(query.get("q", "")[:MAX_TEXT_LENGTH].replace("\0", "").split())
        sort = query.get("sort", "")
        is_valid = sort in SORT_LABELS and (text or sort != "best")
        low, low_fault = parse_price(query.get("low", ""), currency)
        high, high_fault = parse_price(query.get("high", ""), currency)
        return cls(
            text=text,
            categories=tuple(query.getlist("department")[:MAX_CHOICES]),
            vendors=tuple(query.getlist("shop")[:MAX_CHOICES]),
            attributes=tuple(value for value in query.getlist("with")[:MAX_CHOICES] if ":" in value),
            min_price=low,
            max_price=high,
            in_stock=query.get("stock") == "1",
            sort=sort if is_valid else "best" if text else "name",
            after=query.get("after", ""),
            before=query.get("before", ""),
            min_price_fault=low_fault,
            max_price_fault=high_fault,
        )

    @property
    def is_narrowed(self) -> bool:
        """Return True if any filter besides the search words is set."""
        has_price = self.min_price is not None or self.max_price is not None
        return bool(self.categories or self.vendors or self.attributes or self.in_stock or has_price)

    @property
    def attribute_groups(self) -> dict[str, tuple[str, ...]]:
        """Return the chosen attributes by name: a product has one of each name."""
        groups: dict[str, tuple[str, ...]] = {}
        for attribute in self.attributes:
            name = attribute.partition(":")[0]
            groups[name] = (*groups.get(name, ()), attribute)
        return groups


@dataclass(frozen=True, slots=True)
class FacetOption:
    """Describe one checkbox of a facet, with the number of products behind it."""

    value: str
    label: str
    count: int
    selected: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """Group checkboxes of one query parameter."""

    name: str
    title: str
    options: list[FacetOption] = field(default_factory=list)

    @property
    def is_useful(self) -> bool:
        """Return True if choosing among the options can change the list."""
        return len(self.options) > 1 or any(option.selected for option in self.options)


@dataclass(frozen=True, slots=True)
class FilterChip:
    """Show one active filter, with the query string that removes it."""

    label: str
    query: str


def parse_price(text: str, currency: str) -> tuple[int | None, str]:
    """Return the minor units of a typed price, None where none was typed, and what is wrong with it, '' if nothing."""
    if not text.strip():
        return None, ""
    try:
        return parse_amount(text, currency), ""
    except AmountError as error:
        return None, str(error)


def query_without(query: QueryDict, name: str, value: str | None = None) -> str:
    """Return the query string without one value (or parameter), on the first page: ``?q=tea``, or ``?`` if empty."""
    rest = query.copy()
    kept = [] if value is None else [other for other in rest.getlist(name) if other != value]
    rest.setlist(name, kept)
    return encode_query(rest)


def query_with(query: QueryDict, name: str, value: str) -> str:
    """Return the query string with one parameter set."""
    rest = query.copy()
    rest[name] = value
    return encode_query(rest, place=name if name in PLACES else "")


def encode_query(query: QueryDict, *, place: str = "") -> str:
    """Encode a query without empty values, and without a place in the list but ``place``."""
    for name in PLACES:
        if name != place:
            query.pop(name, None)
    for name in list(query):
        query.setlist(name, [value for value in query.getlist(name) if value])
    return f"?{query.urlencode()}"


def facet_options(counted: Iterable[tuple[str, str, int]], selected: Iterable[str]) -> list[FacetOption]:
    """Build options from (value, label, count): those of the most products, by label.

    A selected value without products stays, with count 0, removable.
    """
    selected = set(selected)
    found = [FacetOption(value, label, count, value in selected) for value, label, count in counted]
    found.sort(key=lambda option: (not option.selected, -option.count))
    kept = found[: MOST_OPTIONS + sum(option.selected for option in found)]
    kept.sort(key=lambda option: option.label.casefold())
    empty = selected - {option.value for option in found}
    return kept + [FacetOption(value, label_of(value), 0, selected=True) for value in sorted(empty)]


def label_of(value: str) -> str:
    """Return words for a value that no product has: Blue of Colour:Blue, and a slug with spaces."""
    return value.rpartition(":")[2].replace("-", " ").capitalize()

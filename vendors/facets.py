"""Faceted filters of a product list: parsing a query string, and building the query strings that undo a choice."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from django.http import QueryDict

PRICE = re.compile(r"[0-9]{1,7}([.,][0-9]{1,2})?")
SORT_LABELS = {
    "best": "Best match",
    "new": "Newest",
    "cheap": "Price, low to high",
    "dear": "Price, high to low",
    "name": "Name, A to Z",
}
MAX_CHOICES = 20
MAX_TEXT_LENGTH = 100


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """Hold the filter, sort order and page that a query string asks for; unknown parameters are ignored."""

    text: str = ""
    categories: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()
    min_price: int | None = None
    max_price: int | None = None
    in_stock: bool = False
    sort: str = "name"
    page: str = "1"

    @classmethod
    def parse(cls, query: QueryDict, digits: int = 2) -> ProductFilter:
        """Parse a query string; ``digits`` is the number of decimal digits of the currency."""
        text = " ".join(query.get("q", "")[:MAX_TEXT_LENGTH].replace("\0", "").split())
        sort = query.get("sort", "")
        is_valid = sort in SORT_LABELS and (text or sort != "best")
        return cls(
            text=text,
            categories=tuple(query.getlist("department")[:MAX_CHOICES]),
            vendors=tuple(query.getlist("shop")[:MAX_CHOICES]),
            min_price=parse_minor_units(query.get("low", ""), digits),
            max_price=parse_minor_units(query.get("high", ""), digits),
            in_stock=query.get("stock") == "1",
            sort=sort if is_valid else "best" if text else "name",
            page=query.get("page", "1"),
        )

    @property
    def is_narrowed(self) -> bool:
        """Return True if any filter besides the search words is set."""
        has_price = self.min_price is not None or self.max_price is not None
        return bool(self.categories or self.vendors or self.in_stock or has_price)


@dataclass(frozen=True, slots=True)
class FacetOption:
    """Describe one checkbox of a facet, with the number of products behind it."""

    value: str
    label: str
    count: int
    selected: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """Group the checkboxes of one query parameter."""

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


def parse_minor_units(text: str, digits: int) -> int | None:
    """Convert a typed price such as ``12``, ``12.5`` or ``12,50`` to minor units; return None for any other text."""
    if not PRICE.fullmatch(text.strip()):
        return None
    try:
        return int(Decimal(text.strip().replace(",", ".")).scaleb(digits))
    except InvalidOperation:
        return None


def query_without(query: QueryDict, name: str, value: str | None = None) -> str:
    """Return the query string without one value (or parameter) and without the page: ``?q=tea``, or ``?`` if empty."""
    rest = query.copy()
    kept = [] if value is None else [other for other in rest.getlist(name) if other != value]
    rest.setlist(name, kept)
    return encode_query(rest)


def query_with(query: QueryDict, name: str, value: str) -> str:
    """Return the query string with one parameter set."""
    rest = query.copy()
    rest[name] = value
    return encode_query(rest, keep_page=name == "page")


def encode_query(query: QueryDict, *, keep_page: bool = False) -> str:
    """Encode a query without empty values."""
    if not keep_page:
        query.pop("page", None)
    for name in list(query):
        query.setlist(name, [value for value in query.getlist(name) if value])
    return f"?{query.urlencode()}"


def facet_options(counted: Iterable[tuple[str, str, int]], selected: Iterable[str]) -> list[FacetOption]:
    """Build options from (value, label, count); a selected value without products stays, with count 0, removable."""
    selected = set(selected)
    found = [FacetOption(value, label, count, value in selected) for value, label, count in counted]
    empty = selected - {option.value for option in found}
    return found + [
        FacetOption(value, value.replace("-", " ").capitalize(), 0, selected=True) for value in sorted(empty)
    ]

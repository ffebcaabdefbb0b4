"""What a shopper chose in a list of products: a plain GET form, and the addresses that undo each choice."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from django.http import QueryDict

PRICE = re.compile(r"[0-9]{1,7}([.,][0-9]{1,2})?")
SORTS = {
    "best": "Best match",
    "new": "Newest",
    "cheap": "Price, low to high",
    "dear": "Price, high to low",
    "name": "Name, A to Z",
}
MOST_CHOICES = 20
LONGEST_TEXT = 100


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address of a list says; anything else in it is passed over."""

    text: str = ""
    departments: tuple[str, ...] = ()
    shops: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    in_stock: bool = False
    sort: str = "name"
    page: str = "1"

    @classmethod
    def of(cls, query: QueryDict, digits: int = 2) -> Choice:
        """Read an address's query; ``digits`` are those of the currency's minor unit."""
        text = " ".join(query.get("q", "")[:LONGEST_TEXT].replace("\0", "").split())
        sort = query.get("sort", "")
        sensible = sort in SORTS and (text or sort != "best")
        return cls(
            text=text,
            departments=tuple(query.getlist("department")[:MOST_CHOICES]),
            shops=tuple(query.getlist("shop")[:MOST_CHOICES]),
            low=minor(query.get("low", ""), digits),
            high=minor(query.get("high", ""), digits),
            in_stock=query.get("stock") == "1",
            sort=sort if sensible else "best" if text else "name",
            page=query.get("page", "1"),
        )

    @property
    def narrows(self) -> bool:
        """Whether anything besides the words hides products."""
        return bool(self.departments or self.shops or self.in_stock or self.low is not None or self.high is not None)


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    label: str
    count: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """One group of checkboxes."""

    name: str
    title: str
    options: list[Option] = field(default_factory=list)

    @property
    def is_useful(self) -> bool:
        return len(self.options) > 1 or any(option.chosen for option in self.options)


@dataclass(frozen=True, slots=True)
class Chip:
    """One thing chosen, and the query without it."""

    label: str
    query: str


def minor(text: str, digits: int) -> int | None:
    """Minor units of a typed price such as ``12``, ``12.5`` or ``12,50``; None for anything else."""
    if not PRICE.fullmatch(text.strip()):
        return None
    try:
        return int(Decimal(text.strip().replace(",", ".")).scaleb(digits))
    except InvalidOperation:
        return None


def without(query: QueryDict, name: str, value: str | None = None) -> str:
    """The query less one choice, and back on the first page: ``?q=tea``; ``?`` where nothing is left."""
    rest = query.copy()
    kept = [] if value is None else [one for one in rest.getlist(name) if one != value]
    rest.setlist(name, kept)
    return encoded(rest)


def with_value(query: QueryDict, name: str, value: str) -> str:
    rest = query.copy()
    rest[name] = value
    return encoded(rest, keep_page=name == "page")


def encoded(query: QueryDict, *, keep_page: bool = False) -> str:
    if not keep_page:
        query.pop("page", None)
    for name in list(query):
        query.setlist(name, [value for value in query.getlist(name) if value])
    return f"?{query.urlencode()}"


def options(counted: Iterable[tuple[str, str, int]], chosen: Iterable[str]) -> list[Option]:
    """Options of (value, label, count); a chosen value without products stays, with a 0, so it can be taken away."""
    chosen = set(chosen)
    found = [Option(value, label, count, value in chosen) for value, label, count in counted]
    lost = chosen - {option.value for option in found}
    return found + [Option(value, value.replace("-", " ").capitalize(), 0, chosen=True) for value in sorted(lost)]

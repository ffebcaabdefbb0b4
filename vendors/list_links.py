"""Links from a list to its products: each carries the list, as an address, and the product's number in it.

The product's page reads it (``vendors.pager``). Nothing is signed, for it selects nothing that a list would not show.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.http import QueryDict

from vendors.facets import MAX_CHOICES, PLACES
from vendors.models import ProductCard

LIST, AT = "list", "at"
MALL, SHOP, HOME, NEW = "mall", "shop", "home", "new"  # lists of a mall and a shop, and the newest on their front pages
NAMES = ("q", "department", "shop", "with", "low", "high", "stock", "sort")
MOST_AT = 10**7


def list_query(query: QueryDict, *places: str) -> QueryDict:
    """Return the parameters of a query that name a list, and those of ``places``, which name a page of it."""
    kept = QueryDict(mutable=True)
    for name in (*NAMES, *places):
        if values := [value for value in query.getlist(name)[:MAX_CHOICES] if value]:
            kept.setlist(name, values)
    return kept


def list_name(kind: str, category_slug: str = "") -> str:
    """Return how links name a list: ``mall.kitchen``."""
    return f"{kind}.{category_slug}" if category_slug else kind


def link_from(name: str, query: QueryDict, number: int) -> str:
    """Return the query string of the link to a product from a list; ``query`` is that of the list."""
    carried = QueryDict(mutable=True)
    carried[LIST] = name
    for parameter, values in list_query(query, *PLACES).lists():
        carried.setlist(parameter, values)
    if number:
        carried[AT] = str(number)
    return f"?{carried.urlencode()}"


def give_links(cards: Iterable[ProductCard], name: str, query: QueryDict | None = None, first: int = 1) -> None:
    """Let the cards of a page of a list link with it; ``first`` is the number of the first."""
    start = link_from(name, query if query is not None else QueryDict(), 0)
    for number, card in enumerate(cards, first):
        card.in_list = f"{start}&{AT}={number}"


def number_of(query: QueryDict) -> int:
    """Return the number in its list that a product's address carries; 0 where it carries none."""
    text = query.get(AT, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 and 0 < int(text) <= MOST_AT else 0

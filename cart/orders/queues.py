"""The packing desk's queues: saved filters with their counts, and the search of consignments.

A consignment is late when the day has passed on which it was promised to leave.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower

from cart.orders.models import Consignment, Order, OrderLine

State = Consignment.State
WAITING: Final = (State.OPEN, State.PACKED)
MOST_COUNTED: Final = 999


@dataclass(frozen=True, slots=True)
class Queue:
    """Name the consignments of a queue; those that wait for work are listed by the day on which they should leave."""

    label: str
    condition: Callable[[datetime], Q]
    waits: bool = True

    @property
    def ordering(self) -> tuple[str, str]:
        """Return the order of its list."""
        return ("send_by", "pk") if self.waits else ("-placed_at", "-pk")


FIRST: Final = "to_pack"
ALL: Final = "all"
QUEUES: Final[Mapping[str, Queue]] = MappingProxyType(
    {
        FIRST: Queue("To pack", lambda _: Q(state=State.OPEN)),
        "to_print": Queue("Slips to print", lambda _: Q(state=State.OPEN, printed_at=None)),
        "packed": Queue("Packed", lambda _: Q(state=State.PACKED)),
        "late": Queue("Late", lambda now: Q(state__in=WAITING, send_by__lte=now)),
        "sent": Queue("Sent", lambda _: Q(state__in=(State.SENT, State.DELIVERED)), waits=False),
        "cancelled": Queue("Cancelled", lambda _: Q(state=State.CANCELLED), waits=False),
        ALL: Queue("All", lambda _: Q(), waits=False),
    }
)


def counts(rows: QuerySet[Consignment], now: datetime) -> dict[str, str]:
    """Return the number of rows of each queue as text, up to MOST_COUNTED, in one statement; the queue of all has none.

    Counting on would read a vendor's whole past for each page.
    """
    counted = [name for name in QUEUES if name != ALL]
    some = [
        rows.filter(QUEUES[name].condition(now)).order_by().values_list(Value(name))[: MOST_COUNTED + 1]
        for name in counted
    ]
    found = Counter(name for (name,) in some[0].union(*some[1:], all=True).order_by())
    return {name: str(found[name]) if found[name] <= MOST_COUNTED else f"{MOST_COUNTED}+" for name in counted}


def search(rows: QuerySet[Consignment], text: str) -> QuerySet[Consignment]:
    """Select rows by the beginning of a number, tracking number, mail address or SKU, or of words of the buyer's name.

    Each way has an index; a union keeps them apart, where OR would read all rows.
    """
    text = text.strip()
    every = Consignment.objects.order_by()
    ways: list[Any] = [
        every.filter(number__startswith=text.upper()).values("pk"),
        every.exclude(tracking_number="").filter(tracking_number__startswith=text).values("pk"),
        OrderLine.objects.order_by()
        .alias(code=Lower("sku"))
        .filter(code__startswith=text.lower())
        .values("consignment_id"),
        *(every.filter(order__in=buyers).values("pk") for buyers in _orders_of_buyers(text)),
    ]
    return rows.filter(pk__in=ways[0].union(*ways[1:]))


def search_orders(rows: QuerySet[Order], text: str) -> QuerySet[Order]:
    """Select orders by the beginning of a number, a mail address, or of words of the buyer's name."""
    text = text.strip()
    numbered = Order.objects.order_by().filter(number__startswith=text.upper()).values("pk")
    return rows.filter(pk__in=numbered.union(*_orders_of_buyers(text)))


def _orders_of_buyers(text: str) -> list[Any]:
    """Return the keys of orders by their buyer's mail address, and by the name where the text has words."""
    every = Order.objects.order_by()
    ways: list[Any] = [every.alias(mail=Lower("email")).filter(mail__startswith=text.lower()).values("pk")]
    if words := re.findall(r"\w+", text):
        named = SearchQuery(" & ".join(f"{word}:*" for word in words), config="simple", search_type="raw")
        ways.append(every.alias(buyer=SearchVector("name", config="simple")).filter(buyer=named).values("pk"))
    return ways

"""The context of the templates of letters about orders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cart.orders.models import Consignment, Order


def context_of(
    order: Order, consignments: Iterable[Consignment], facts: Mapping[str, Any], link: str
) -> dict[str, Any]:
    """Return the context; ``consignment`` is the one that the facts name, if they name one."""
    rows = list(consignments)
    named = next((row for row in rows if row.number == facts.get("consignment")), None)
    return {"order": order, "consignments": rows, "consignment": named, "facts": facts, "link": link}

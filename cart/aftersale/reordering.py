"""The service that puts the goods of an order into a cart once more, and names the differences."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext

from cart.lines import MAX_QUANTITY, add_pieces
from cart.models import Cart, Line
from cart.orders.models import OrderLine
from cart.services import locked_cart, sellable_variants
from cart.transactions import in_transaction
from sessions_farm.communities.visitors.merging import surviving_visitor
from vendors import stock
from vendors.money import Money

if TYPE_CHECKING:
    from sessions_farm.communities.models import Visitor


@dataclass(frozen=True, slots=True)
class Reordered:
    """Hold the names of the goods in the cart again, and the differences from the order as sentences."""

    added: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)


@in_transaction
def reorder(*, visitor: Visitor, lines: Collection[OrderLine], currency: str, now: datetime) -> Reordered:
    """Add the goods of lines to a visitor's cart, at today's prices and as far as they are to be had."""
    visitor = surviving_visitor(visitor)
    found = Reordered()
    wanted = [line.variant_id for line in lines if line.variant_id is not None]
    sold = sellable_variants(community_id=visitor.community_id).filter(pk__in=wanted)
    variants = {variant.pk: variant for variant in sold}
    cart = locked_cart(visitor)
    available = stock.available(variants, now, excluding=cart.held_by)
    here = dict(Line.objects.filter(cart=cart, variant__in=variants).values_list("variant_id", "quantity"))
    for line in lines:
        variant = variants.get(line.variant_id or 0)
        if variant is None:
            found.changes.append(gettext("%(goods)s is not sold any more.") % {"goods": line.name})
            continue
        before, limit = here.get(variant.pk, 0), min(available[variant.pk], MAX_QUANTITY)
        if limit <= before:
            there = gettext("%(goods)s is in your cart already, as many as there are.")
            found.changes.append((there if limit else gettext("%(goods)s is sold out.")) % {"goods": line.name})
            continue
        added = add_pieces(cart.pk, variant, line.quantity, limit=limit, added_at=now) - before
        found.added.append(f"{added} × {line.name}")
        found.changes.extend(_differences(line, added, variant.current_price(now), currency))
    Cart.objects.filter(pk=cart.pk).update(changed_at=now)
    return found


def _differences(line: OrderLine, added: int, price: int, currency: str) -> list[str]:
    changes = []
    if added < line.quantity:
        changes.append(
            gettext("Only %(added)s of %(wanted)s %(goods)s are to be had.")
            % {"added": added, "wanted": line.quantity, "goods": line.name}
        )
    if price != line.unit_price:
        more, less = (
            gettext("%(goods)s costs more now: %(now)s, then %(then)s."),
            gettext("%(goods)s costs less now: %(now)s, then %(then)s."),
        )
        prices = {"now": Money(price, currency), "then": Money(line.unit_price, currency)}
        changes.append((more if price > line.unit_price else less) % {"goods": line.name, **prices})
    return changes

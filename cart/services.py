"""Every change of a cart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, QuerySet

from cart.models import Cart, Line
from sessions_farm.communities.visitors.merging import surviving_visitor
from vendors import stock
from vendors.models import Product, Variant, Vendor

if TYPE_CHECKING:
    from sessions_farm.communities.models import Visitor

MOST_OF_ONE = 99

# One statement, so that two tabs that add at the same moment cannot lose a piece or make two lines.
UPSERT = """
    INSERT INTO cart_line AS line (cart_id, variant_id, quantity, seen_price, added_at)
    VALUES (%s, %s, LEAST(%s, %s), %s, %s)
    ON CONFLICT (cart_id, variant_id) DO UPDATE
    SET quantity = GREATEST(LEAST(line.quantity + %s, %s), 1), seen_price = EXCLUDED.seen_price
    RETURNING quantity
"""


class NotForSale(Exception):
    """The variant is not sold, or not by this store."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a line: ``quantity`` lie in the cart now; ``capped`` where fewer than were asked for."""

    variant: Variant
    quantity: int
    capped: bool = False


@transaction.atomic
def add_line(
    *, visitor: Visitor, variant_id: int, quantity: int, now: datetime, vendor_id: int | None = None
) -> Change:
    """Put pieces of a variant into the visitor's cart, no more than there are.

    ``vendor_id`` limits what may be added to one store's goods. Raise NotForSale or stock.SoldOut.
    """
    visitor = surviving_visitor(visitor)  # another tab may have come home from a hand-off since this request began
    variant = sellable(community_id=visitor.community_id, vendor_id=vendor_id).filter(pk=variant_id).first()
    if variant is None:
        raise NotForSale(f"Variant {variant_id} is not for sale here.")
    cart, _ = Cart.objects.get_or_create(visitor=visitor)
    left = _most(variant_id, now, cart)
    if not left:
        raise stock.SoldOut(variant_id, quantity, 0)
    before = Line.objects.filter(cart=cart, variant_id=variant_id).values_list("quantity", flat=True).first() or 0
    in_cart = _upsert(cart.pk, variant, quantity, left, now)
    Cart.objects.filter(pk=cart.pk).update(changed_at=now)
    return Change(variant, in_cart, capped=in_cart < before + quantity)


@transaction.atomic
def change_quantity(
    *, cart: Cart, variant_id: int, quantity: int, now: datetime, vendor_id: int | None = None
) -> Change | None:
    """Set how many of a variant lie in the cart, no more than there are; 0 removes the line, a missing line is None.

    It is also how a shopper agrees to a changed price. Raise NotForSale for a line that this store may not edit, and
    stock.SoldOut where none is left: the line stays then.
    """
    line = _editable(cart, vendor_id).filter(variant_id=variant_id).select_related("variant__product").first()
    if line is None:
        _refuse_foreign(cart, variant_id)
        return None
    kept = min(quantity, _most(variant_id, now, cart)) if quantity else 0
    if quantity and not kept:
        raise stock.SoldOut(variant_id, quantity, 0)
    if kept:
        Line.objects.filter(pk=line.pk).update(quantity=kept, seen_price=line.variant.current_price(now))
    else:
        line.delete()
    Cart.objects.filter(pk=cart.pk).update(changed_at=now)
    return Change(line.variant, kept, capped=kept < quantity)


def remove_line(*, cart: Cart, variant_id: int, now: datetime, vendor_id: int | None = None) -> Change | None:
    """Take a variant out of the cart; None where it was not in it. Raise NotForSale as change_quantity does."""
    return change_quantity(cart=cart, variant_id=variant_id, quantity=0, now=now, vendor_id=vendor_id)


def remove_bought(*, visitor_id: UUID, bought: Mapping[int, int]) -> None:
    """Take bought pieces out of the visitor's cart; what was added since the checkout stays."""
    for variant_id, quantity in bought.items():
        lines = Line.objects.filter(cart__visitor_id=visitor_id, variant_id=variant_id)
        if not lines.filter(quantity__gt=quantity).update(quantity=F("quantity") - quantity):
            lines.filter(quantity__lte=quantity).delete()
    Cart.objects.filter(visitor_id=visitor_id).update(held_by=None)


@transaction.atomic
def merge_carts(*, source: Visitor, target: Visitor, now: datetime) -> None:
    """Move the lines of one visitor's cart into another's: quantities add up, but not beyond what there is.

    No line is lost: where less is left than either cart asked for, the larger wish stays and the page says it is
    unavailable. Done twice, the second time finds nothing to move.
    """
    carts = {cart.visitor_id: cart for cart in _lock_carts(source, target)}
    if source.pk not in carts:
        return
    into = carts.get(target.pk) or Cart.objects.create(visitor=target)
    lines = list(carts[source.pk].lines.select_related("variant"))
    left = stock.available([line.variant_id for line in lines], now, besides=into.held_by)
    kept = dict(into.lines.values_list("variant_id", "quantity"))
    for line in lines:
        most = max(left[line.variant_id], kept.get(line.variant_id, 0), line.quantity)
        _upsert(into.pk, line.variant, line.quantity, min(most, MOST_OF_ONE), line.added_at, line.seen_price)
    carts[source.pk].delete()
    Cart.objects.filter(pk=into.pk).update(changed_at=now)


def sellable(*, community_id: int, vendor_id: int | None = None) -> QuerySet[Variant]:
    """The variants that can be bought in a community now, or in one of its stores."""
    variants = Variant.objects.filter(
        product__status=Product.Status.PUBLISHED,
        product__vendor__status=Vendor.Status.PUBLISHED,
        product__vendor__marketplace__community_id=community_id,
    ).select_related("product__vendor")
    return variants if vendor_id is None else variants.filter(product__vendor_id=vendor_id)


def _most(variant_id: int, now: datetime, cart: Cart) -> int:
    return min(stock.available([variant_id], now, besides=cart.held_by)[variant_id], MOST_OF_ONE)


def _upsert(
    cart_id: int, variant: Variant, quantity: int, most: int, now: datetime, seen_price: int | None = None
) -> int:
    price = variant.current_price(now) if seen_price is None else seen_price
    with connection.cursor() as cursor:
        cursor.execute(UPSERT, [cart_id, variant.pk, quantity, most, price, now, quantity, most])
        row = cursor.fetchone()
    return int(row[0])


def _editable(cart: Cart, vendor_id: int | None) -> QuerySet[Line]:
    return cart.lines.all() if vendor_id is None else cart.lines.filter(variant__product__vendor_id=vendor_id)


def _refuse_foreign(cart: Cart, variant_id: int) -> None:
    if cart.lines.filter(variant_id=variant_id).exists():
        raise NotForSale(
            f"Variant {variant_id} belongs to another store; its line is changed there or in the mall's cart."
        )


def _lock_carts(*visitors: Visitor) -> list[Cart]:
    rows = Cart.objects.filter(visitor__in=[visitor.pk for visitor in visitors]).order_by("pk")
    return list(rows.select_for_update(no_key=True))

"""Services that change a cart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Q, QuerySet

from cart import copies
from cart.lines import MAX_QUANTITY, add_pieces, end_purchase
from cart.models import Cart, CopiedLine, Line, SavedGoods
from cart.transactions import in_transaction
from sessions_farm.communities.visitors.merging import surviving_visitor
from vendors import stock
from vendors.models import Product, Variant, Vendor

if TYPE_CHECKING:
    from sessions_farm.communities.models import Visitor


class NotForSaleError(Exception):
    """Report a variant that is not sold, or not by this store."""


@dataclass(frozen=True, slots=True)
class LineChange:
    """Hold a line's new quantity; ``capped`` if it is lower than requested."""

    variant: Variant
    quantity: int
    capped: bool = False


@in_transaction
def add_line(
    *, visitor: Visitor, variant_id: int, quantity: int, now: datetime, vendor_id: int | None = None
) -> LineChange:
    """Add pieces of a variant to the visitor's cart, up to the available number.

    ``vendor_id`` limits the addition to one vendor's goods. Raise NotForSaleError or stock.SoldOutError.
    """
    # a hand-off in another tab may have merged the visitor since this request began
    visitor = surviving_visitor(visitor)
    variant = sellable_variants(community_id=visitor.community_id, vendor_id=vendor_id).filter(pk=variant_id).first()
    if variant is None:
        raise NotForSaleError(f"Variant {variant_id} is not for sale here.")
    cart = locked_cart(visitor)
    limit = _quantity_limit(variant_id, now, cart)
    if not limit:
        raise stock.SoldOutError(variant_id, quantity, 0)
    before = Line.objects.filter(cart=cart, variant_id=variant_id).values_list("quantity", flat=True).first() or 0
    in_cart = add_pieces(cart.pk, variant, quantity, limit=limit, added_at=now)
    Cart.objects.filter(pk=cart.pk).update(changed_at=now)
    return LineChange(variant, in_cart, capped=in_cart < before + quantity)


@in_transaction
def change_quantity(
    *, cart: Cart, variant_id: int, quantity: int, now: datetime, vendor_id: int | None = None
) -> LineChange | None:
    """Set the quantity of a line, up to the available number; 0 removes it. Return None for a missing line.

    The shopper accepts a changed price by it. Raise NotForSaleError for a line that this store may not edit, and
    stock.SoldOutError (the line stays) if none is available.
    """
    list(Cart.objects.select_for_update(no_key=True).filter(pk=cart.pk))
    line = _editable(cart, vendor_id).filter(variant_id=variant_id).select_related("variant__product").first()
    if line is None:
        _reject_foreign_line(cart, variant_id)
        return None
    kept = min(quantity, _quantity_limit(variant_id, now, cart)) if quantity else 0
    if quantity and not kept:
        raise stock.SoldOutError(variant_id, quantity, 0)
    if kept:
        Line.objects.filter(pk=line.pk).update(quantity=kept, seen_price=line.variant.current_price(now))
    else:
        line.delete()
    Cart.objects.filter(pk=cart.pk).update(changed_at=now)
    return LineChange(line.variant, kept, capped=kept < quantity)


@in_transaction
def remove_vendor(*, cart: Cart, vendor_id: int, now: datetime) -> int:
    """Remove all lines of a vendor; return their number."""
    list(Cart.objects.select_for_update(no_key=True).filter(pk=cart.pk))
    number, _ = _editable(cart, vendor_id).delete()
    Cart.objects.filter(pk=cart.pk).update(changed_at=now)
    return number


def remove_line(*, cart: Cart, variant_id: int, now: datetime, vendor_id: int | None = None) -> LineChange | None:
    """Remove a line; return None for a missing line. Raise NotForSaleError as change_quantity does."""
    return change_quantity(cart=cart, variant_id=variant_id, quantity=0, now=now, vendor_id=vendor_id)


def remove_bought(*, visitor_id: UUID, bought: Mapping[int, int]) -> None:
    """Remove bought pieces from the visitor's cart, and from carts whose copies they were; pieces added since stay.

    The caller has locked ``carts_of_purchase``.
    """
    if not bought:
        return
    if end_purchase(visitor_id, bought):
        copies.remove_bought(visitor_id=visitor_id, bought=bought)


@in_transaction
def merge_carts(*, source: Visitor, target: Visitor, now: datetime) -> None:
    """Move the lines of one visitor's cart into another's; quantities add up to the available number. Idempotent.

    Pieces that were copied before (copies.py) are not added again. No line is lost: if fewer pieces are available than
    either cart has, the larger quantity stays and the page shows the line as unavailable.
    """
    carts = {cart.visitor_id: cart for cart in _lock_carts(source, target)}
    if source.pk not in carts:
        return
    target_cart = carts.get(target.pk) or Cart.objects.create(visitor=target)
    lines = list(carts[source.pk].lines.select_related("variant"))
    available = stock.available([line.variant_id for line in lines], now, excluding=target_cart.held_by)
    kept = dict(target_cart.lines.values_list("variant_id", "quantity"))
    copied = copies.common_quantities(carts[source.pk], target_cart)
    for line in lines:
        added = line.quantity - copied.get(line.variant_id, 0)
        if added > 0:
            limit = max(available[line.variant_id], kept.get(line.variant_id, 0), line.quantity)
            add_pieces(
                target_cart.pk, line.variant, added, limit=limit, added_at=line.added_at, seen_price=line.seen_price
            )
    copies.move_copies(source=carts[source.pk], target=target_cart)
    saved = [
        SavedGoods(cart=target_cart, variant_id=variant_id, saved_at=saved_at)
        for variant_id, saved_at in carts[source.pk].saved.values_list("variant_id", "saved_at")
    ]
    SavedGoods.objects.bulk_create(saved, ignore_conflicts=True)
    held_by = carts[source.pk].held_by or target_cart.held_by  # a hold follows its owner into the account
    carts[source.pk].delete()
    Cart.objects.filter(pk=target_cart.pk).update(changed_at=now, held_by=held_by)


def sellable_variants(*, community_id: int, vendor_id: int | None = None) -> QuerySet[Variant]:
    """Select the variants on offer of a community, or of one of its vendors."""
    variants = (
        Variant.objects.on_offer()
        .filter(
            product__status=Product.Status.PUBLISHED,
            product__vendor__status=Vendor.Status.PUBLISHED,
            product__vendor__marketplace__community_id=community_id,
        )
        .select_related("product__vendor")
    )
    return variants if vendor_id is None else variants.filter(product__vendor_id=vendor_id)


def _quantity_limit(variant_id: int, now: datetime, cart: Cart) -> int:
    return min(stock.available([variant_id], now, excluding=cart.held_by)[variant_id], MAX_QUANTITY)


def _editable(cart: Cart, vendor_id: int | None) -> QuerySet[Line]:
    return cart.lines.all() if vendor_id is None else cart.lines.filter(variant__product__vendor_id=vendor_id)


def _reject_foreign_line(cart: Cart, variant_id: int) -> None:
    if cart.lines.filter(variant_id=variant_id).exists():
        raise NotForSaleError(
            f"Variant {variant_id} belongs to another store; its line is changed there or in the mall's cart."
        )


def locked_cart(visitor: Visitor) -> Cart:
    """Return the visitor's cart, made where there is none, and locked until the transaction ends."""
    Cart.objects.get_or_create(visitor=visitor)
    return Cart.objects.select_for_update(no_key=True).get(visitor=visitor)


def carts_of_purchase(visitor_ids: QuerySet[Any]) -> QuerySet[Cart]:
    """Select the carts of the visitors that a subquery names, and the carts that their lines were copied from."""
    sources = CopiedLine.objects.filter(target__visitor__in=visitor_ids).values("source_id")
    return Cart.objects.filter(Q(visitor__in=visitor_ids) | Q(pk__in=sources))


def _lock_carts(*visitors: Visitor) -> list[Cart]:
    rows = Cart.objects.filter(visitor__in=[visitor.pk for visitor in visitors]).order_by("pk")
    return list(rows.select_for_update(no_key=True))

"""Goods that a shopper saves for later, beside the cart: from a product's page or from a line of the cart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import QuerySet

from cart.models import Cart, SavedGoods
from cart.services import NotForSaleError, locked_cart, sellable_variants
from cart.transactions import in_transaction
from sessions_farm.communities.query_plans import planned
from sessions_farm.communities.visitors.merging import surviving_visitor
from vendors import card_refresh
from vendors.cards import cards_by_id
from vendors.models import ProductCard, Variant
from vendors.storefronts import CachedStorefront, storefronts

if TYPE_CHECKING:
    from sessions_farm.communities.models import Visitor

MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class SavedItem:
    """Show saved goods: ``card`` and ``store`` are None where they are not sold any more."""

    variant: Variant
    price: int
    card: ProductCard | None
    store: CachedStorefront | None
    editable: bool


@in_transaction
def save_for_later(*, visitor: Visitor, variant_id: int, now: datetime, vendor_id: int | None = None) -> Variant:
    """Save a variant for later, and remove its line from the cart; saved once however often.

    ``vendor_id`` limits it to one vendor's goods. Raise NotForSaleError.
    """
    visitor = surviving_visitor(visitor)
    variant = sellable_variants(community_id=visitor.community_id, vendor_id=vendor_id).filter(pk=variant_id).first()
    if variant is None:
        raise NotForSaleError(f"Variant {variant_id} is not for sale here.")
    cart = locked_cart(visitor)
    SavedGoods.objects.bulk_create([SavedGoods(cart=cart, variant=variant, saved_at=now)], ignore_conflicts=True)
    cart.lines.filter(variant=variant).delete()
    Cart.objects.filter(pk=cart.pk).update(changed_at=now)
    return variant


def forget(*, cart: Cart, variant_id: int) -> None:
    """Take a variant off the saved goods."""
    SavedGoods.objects.filter(cart=cart, variant=variant_id).delete()


def saved_items(visitor_id: UUID | None, now: datetime, vendor_id: int | None) -> list[SavedItem]:
    """Return a visitor's saved goods, the latest first; a host may edit those of ``vendor_id``, or all where None."""
    saved = _saved_by(visitor_id) if visitor_id else []
    if not saved:
        return []
    card_refresh.refresh(now)
    cards = {card.pk: card for card in cards_by_id(sorted({row.variant.product_id for row in saved}), now)}
    return [
        SavedItem(
            variant=row.variant,
            price=row.variant.current_price(now),
            card=None if row.variant.withdrawn else cards.get(row.variant.product_id),
            store=storefronts.by_vendor(row.variant.product.vendor_id),
            editable=vendor_id in {None, row.variant.product.vendor_id},
        )
        for row in saved
    ]


@planned
def _saved_by(visitor_id: UUID) -> QuerySet[SavedGoods]:
    rows = SavedGoods.objects.filter(cart__visitor=visitor_id).select_related("variant__product")
    return rows.order_by("-saved_at", "-pk")[:MOST_SHOWN]

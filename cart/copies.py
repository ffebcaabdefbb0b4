"""Copies of a store's cart in the till's: for a shopper whom the two hosts know as two visitors.

A ticket (communities.handoff.tickets) proves that a shopper comes from a store, and not who they are: so the two carts
stay two, and the difference since the last copy is carried over, as in a merge of three versions. With ``copied``
pieces of a line brought before, the store's cart at ``there`` and the till's at ``here``, the till's becomes
``here + there - copied``: pressed twice, nothing is doubled; changed at the store, the change arrives; changed at the
till, the change stays.

Goods are brought unasked only into a cart that has nothing but copies of that same cart, and that belongs to no
account: anybody can lead anybody to the till by a ticket of their own. Everything else is shown, and added by a click.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import F, QuerySet

from cart.lines import add_pieces, remove_pieces
from cart.models import Cart, CopiedLine, Line
from cart.transactions import in_transaction
from sessions_farm.communities.query_plans import planned
from sessions_farm.communities.visitors.merging import surviving_visitor
from vendors import stock
from vendors.models import Variant

if TYPE_CHECKING:
    from sessions_farm.communities.models import Visitor


@dataclass(frozen=True, slots=True)
class Offer:
    """Pieces of a variant that a store's cart has and the till's lacks; ``there`` is the store's quantity."""

    variant_id: int
    pieces: int
    there: int


@in_transaction
def copy_cart(*, source_visitor_id: UUID, target: Visitor, now: datetime) -> list[Offer]:
    """Carry a store's cart over into a visitor's; return the goods that must be offered instead, if any."""
    target = surviving_visitor(target)  # locked: two tickets at once are redeemed one after the other
    source, cart = _locked_carts(source_visitor_id, target)
    if source is None:
        return []  # a hand-off made one visitor of the two by now
    here, there = _quantities(cart), _quantities(source)
    copied = copied_quantities(source=source, target=cart) if cart else {}
    removed_here = _removed_lines(here, there, copied)
    offers = _new_pieces(there, copied, removed_here)
    has_own_lines = not here.keys() <= copied.keys()
    if offers and (target.user_id is not None or removed_here or has_own_lines):
        return offers
    cart = cart or Cart.objects.create(visitor=target)
    _remove_fewer(cart, there, copied)
    _add(source, cart, offers, now)
    _note_copies(source, cart, {variant_id: there.get(variant_id, 0) for variant_id in there.keys() | copied.keys()})
    return []


def _removed_lines(here: Mapping[int, int], there: Mapping[int, int], copied: Mapping[int, int]) -> set[int]:
    """Return the lines that the till lacks although all their pieces were copied into it."""
    return {variant_id for variant_id in there.keys() - here.keys() if there[variant_id] <= copied.get(variant_id, 0)}


def _new_pieces(there: Mapping[int, int], copied: Mapping[int, int], removed_here: Set[int]) -> list[Offer]:
    """Return the pieces that the store's cart gained since the last copy, and all of a line removed at the till."""
    gained = {
        variant_id: quantity if variant_id in removed_here else quantity - copied.get(variant_id, 0)
        for variant_id, quantity in there.items()
    }
    return [Offer(variant_id, pieces, there[variant_id]) for variant_id, pieces in gained.items() if pieces > 0]


def _remove_fewer(cart: Cart, there: Mapping[int, int], copied: Mapping[int, int]) -> None:
    """Remove the pieces that the store's cart lost since the last copy."""
    for variant_id, quantity in copied.items():
        if (fewer := quantity - there.get(variant_id, 0)) > 0:
            remove_pieces(Line.objects.filter(cart=cart, variant_id=variant_id), fewer)


@in_transaction
def add_offered(*, source_visitor_id: UUID, target: Visitor, offers: Sequence[Offer], now: datetime) -> None:
    """Add offered goods to a visitor's cart, as the shopper clicked; nothing where a hand-off was faster."""
    target = surviving_visitor(target)
    source, cart = _locked_carts(source_visitor_id, target)
    if source is None:
        return
    cart = cart or Cart.objects.create(visitor=target)
    _add(source, cart, offers, now)
    _note_copies(source, cart, {offer.variant_id: offer.there for offer in offers})


def copied_quantities(*, source: Cart, target: Cart) -> dict[int, int]:
    """Return the copied pieces of each variant."""
    return dict(CopiedLine.objects.filter(source=source, target=target).values_list("variant_id", "quantity"))


def common_quantities(one: Cart, other: Cart) -> dict[int, int]:
    """Return the pieces of each variant that two carts have in common, by copies in either direction."""
    there, back = copied_quantities(source=one, target=other), copied_quantities(source=other, target=one)
    return {variant_id: there.get(variant_id, 0) + back.get(variant_id, 0) for variant_id in there.keys() | back.keys()}


def move_copies(*, source: Cart, target: Cart) -> None:
    """Let the copies from and into a cart that is merged be those of the cart that stays."""
    for copy in CopiedLine.objects.filter(source=source).exclude(target=target).select_related("target", "variant"):
        _move_copy(copy, source=target, target=copy.target)
    for copy in CopiedLine.objects.filter(target=source).exclude(source=target).select_related("source", "variant"):
        _move_copy(copy, source=copy.source, target=target)


def remove_bought(*, visitor_id: UUID, bought: Mapping[int, int]) -> None:
    """Remove bought pieces from the carts that a visitor's lines were copied from."""
    left = dict(bought)
    for copy in _lock_copies(visitor_id, list(bought)):
        pieces = min(copy.quantity, left[copy.variant_id])
        left[copy.variant_id] -= pieces
        remove_pieces(Line.objects.filter(cart=copy.source_id, variant_id=copy.variant_id), pieces)
        remove_pieces(CopiedLine.objects.filter(pk=copy.pk), pieces)


@planned
def _lock_copies(visitor_id: UUID, variant_ids: Sequence[int]) -> QuerySet[CopiedLine]:
    copied = CopiedLine.objects.filter(target__visitor=visitor_id, variant__pk__in=variant_ids)
    return copied.order_by("pk").select_for_update(no_key=True, of=("self",))


def _add(source: Cart, cart: Cart, offers: Sequence[Offer], now: datetime) -> None:
    """Add goods; no line is lost where fewer are available: the page shows it as unavailable."""
    pieces = {offer.variant_id: offer.pieces for offer in offers}
    available = stock.available(list(pieces), now, excluding=cart.held_by)
    here = _quantities(cart)
    seen = dict(source.lines.values_list("variant_id", "seen_price"))
    for variant in Variant.objects.filter(pk__in=pieces).select_related("product"):
        added = pieces[variant.pk]
        limit = max(available[variant.pk], here.get(variant.pk, 0), added)
        add_pieces(cart.pk, variant, added, limit=limit, added_at=now, seen_price=seen.get(variant.pk))
    Cart.objects.filter(pk=cart.pk).update(changed_at=now)


def _note_copies(source: Cart, target: Cart, quantities: Mapping[int, int]) -> None:
    for variant_id, quantity in quantities.items():
        CopiedLine.objects.update_or_create(
            source=source, target=target, variant_id=variant_id, defaults={"quantity": quantity}
        )
    CopiedLine.objects.filter(source=source, target=target, quantity=0).delete()


def _move_copy(copy: CopiedLine, *, source: Cart, target: Cart) -> None:
    """Add a copy's pieces to those between two other carts."""
    kept, is_new = CopiedLine.objects.get_or_create(
        source=source, target=target, variant=copy.variant, defaults={"quantity": copy.quantity}
    )
    if not is_new:
        CopiedLine.objects.filter(pk=kept.pk).update(quantity=F("quantity") + copy.quantity)


def _locked_carts(source_visitor_id: UUID, target: Visitor) -> tuple[Cart | None, Cart | None]:
    """Return the carts of the two visitors, locked; no source where the visitors are one by now."""
    rows = Cart.objects.filter(visitor__in=[source_visitor_id, target.pk]).order_by("pk")
    carts = {cart.visitor_id: cart for cart in rows.select_for_update(no_key=True)}
    source = carts.get(source_visitor_id) if source_visitor_id != target.pk else None
    return source, carts.get(target.pk)


def _quantities(cart: Cart | None) -> dict[int, int]:
    return dict(cart.lines.values_list("variant_id", "quantity")) if cart else {}

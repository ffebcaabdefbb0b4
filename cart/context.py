"""The cart of a request, and the lines that its host may edit."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import QuerySet, Subquery

from cart.models import Cart, Line
from sessions_farm.communities.query_plans import SumRows, planned
from sessions_farm.communities.visitors.lookup import visitors_with
from vendors.http import MallRequest


def current_cart(request: MallRequest) -> Cart | None:
    """Return the visitor's cart, or None; create nothing."""
    visitor = request.mall.visitor
    if visitor is None:
        return None
    return _cart_of.first(visitor.pk)


@planned
def _cart_of(visitor_id: UUID) -> QuerySet[Cart]:
    return Cart.objects.filter(visitor=visitor_id)


@planned
def quantities_of(cart_id: int) -> QuerySet[Line, tuple[int, int]]:
    """Select the variant and quantity of each line of a cart."""
    return Line.objects.filter(cart=cart_id).order_by().values_list("variant_id", "quantity")


def count_pieces(request: MallRequest) -> int:
    """Return the number of pieces in the visitor's cart."""
    mall = getattr(request, "mall", None)
    if mall is None:
        return 0
    if hashes := mall.visitor_hashes:
        return _pieces_found_by(hashes)[0] or 0
    return (_pieces_of(mall.visitor.pk)[0] or 0) if mall.visitor is not None else 0


@planned
def _pieces_of(visitor_id: UUID) -> QuerySet[Line, int | None]:
    return Line.objects.filter(cart__visitor=visitor_id).order_by().values_list(SumRows("quantity"), flat=True)


@planned
def _pieces_found_by(key_hashes: Sequence[str]) -> QuerySet[Line, int | None]:
    """Count the pieces of the visitor of an id, where no other query needed the visitor."""
    lines = Line.objects.filter(cart__visitor=Subquery(visitors_with(key_hashes)))
    return lines.order_by().values_list(SumRows("quantity"), flat=True)


def editable_vendor_id(request: MallRequest) -> int | None:
    """Return the vendor of the lines that this host may edit: None for all vendors (the master), 0 for none."""
    if request.mall.is_master:
        return None
    store = request.storefront
    return store.vendor_id if store else 0

"""The cart of a request, and the lines that its host may edit."""

from __future__ import annotations

from django.db.models import Sum

from cart.models import Cart, Line
from vendors.http import MallRequest


def current_cart(request: MallRequest) -> Cart | None:
    """Return the visitor's cart, or None; create nothing."""
    visitor = request.mall.visitor
    if visitor is None:
        return None
    return Cart.objects.filter(visitor=visitor).first()


def count_pieces(request: MallRequest) -> int:
    """Return the number of pieces in the visitor's cart."""
    mall = getattr(request, "mall", None)
    if mall is None or mall.visitor is None:
        return 0
    return Line.objects.filter(cart__visitor=mall.visitor).aggregate(pieces=Sum("quantity"))["pieces"] or 0


def editable_vendor_id(request: MallRequest) -> int | None:
    """Return the vendor of the lines that this host may edit: None for all vendors (the master), 0 for none."""
    if request.mall.is_master:
        return None
    store = request.storefront
    return store.vendor_id if store else 0

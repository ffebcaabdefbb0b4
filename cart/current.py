"""The cart of a request."""

from __future__ import annotations

from django.db.models import Sum

from cart.models import Cart, Line
from vendors.http import MallRequest


def cart_of(request: MallRequest) -> Cart | None:
    """The visitor's cart; None where nothing was ever put into one. Never creates anything."""
    visitor = request.mall.visitor
    if visitor is None:
        return None
    return Cart.objects.filter(visitor=visitor).first()


def count_of(request: MallRequest) -> int:
    """How many pieces lie in the visitor's cart."""
    mall = getattr(request, "mall", None)
    if mall is None or mall.visitor is None:
        return 0
    return Line.objects.filter(cart__visitor=mall.visitor).aggregate(pieces=Sum("quantity"))["pieces"] or 0


def own_vendor_id(request: MallRequest) -> int | None:
    """Whose lines this host may edit: None stands for everybody's (the master), 0 for nobody's."""
    if request.mall.is_master:
        return None
    store = request.storefront
    return store.vendor_id if store else 0

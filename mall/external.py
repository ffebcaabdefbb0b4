"""The facts that external members may read of a shopper: the size and address of the cart."""

from __future__ import annotations

from django.db.models import Sum
from django.urls import reverse

from cart.models import Line
from sessions_farm.communities.links import absolute_url
from sessions_farm.communities.models import Visitor
from sessions_farm.communities.registry import ExternalMember, registry


def facts_for(visitor: Visitor | None, client: ExternalMember) -> dict[str, object]:
    """Return the number of pieces in the cart and its address; no prices, goods or names, which would identify."""
    master = registry.master_of(client.community_id)
    return {
        "cart_pieces": count_pieces(visitor),
        "cart_url": absolute_url(master.host, reverse("cart:page", urlconf="mall.urls")),
    }


def count_pieces(visitor: Visitor | None) -> int:
    """Return the number of pieces in a visitor's carts."""
    if visitor is None:
        return 0
    return Line.objects.filter(cart__visitor=visitor).aggregate(pieces=Sum("quantity"))["pieces"] or 0

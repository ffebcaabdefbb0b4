"""What members outside the farm are told of a shopper: how many pieces lie in the cart, and where the cart is."""

from __future__ import annotations

from django.db.models import Sum
from django.urls import reverse

from cart.models import Line
from sessions_farm.communities.links import absolute_url
from sessions_farm.communities.models import Visitor
from sessions_farm.communities.registry import ExternalMember, registry


def facts_for(visitor: Visitor | None, client: ExternalMember) -> dict[str, object]:
    """No prices, no goods, no names: an outside site greets the shopper and learns nothing to know them by."""
    master = registry.master_of(client.community_id)
    return {
        "cart_pieces": pieces_of(visitor),
        "cart_url": absolute_url(master.host, reverse("cart:page", urlconf="mall.urls")),
    }


def pieces_of(visitor: Visitor | None) -> int:
    if visitor is None:
        return 0
    return Line.objects.filter(cart__visitor=visitor).aggregate(pieces=Sum("quantity"))["pieces"] or 0

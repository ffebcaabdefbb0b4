"""Access to an order by its signed link, and the proof that who holds it is the buyer (ADR 43)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404

from cart.orders.links import read_token
from cart.orders.models import Order, OrderLine, group_by_consignment
from sessions_farm.communities.query_plans import attach, planned
from vendors.http import MallRequest

OWN_BROWSER = timedelta(hours=1)  # for which the browser that ordered proves its guest to be the buyer


class LinkOverError(Exception):
    """Report a link that was real and opens its order no more; ``order`` is for mailing a new one to its address."""

    def __init__(self, order: Order) -> None:
        super().__init__(f"This link to order {order.number} is over.")
        self.order = order


def open_order(request: MallRequest, token: str) -> Order:
    """Return the order of a link, with consignments, vendors, lines and products.

    Raise Http404 for a forged link and for an order of another community, LinkOverError for a link that is over.
    """
    link = read_token(token)
    order = _find(request.mall.member.community_id, link.order) if link else None
    if link is None or order is None:
        raise Http404("No order has this link.")
    if not order.is_opened_by(link):
        raise LinkOverError(order)
    return order


def is_owner(request: MallRequest, order: Order, now: datetime) -> bool:
    """Return whether more than the link proves the buyer: their account, or for a while a guest's own browser."""
    if order.user_id is not None:
        return bool(request.user.pk == order.user_id)
    if order.visitor_id is None or now >= order.created_at + OWN_BROWSER:
        return False
    visitor = request.mall.visitor
    return visitor is not None and visitor.pk == order.visitor_id


def _find(community_id: int, uuid: UUID) -> Order | None:
    lines = _lines_with(community_id, uuid)
    if not lines:
        return None
    order = lines[0].consignment.order
    attach([order], "consignments", group_by_consignment(lines), by="order_id")
    return order


@planned
def _lines_with(community_id: int, uuid: UUID) -> QuerySet[OrderLine]:
    """Select the lines of an order, each with all that its pages show of it; no order is without lines."""
    lines = OrderLine.objects.filter(
        consignment__order__uuid=uuid, consignment__order__marketplace__community=community_id
    )
    related = lines.select_related("consignment__order__marketplace", "consignment__vendor", "variant__product")
    return related.order_by("consignment", "pk")

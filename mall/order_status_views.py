"""The status page of an order, opened by its signed link, which the page renews by mail when it has run out."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cart.letters.services import write_link_letter
from cart.orders.links import read_token
from cart.orders.models import Consignment, Order, OrderLine, Payment, group_by_consignment
from sessions_farm.query_plans import attach, planned
from shipping.status import for_order
from vendors.http import MallRequest

FRESH = timedelta(minutes=1)
MOVING = {Consignment.State.OPEN, Consignment.State.PACKED, Consignment.State.SENT}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def order_status(request: MallRequest, token: str) -> HttpResponse:
    """Show an order, or renew its link; raise Http404 for a forged link, and for an order of another community."""
    link = read_token(token)
    order = _find(request.mall.member.community_id, link.order) if link else None
    if link is None or order is None:
        raise Http404("No order has this link.")
    if not order.is_opened_by(link):
        return _renew_link(request, order)
    response = _status_page(request, order)
    response["Referrer-Policy"] = "no-referrer"  # the address is the key
    response["X-Robots-Tag"] = "noindex"
    return response


def _renew_link(request: MallRequest, order: Order) -> HttpResponse:
    """Offer a new link; on POST mail it to the order's address, at most once an hour. Say nothing else of the order."""
    if request.method == "POST":
        write_link_letter(order=order, now=timezone.now())
        return HttpResponseRedirect(f"{request.path}?sent", status=303)
    response = render(request, "mall/order_link_over.html", {"is_sent": "sent" in request.GET}, status=410)
    response["X-Robots-Tag"] = "noindex"
    return response


def _status_page(request: MallRequest, order: Order) -> HttpResponse:
    dispatches = for_order(order)
    cards = [(consignment, dispatches.get(consignment.pk)) for consignment in order.consignments.all()]
    payment = max(order.payments.all(), key=lambda payment: payment.pk, default=None)
    is_waiting = _is_waiting(order, payment)
    is_moving = is_waiting or any(consignment.state in MOVING for consignment, _ in cards)
    context = {
        "order": order,
        "cards": cards,
        "payment": payment,
        "placed": order.placed_of_wish(),
        "is_waiting": is_waiting,
        "look_again": _poll_seconds(order, timezone.now()) if is_moving else 0,
    }
    return render(request, "mall/order_status.html", context)


def _find(community_id: int, uuid: UUID) -> Order | None:
    lines = _lines_with(community_id, uuid)
    if not lines:
        return None
    order = lines[0].consignment.order
    attach([order], "consignments", group_by_consignment(lines), by="order_id")
    attach([order], "payments", _payments_of(order.pk), by="order_id")
    return order


@planned
def _lines_with(community_id: int, uuid: UUID) -> QuerySet[OrderLine]:
    """Select the lines of an order, each with all that the page shows of it; no order is without lines."""
    lines = OrderLine.objects.filter(
        consignment__order__uuid=uuid, consignment__order__marketplace__community=community_id
    )
    related = lines.select_related("consignment__order__marketplace", "consignment__vendor")
    return related.order_by("consignment", "pk")


@planned
def _payments_of(order_id: int) -> QuerySet[Payment]:
    return Payment.objects.filter(order=order_id)


def _is_waiting(order: Order, payment: Payment | None) -> bool:
    return order.state == Order.State.DRAFT and payment is not None and payment.state == Payment.State.STARTED


def _poll_seconds(order: Order, now: datetime) -> int:
    """Return the seconds until the page polls again: short after the order, longer later."""
    return 2 if now - (order.placed_at or order.created_at) < FRESH else 15

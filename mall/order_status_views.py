"""The status page of an order, opened by its signed link, which the page renews by mail when it has run out."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cart.aftersale.opened import keep_private
from cart.letters.services import write_link_letter
from cart.orders.access import LinkOverError, open_order
from cart.orders.models import Order
from mall.order_page import read_page
from vendors.http import MallRequest

UNCHANGED = 204  # htmx leaves the page alone then, and with it focus and what a screen reader reads


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def order_status(request: MallRequest, token: str) -> HttpResponse:
    """Show an order, or renew its link; raise Http404 for a forged link, and for an order of another community."""
    try:
        order = open_order(request, token)
    except LinkOverError as error:
        return _renew_link(request, error.order)
    return keep_private(_status_page(request, order, token))


def _renew_link(request: MallRequest, order: Order) -> HttpResponse:
    """Offer a new link; on POST mail it to the order's address, at most once an hour. Say nothing else of the order."""
    if request.method == "POST":
        write_link_letter(order=order, now=timezone.now())
        return HttpResponseRedirect(f"{request.path}?sent", status=303)
    response = render(request, "mall/order_link_over.html", {"is_sent": "sent" in request.GET}, status=410)
    return keep_private(response)


def _status_page(request: MallRequest, order: Order, token: str) -> HttpResponse:
    page = read_page(order, timezone.now())
    if request.htmx and (seen := request.GET.get("seen")):
        if seen == page.version:
            return HttpResponse(status=UNCHANGED)
        messages.info(request, gettext("Your order has changed: this page shows it as it is now."))
    context = {
        "page": page,
        "order": order,
        "payment": page.payment,
        "token": token,
    }
    return render(request, "mall/order_status.html", context)

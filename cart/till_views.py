"""Views of the way from a store to the mall's cart and checkout, which finds the cart in every browser."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from cart import copies, responses
from cart.context import current_cart
from cart.copies import Offer
from cart.summary import summarise_offers
from cart.transactions import RowLockTimeoutError
from sessions_farm.communities.handoff import tickets
from sessions_farm.communities.handoff.decorators import mall_id_required
from sessions_farm.communities.handoff.errors import HandoffRefusedError
from sessions_farm.communities.handoff.responses import SeeOther, confidential
from sessions_farm.stores.base import StoreUnavailableError
from vendors.destination import destination_of
from vendors.http import MallRequest

PAGES = {"cart": "cart:page", "checkout": "checkout:start", "added": "cart:added"}
OFFERED = "checkout_offered"  # guarded: on the master only
TOO_LATE = gettext_lazy(
    "That way is good for one minute, once. Is anything missing? Open the cart in the shop and press Check out."
)
AWAY = gettext_lazy("The checkout cannot be reached for a moment. Your cart is as it was; try again.")


def leave(request: MallRequest, page: str) -> HttpResponse:
    """Redirect to the mall's cart or checkout: on the master there, from a store with a ticket."""
    try:
        url = reverse(PAGES[page]) if request.mall.is_master else responses.url_with_ticket(request, page)
    except StoreUnavailableError:
        messages.error(request, AWAY)
        return redirect("cart:page")
    return HttpResponseClientRedirect(url) if request.htmx else SeeOther(url)


@mall_id_required
@never_cache
@require_GET
def arrive(request: MallRequest) -> HttpResponse:
    """Bring the lines of the shopper's cart in the store, then redirect to the wanted page; its address is clean."""
    page = request.GET.get("to", "")
    try:
        ticket = tickets.redeem(request)
    except HandoffRefusedError:
        messages.info(request, TOO_LATE)
        return confidential(SeeOther(reverse("cart:page")))
    except StoreUnavailableError:
        messages.error(request, AWAY)
        return confidential(SeeOther(reverse("cart:page")))
    known = request.mall.visitor
    if ticket is not None and (known is None or known.pk != ticket.visitor_id):
        try:
            offers = copies.copy_cart(
                source_visitor_id=ticket.visitor_id, target=request.mall.ensure_visitor(), now=timezone.now()
            )
        except RowLockTimeoutError:
            messages.error(
                request,
                gettext("%(busy)s Open the cart in the shop and press Check out again.") % {"busy": responses.BUSY},
            )
            return confidential(SeeOther(reverse("cart:page")))
        if offers:
            request.session[OFFERED] = [str(ticket.visitor_id), page, [astuple(offer) for offer in offers]]
            return confidential(SeeOther(reverse("cart:offered")))
    return confidential(SeeOther(_url_of(page, request.GET.get("variant", ""))))


@never_cache
@require_GET
def offered(request: MallRequest) -> HttpResponse:
    """Show goods of a store's cart that the mall's lacks, with a button that adds them."""
    source_visitor_id, _, offers = _offered(request)
    if source_visitor_id is None:
        return redirect("cart:page")
    summary = summarise_offers(offers, destination_of(request), timezone.now()).with_pictures()
    context = {"summary": summary, "has_cart": current_cart(request) is not None}
    return render(request, "cart/offered.html", context)


@require_POST
def answer_offer(request: MallRequest) -> HttpResponse:
    """Add the goods that were offered, or leave them; redirect to the page that the shopper asked for."""
    source_visitor_id, page, offers = _offered(request)
    if source_visitor_id is None:
        messages.info(request, gettext("Nothing is waiting to be added any more."))
        return redirect("cart:page")
    if "leave" not in request.POST:
        try:
            copies.add_offered(
                source_visitor_id=source_visitor_id,
                target=request.mall.ensure_visitor(),
                offers=offers,
                now=timezone.now(),
            )
        except RowLockTimeoutError:
            messages.error(request, gettext("%(busy)s Nothing was added; try again.") % {"busy": responses.BUSY})
            return redirect("cart:offered")
        messages.success(request, gettext("Added to your cart."))
    del request.session[OFFERED]
    return SeeOther(_url_of(page, ""))


def _url_of(page: str, variant: str) -> str:
    url = reverse(PAGES.get(page, "cart:page"))
    return f"{url}?{urlencode({'variant': variant})}" if variant and page == "added" else url


def _offered(request: MallRequest) -> tuple[UUID | None, str, list[Offer]]:
    """Return the visitor whose goods are offered, the page that leads on, and the goods; no visitor for no goods."""
    kept: Any = request.session.get(OFFERED)
    if not kept:
        return None, "", []
    visitor_id, page, offers = kept
    return UUID(visitor_id), page, [Offer(*offer) for offer in offers]

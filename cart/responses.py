"""Responses to a change of the cart: a redirect, or a partial for htmx."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy
from django_htmx.http import HttpResponseClientRedirect

from cart.context import count_pieces
from cart.services import LineChange
from sessions_farm.communities.handoff import tickets
from sessions_farm.stores.base import StoreUnavailableError
from vendors.http import MallRequest

LANDED = "cart_landed"
BUSY = gettext_lazy("Many people are buying the same thing right now.")


def added_response(request: MallRequest, next_url: str, change: LineChange) -> HttpResponse:
    """Respond to an addition.

    A store's own host redirects to the mall once a session: browsers with bounce tracking mitigation keep the mall's
    cookie then, because the shopper has interacted with its site.
    """
    if _needs_landing(request) and (landing := _landing_url(request, change)):
        request.session[LANDED] = True
        return HttpResponseClientRedirect(landing) if request.htmx else HttpResponseRedirect(landing, status=303)
    return message_response(request, next_url, describe_change(change, is_new=True), messages.SUCCESS)


def error_response(request: MallRequest, next_url: str, reason: str) -> HttpResponse:
    """Respond to an addition that failed."""
    return message_response(request, next_url, reason, messages.ERROR)


def describe_change(change: LineChange, *, is_new: bool = False) -> str:
    """Describe the new state of a line to the shopper."""
    if not change.quantity:
        return gettext("Removed: %(variant)s.") % {"variant": change.variant}
    if change.capped:
        return gettext("Only %(quantity)s left of %(variant)s: your cart has all of them.") % {
            "quantity": change.quantity,
            "variant": change.variant,
        }
    added = gettext("Added: %(variant)s. Your cart has %(quantity)s of it.")
    changed = gettext("Changed: %(variant)s. Your cart has %(quantity)s of it.")
    return (added if is_new else changed) % {"variant": change.variant, "quantity": change.quantity}


def url_with_ticket(request: MallRequest, page: str, **parameters: str) -> str:
    """Return the URL that brings the shopper and a store's cart to a page of the mall. Raise StoreUnavailableError."""
    path = reverse("cart:arrive", urlconf=settings.ROOT_URLCONF)
    return tickets.url_with_ticket(request, path, to=page, **parameters)


def _needs_landing(request: MallRequest) -> bool:
    mall = request.mall
    if mall.is_master or mall.is_local:  # the master cannot see a local visitor's cart before the next hand-off
        return False
    return mall.member.first_add_landing and not request.session.get(LANDED)


def _landing_url(request: MallRequest, change: LineChange) -> str:
    """Return the URL of the page after a first addition; '' while no ticket can be kept."""
    try:
        return url_with_ticket(request, "added", variant=str(change.variant.pk))
    except StoreUnavailableError:
        return ""


def message_response(request: MallRequest, next_url: str, text: str, level: int) -> HttpResponse:
    """Respond with words: a redirect to a page that shows them, or for htmx the words themselves."""
    if request.htmx:
        context = {"text": text, "is_error": level == messages.ERROR, "cart_count": count_pieces(request)}
        return render(request, "cart/_message.html", context)
    messages.add_message(request, level, text)
    return HttpResponseRedirect(next_url, status=303)

"""How a change of the cart is answered: by redirect, or to htmx by a partial."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from cart.current import count_of
from cart.services import Change
from sessions_farm.communities.handoff.fingerprint import with_fingerprint
from sessions_farm.communities.links import absolute_url
from vendors.http import MallRequest

LANDED = "cart_landed"


def added(request: MallRequest, back: str, change: Change) -> HttpResponse:
    """The answer to an addition.

    A store's own host leads to the mall once a session: a browser that limits bounce tracking then keeps the mall's
    cookie, because the shopper has really been there.
    """
    if _should_land(request):
        request.session[LANDED] = True
        page = f"{on_master(request, 'cart:added')}?{urlencode({'variant': change.variant.pk})}"
        landing = with_fingerprint(page, request.mall)
        return HttpResponseClientRedirect(landing) if request.htmx else HttpResponseRedirect(landing, status=303)
    return _tell(request, back, sentence(change, verb="Added"), messages.SUCCESS)


def refused(request: MallRequest, back: str, why: str) -> HttpResponse:
    return _tell(request, back, why, messages.ERROR)


def sentence(change: Change, verb: str = "Changed") -> str:
    """What became of the line, in words."""
    if not change.quantity:
        return f"Removed: {change.variant}."
    if change.capped:
        return f"Only {change.quantity} left of {change.variant}: your cart has all of them."
    return f"{verb}: {change.variant}. Your cart has {change.quantity}."


def on_master(request: MallRequest, name: str) -> str:
    """The address of a page of the mall's own host; a path only where this is that host."""
    path = reverse(name, urlconf=settings.ROOT_URLCONF)
    return path if request.mall.is_master else absolute_url(request.mall.member.master_host, path)


def _should_land(request: MallRequest) -> bool:
    mall = request.mall
    if mall.is_master or mall.is_local:  # what a local visitor has is not on the master before the next hand-off
        return False
    return mall.member.first_add_landing and not request.session.get(LANDED)


def _tell(request: MallRequest, back: str, text: str, level: int) -> HttpResponse:
    if request.htmx:
        context = {"text": text, "is_error": level == messages.ERROR, "cart_count": count_of(request)}
        return render(request, "cart/_told.html", context)
    messages.add_message(request, level, text)
    return HttpResponseRedirect(back, status=303)

"""Views that change the address of an order: by its buyer at once, by whoever else has its link after a letter."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from cart.aftersale import contact
from cart.aftersale.forms import OrderContactForm
from cart.aftersale.models import ContactChange
from cart.aftersale.opened import back_to_order, keep_private, with_order
from cart.aftersale.views import attempt, form_page
from cart.orders.access import is_owner
from cart.orders.models import Order
from vendors.http import MallRequest

SHOPPER = ContactChange.By.SHOPPER


@with_order("GET", "HEAD", "POST")
def change(request: MallRequest, order: Order, token: str) -> HttpResponse:
    """Show the address in a form; a POST changes it, or asks the order's mail address whether it may."""
    is_buyer = is_owner(request, order, timezone.now())
    refusal = contact.refusal(order, SHOPPER)
    form = OrderContactForm(request.POST or None, order=order, is_postal=not refusal)
    if request.method == "POST" and form.is_valid() and attempt(form, lambda: _change(request, order, form, is_buyer)):
        asked = gettext("Not changed yet: we wrote to %(email)s. Confirm it there.") % {"email": order.email}
        messages.success(request, gettext("Changed; a letter says so.") if is_buyer else asked)
        order.refresh_from_db(fields=["link_version"])  # another mail address ends the links made before
        return HttpResponseRedirect(order.get_absolute_url(), status=303) if is_buyer else back_to_order(token)
    more = {"is_buyer": is_buyer, "refusal": refusal}
    return form_page(request, "orders/contact.html", order, token, form, **more)


def _change(request: MallRequest, order: Order, form: OrderContactForm, is_buyer: bool) -> None:  # noqa: FBT001
    said: dict[str, Any] = {
        "seen": form.cleaned_data["seen"],
        "wanted": form.wanted,
        "key": form.cleaned_data["key"],
        "author": contact.Author(SHOPPER, user=request.user if is_buyer and request.user.is_authenticated else None),
        "now": timezone.now(),
    }
    (contact.change_contact if is_buyer else contact.ask_change)(order_id=order.pk, **said)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: MallRequest, token: str) -> HttpResponse:
    """Show a change that waits for the order's mail address; a POST makes it. The link is in the letter alone."""
    found = _find(request, token)
    if found is None:
        return _confirm_page(request, None, forms.Form(), status=410)
    form = forms.Form(request.POST if request.method == "POST" else None)
    if form.is_valid():
        attempt(form, lambda: contact.confirm_change(change_id=found.pk, now=timezone.now()))
        found.refresh_from_db(fields=["made_at"])
    return _confirm_page(request, found, form, status=422 if form.errors else 200)


def _find(request: MallRequest, token: str) -> ContactChange | None:
    found = contact.read_confirmation(token)
    is_here = found is not None and found.order.marketplace.community_id == request.mall.member.community_id
    return found if is_here else None


def _confirm_page(request: MallRequest, found: ContactChange | None, form: forms.Form, *, status: int) -> HttpResponse:
    context = {"change": found, "rows": contact.lines(found) if found else [], "form": form}
    return keep_private(render(request, "orders/confirm.html", context, status=status))

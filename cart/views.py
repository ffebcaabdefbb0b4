"""The cart's pages: the same on every host, but a store edits its own lines only."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from cart import answers, services
from cart.contents import contents_of
from cart.current import cart_of, own_vendor_id
from cart.forms import AddForm, ChangeForm, way_back
from cart.models import Cart
from sessions_farm.communities.handoff.decorators import mall_id_required
from sessions_farm.communities.handoff.fingerprint import with_fingerprint
from vendors.http import MallRequest
from vendors.stock import SoldOut


@require_POST
def add(request: MallRequest) -> HttpResponse:
    """Put goods into the cart; the first time on a store's own host the answer leads to the mall."""
    form = AddForm(request.POST)
    back = way_back(request, otherwise=reverse("cart:page"))
    if not form.is_valid():
        return answers.refused(request, back, f"Choose what to add, and how many: 1 to {services.MOST_OF_ONE}.")
    visitor = request.mall.ensure_visitor()
    try:
        change = services.add_line(
            visitor=visitor,
            variant_id=form.cleaned_data["variant"],
            quantity=form.cleaned_data["quantity"],
            now=timezone.now(),
            vendor_id=own_vendor_id(request),
        )
    except services.NotForSale:
        return answers.refused(request, back, "That is not for sale here any more. Nothing was added.")
    except SoldOut:
        return answers.refused(request, back, "Sold out: none left to add.")
    return answers.added(request, back, change)


@require_POST
def change(request: MallRequest) -> HttpResponse:
    """Change or remove a line. The page comes again by redirect; htmx picks what it needs out of it."""
    form = ChangeForm(request.POST)
    cart = cart_of(request)
    if not form.is_valid():
        messages.error(request, f"Say how many, from 0 to {services.MOST_OF_ONE}. The cart is unchanged.")
    elif cart is not None:
        _change(request, form, cart)
    return HttpResponseRedirect(reverse("cart:page"), status=303)


def _change(request: MallRequest, form: ChangeForm, cart: Cart) -> None:
    try:
        done = services.change_quantity(
            cart=cart,
            variant_id=form.cleaned_data["variant"],
            quantity=form.wanted,
            now=timezone.now(),
            vendor_id=own_vendor_id(request),
        )
    except services.NotForSale:
        messages.error(request, "That line belongs to another store. Change it in the mall’s cart.")
    except SoldOut:
        messages.error(request, "Sold out: none left. Remove the line to check out the rest.")
    else:
        if done is not None:
            messages.success(request, answers.sentence(done))


@mall_id_required
@never_cache
@require_GET
def page(request: MallRequest) -> HttpResponse:
    """All lines by vendor. On a store's host the others' lines are shown, not edited."""
    contents = contents_of(cart_of(request), timezone.now(), vendor_id=own_vendor_id(request))
    return render(
        request,
        "cart/page.html",
        {
            "contents": contents,
            # Marked with who is here, so that the mall's till finds this very cart though its own cookie was cleared.
            "checkout_url": with_fingerprint(answers.on_master(request, "checkout:start"), request.mall),
            "mall_cart_url": with_fingerprint(answers.on_master(request, "cart:page"), request.mall),
        },
    )


@never_cache
@require_GET
def added(request: MallRequest) -> HttpResponse:
    """Where the first add on a store's own host lands: what was added, and the way back to the store."""
    contents = contents_of(cart_of(request), timezone.now())
    wanted = request.GET.get("variant", "")
    found = [
        (group, position)
        for group in contents.groups
        for position in group.positions
        if str(position.variant.pk) == wanted
    ]
    if not found:
        return HttpResponseRedirect(reverse("cart:page"), status=303)
    group, position = found[0]
    return render(request, "cart/added.html", {"contents": contents, "group": group, "position": position})

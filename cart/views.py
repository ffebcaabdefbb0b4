"""Views of the cart: the same on every host, but a store edits its own lines only."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django_countries import countries

from cart import responses, services
from cart.context import current_cart, editable_vendor_id
from cart.forms import AddForm, ChangeForm, DestinationForm, RemoveVendorForm, next_path
from cart.lines import MAX_QUANTITY
from cart.models import Cart
from cart.summary import summarise_cart
from cart.transactions import RowLockTimeoutError
from sessions_farm.communities.handoff.decorators import mall_id_required
from vendors.destination import destination_of, remember_country
from vendors.http import MallRequest
from vendors.stock import SoldOutError


@require_POST
def add(request: MallRequest) -> HttpResponse:
    """Add goods to the cart; the first addition on a store's own host redirects to the mall."""
    form = AddForm(request.POST)
    next_url = next_path(request, default=reverse("cart:page"))
    if not form.is_valid():
        return responses.error_response(request, next_url, f"Choose what to add, and how many: 1 to {MAX_QUANTITY}.")
    visitor = request.mall.ensure_visitor()
    try:
        change = services.add_line(
            visitor=visitor,
            variant_id=form.cleaned_data["variant"],
            quantity=form.cleaned_data["quantity"],
            now=timezone.now(),
            vendor_id=editable_vendor_id(request),
        )
    except services.NotForSaleError:
        return responses.error_response(request, next_url, "That is not for sale here any more. Nothing was added.")
    except SoldOutError:
        return responses.error_response(request, next_url, "Sold out: none left to add.")
    except RowLockTimeoutError:
        return responses.error_response(request, next_url, f"{responses.BUSY} Nothing was added; try again.")
    return responses.added_response(request, next_url, change)


@require_POST
def change(request: MallRequest) -> HttpResponse:
    """Change or remove a line, then redirect to the cart; htmx selects its fragments of that page."""
    form = ChangeForm(request.POST)
    cart = current_cart(request)
    if not form.is_valid():
        messages.error(request, f"Say how many, from 0 to {MAX_QUANTITY}. The cart is unchanged.")
    elif cart is not None:
        _change(request, form, cart)
    return HttpResponseRedirect(reverse("cart:page"), status=303)


def _change(request: MallRequest, form: ChangeForm, cart: Cart) -> None:
    try:
        line_change = services.change_quantity(
            cart=cart,
            variant_id=form.cleaned_data["variant"],
            quantity=form.new_quantity,
            now=timezone.now(),
            vendor_id=editable_vendor_id(request),
        )
    except services.NotForSaleError:
        messages.error(request, "That line belongs to another store. Change it in the mall’s cart.")
    except SoldOutError:
        messages.error(request, "Sold out: none left. Remove the line to check out the rest.")
    except RowLockTimeoutError:
        messages.error(request, f"{responses.BUSY} The cart is unchanged; try again.")
    else:
        if line_change is not None:
            messages.success(request, responses.describe_change(line_change))


@require_POST
def deliver_to(request: MallRequest) -> HttpResponse:
    """Keep the country to which goods are to go, then redirect to the cart."""
    form = DestinationForm(request.POST)
    if form.is_valid():
        remember_country(request, form.cleaned_data["country"])
    else:
        messages.error(request, "Choose a country of the list. The cart is unchanged.")
    return HttpResponseRedirect(reverse("cart:page"), status=303)


@require_POST
def remove_vendor(request: MallRequest) -> HttpResponse:
    """Remove the goods of a vendor that does not deliver, then redirect to the page where that was said."""
    form = RemoveVendorForm(request.POST)
    cart, editable = current_cart(request), editable_vendor_id(request)
    if form.is_valid() and cart is not None and editable in {None, form.cleaned_data["vendor"]}:
        try:
            removed = services.remove_vendor(cart=cart, vendor_id=form.cleaned_data["vendor"], now=timezone.now())
        except RowLockTimeoutError:
            messages.error(request, f"{responses.BUSY} The cart is unchanged; try again.")
        else:
            messages.success(request, "Removed." if removed else "They were removed already.")
    return HttpResponseRedirect(next_path(request, default=reverse("cart:page")), status=303)


@mall_id_required
@never_cache
@require_GET
def page(request: MallRequest) -> HttpResponse:
    """Show all lines by vendor; on a store's host the other vendors' lines are read-only."""
    destination = destination_of(request)
    summary = summarise_cart(
        request.mall.visitor, destination, timezone.now(), vendor_id=editable_vendor_id(request)
    ).with_pictures()
    context = {
        "summary": summary,
        "cart_count": summary.pieces,
        "destination_form": DestinationForm(initial={"country": destination.country}),
        "place": countries.name(destination.country),
    }
    return render(request, "cart/page.html", context)


@never_cache
@require_GET
def added(request: MallRequest) -> HttpResponse:
    """Show the added line and a link back to the store, after the first addition on a store's own host."""
    summary = summarise_cart(request.mall.visitor, destination_of(request), timezone.now()).with_pictures()
    variant_id = request.GET.get("variant", "")
    found = [(group, line) for group in summary.groups for line in group.lines if str(line.variant.pk) == variant_id]
    if not found:
        return HttpResponseRedirect(reverse("cart:page"), status=303)
    group, line = found[0]
    return render(request, "cart/added.html", {"summary": summary, "group": group, "line": line})

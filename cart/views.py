"""Views of the cart: the same on every host, but a store edits its own lines only."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from django_countries import countries

from cart import responses, saving, services, till_views
from cart.context import current_cart, editable_vendor_id, quantities_of
from cart.forms import AddForm, ChangeForm, DestinationForm, RemoveVendorForm, SavedForm
from cart.lines import MAX_QUANTITY
from cart.models import Cart
from cart.summary import summarise_cart
from cart.transactions import RowLockTimeoutError
from sessions_farm.communities.handoff.decorators import mall_id_required
from vendors import recently_viewed
from vendors.destination import destination_of, remember_country
from vendors.http import MallRequest, next_path
from vendors.option_axes import variant_of
from vendors.stock import SoldOutError


@require_POST
def add(request: MallRequest) -> HttpResponse:
    """Add goods to the cart; the first addition on a store's own host redirects to the mall."""
    next_url = next_path(request, default=reverse("cart:page"))
    data = request.POST.copy()
    if "product" in request.GET:  # chosen by its options
        variant_id = _variant_by_options(request)
        if variant_id is None:
            text = gettext("It is not made like that. Choose other values; nothing was added.")
            return responses.error_response(request, next_url, text)
        data["variant"] = str(variant_id)
    form = AddForm(data)
    if not form.is_valid():
        return responses.error_response(
            request,
            next_url,
            gettext("Choose what to add, and how many: 1 to %(max_quantity)s.") % {"max_quantity": MAX_QUANTITY},
        )
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
        return responses.error_response(
            request, next_url, gettext("That is not for sale here any more. Nothing was added.")
        )
    except SoldOutError:
        return responses.error_response(request, next_url, gettext("Sold out: none left to add."))
    except RowLockTimeoutError:
        return responses.error_response(
            request, next_url, gettext("%(busy)s Nothing was added; try again.") % {"busy": responses.BUSY}
        )
    return responses.added_response(request, next_url, change)


def _variant_by_options(request: MallRequest) -> int | None:
    """Return the variant of the product in the address that has the posted values of its options."""
    product_id = request.GET["product"]
    is_key = product_id.isascii() and product_id.isdigit() and len(product_id) < 19
    return variant_of(int(product_id), request.POST, timezone.now()) if is_key else None


@require_POST
def change(request: MallRequest) -> HttpResponse:
    """Change or remove lines, then lead to the cart, or on to where the pressed button leads.

    htmx selects its fragments of the cart's page; to another page it is redirected.
    """
    form = ChangeForm(request.POST)
    cart = current_cart(request)
    removed: list[tuple[int, int]] = []
    if not form.is_valid():
        messages.error(
            request,
            gettext("Say how many, from 0 to %(max_quantity)s. The cart is unchanged.")
            % {"max_quantity": MAX_QUANTITY},
        )
    elif (cart is None or _change(request, cart, form, removed)) and "to" in request.POST:
        return till_views.leave(request, "checkout" if request.POST["to"] == "checkout" else "cart")
    again = urlencode({"removed": f"{removed[-1][0]}x{removed[-1][1]}"}) if removed else ""
    return HttpResponseRedirect(f"{reverse('cart:page')}{'?' if again else ''}{again}", status=303)


def _change(request: MallRequest, cart: Cart, form: ChangeForm, removed: list[tuple[int, int]]) -> bool:
    """Change the lines whose quantity is another; return whether all could be. Add removed lines to ``removed``."""
    before = dict(quantities_of(cart.pk))
    wanted = {pk: quantity for pk, quantity in form.cleaned_data["quantities"].items() if before.get(pk) != quantity}
    done = True
    if form.cleaned_data["save"]:
        level, words = _save(request, form.cleaned_data["save"])
        messages.add_message(request, level, words)
        done = level == messages.SUCCESS
    for variant_id, quantity in sorted(wanted.items()):
        changed = _change_line(request, cart, variant_id, quantity)
        done = done and changed is not None and not changed.capped
        if changed is not None and not changed.quantity:
            removed.append((variant_id, before.get(variant_id, 1)))
    return done


def _save(request: MallRequest, variant_id: int) -> tuple[int, str]:
    """Save goods for later; return the level and the words of what is to be said."""
    try:
        variant = saving.save_for_later(
            visitor=request.mall.ensure_visitor(),
            variant_id=variant_id,
            now=timezone.now(),
            vendor_id=editable_vendor_id(request),
        )
    except services.NotForSaleError:
        return messages.ERROR, gettext("That is not for sale here any more, so it cannot be saved.")
    except RowLockTimeoutError:
        return messages.ERROR, gettext("%(busy)s Nothing was saved; try again.") % {"busy": responses.BUSY}
    return messages.SUCCESS, gettext("Saved for later: %(variant)s. The cart lists it below what you buy now.") % {
        "variant": variant
    }


@require_POST
def saved(request: MallRequest) -> HttpResponse:
    """Put saved goods into the cart, or forget them; from a product's page, save them."""
    form, next_url = SavedForm(request.POST), next_path(request, default=reverse("cart:page"))
    cart = current_cart(request)
    if not form.is_valid():
        return responses.error_response(request, next_url, gettext("Choose what to save. Nothing was changed."))
    if form.cleaned_data["do"] == "save":
        level, words = _save(request, form.cleaned_data["variant"])
        return responses.message_response(request, next_url, words, level)
    if cart is not None and (form.cleaned_data["do"] == "forget" or _buy_saved(request, form)):
        saving.forget(cart=cart, variant_id=form.cleaned_data["variant"])
    return HttpResponseRedirect(next_url, status=303)


def _buy_saved(request: MallRequest, form: SavedForm) -> bool:
    """Add one piece of saved goods to the cart, and say so; return whether it could be."""
    try:
        change = services.add_line(
            visitor=request.mall.ensure_visitor(),
            variant_id=form.cleaned_data["variant"],
            quantity=1,
            now=timezone.now(),
            vendor_id=editable_vendor_id(request),
        )
    except services.NotForSaleError:
        messages.error(request, gettext("That is not for sale here any more."))
    except SoldOutError:
        messages.error(request, gettext("Sold out: none left to add. It stays saved."))
    except RowLockTimeoutError:
        messages.error(request, gettext("%(busy)s Nothing was added; try again.") % {"busy": responses.BUSY})
    else:
        messages.success(request, responses.describe_change(change, is_new=True))
        return True
    return False


def _change_line(request: MallRequest, cart: Cart, variant_id: int, quantity: int) -> services.LineChange | None:
    """Change a line; return None, and say why, where it cannot be."""
    try:
        line_change = services.change_quantity(
            cart=cart,
            variant_id=variant_id,
            quantity=quantity,
            now=timezone.now(),
            vendor_id=editable_vendor_id(request),
        )
    except services.NotForSaleError:
        messages.error(request, gettext("That line belongs to another store. Change it in the mall’s cart."))
    except SoldOutError:
        messages.error(request, gettext("Sold out: none left. Remove the line to check out the rest."))
    except RowLockTimeoutError:
        messages.error(request, gettext("%(busy)s The cart is unchanged; try again.") % {"busy": responses.BUSY})
    else:
        if line_change is not None:
            messages.success(request, responses.describe_change(line_change))
        return line_change
    return None


@require_POST
def deliver_to(request: MallRequest) -> HttpResponse:
    """Keep the country to which goods are to go, then redirect to the cart."""
    form = DestinationForm(request.POST)
    if form.is_valid():
        remember_country(request, form.cleaned_data["country"])
    else:
        messages.error(request, gettext("Choose a country of the list. The cart is unchanged."))
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
            messages.error(request, gettext("%(busy)s The cart is unchanged; try again.") % {"busy": responses.BUSY})
        else:
            messages.success(request, gettext("Removed.") if removed else gettext("They were removed already."))
    return HttpResponseRedirect(next_path(request, default=reverse("cart:page")), status=303)


@mall_id_required
@never_cache
@require_GET
def page(request: MallRequest) -> HttpResponse:
    """Show all lines by vendor; on a store's host the other vendors' lines are read-only."""
    destination, now = destination_of(request), timezone.now()
    visitor, editable = request.mall.visitor, editable_vendor_id(request)
    summary = summarise_cart(visitor, destination, now, vendor_id=editable).with_pictures()
    context = {
        "summary": summary,
        "saved": saving.saved_items(visitor.pk if visitor else None, now, editable),
        "cart_count": summary.pieces,
        "destination_form": DestinationForm(initial={"country": destination.country}),
        "place": countries.name(destination.country),
        "recent": [] if summary else recently_viewed.recent_cards(request, now),
        "removed": REMOVED.fullmatch(request.GET.get("removed", "")),
    }
    return TemplateResponse(request, "cart/page.html", context)  # lazy, so that it may be watched


REMOVED = re.compile(r"(?P<variant>[1-9][0-9]{0,17})x(?P<quantity>[1-9][0-9]?)")  # as ``change`` writes it


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

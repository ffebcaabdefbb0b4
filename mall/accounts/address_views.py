"""The address book: add, change, remove, and choose the address that a checkout begins with."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cart.checkout.forms import contact_from
from cart.orders import services
from cart.orders.models import Address
from mall.accounts.forms import AddressForm


@never_cache
@login_required
@require_safe
def addresses(request: HttpRequest) -> HttpResponse:
    """List the entries, the default one first."""
    user: Any = request.user
    entries = Address.objects.filter(user=user).order_by("-is_default", "pk")
    return render(request, "account/addresses.html", {"entries": entries})


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def add_address(request: HttpRequest) -> HttpResponse:
    """Add an entry; the first one becomes the default."""
    form = AddressForm(request.POST or None, initial={"name": getattr(request.user, "name", "")})
    if request.method == "POST" and form.is_valid():
        try:
            services.save_address(user=request.user, fields=form.contact)
        except services.FullAddressBookError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, gettext("The address is saved."))
            return redirect("addresses")
    return _form_page(request, form, None)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def change_address(request: HttpRequest, pk: int) -> HttpResponse:
    """Change an entry."""
    entry = get_object_or_404(Address, pk=pk, user=request.user)
    form = AddressForm(request.POST or None, initial=contact_from(entry))
    if request.method == "POST" and form.is_valid():
        try:
            services.change_address(user=request.user, address_id=pk, fields=form.contact)
        except Address.DoesNotExist as error:
            raise Http404(str(error)) from error
        messages.success(request, gettext("The address is saved. Orders that were made keep the one that they had."))
        return redirect("addresses")
    return _form_page(request, form, entry)


@login_required
@require_POST
def make_default(request: HttpRequest, pk: int) -> HttpResponse:
    """Make an entry the one that a checkout begins with."""
    try:
        services.make_default(user=request.user, address_id=pk)
    except Address.DoesNotExist as error:
        raise Http404(str(error)) from error
    messages.success(request, gettext("The checkout begins with this address from now on."))
    return redirect("addresses")


@login_required
@require_POST
def remove_address(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove an entry."""
    try:
        services.remove_address(user=request.user, address_id=pk)
    except Address.DoesNotExist as error:
        raise Http404(str(error)) from error
    messages.success(request, gettext("The address is removed. Orders that were made keep theirs."))
    return redirect("addresses")


def _form_page(request: HttpRequest, form: AddressForm, entry: Address | None) -> HttpResponse:
    context = {"form": form, "entry": entry}
    return render(request, "account/address.html", context, status=422 if form.errors else 200)

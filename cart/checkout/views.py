"""The checkout's steps, on the mall's own host: address, delivery, review and pay."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods
from django_countries import countries

from cart.checkout import visit
from cart.checkout.forms import ContactForm, DeliveryForm, contact_from
from cart.checkout.prepare import parcels_of
from cart.contents import Contents, contents_of
from cart.current import cart_of
from cart.orders.models import Address, Order
from cart.orders.services import save_address
from cart.pricing import Method
from vendors.http import MallRequest


def contents_or_none(request: MallRequest) -> Contents | None:
    """The cart if it can be bought; else None, and the shopper is told why."""
    contents = contents_of(cart_of(request), timezone.now())
    if not contents:
        messages.info(request, "Your cart is empty: there is nothing to check out.")
        return None
    if not contents.can_be_bought:
        messages.error(request, "Sold out or fewer left: change or remove the marked lines, then check out.")
        return None
    return contents


@never_cache
@require_http_methods(["GET", "POST"])
def start(request: MallRequest) -> HttpResponse:
    """Step 1: who buys, and where to. Kept in the session, so Back shows it again."""
    contents = contents_or_none(request)
    if contents is None:
        return redirect("cart:page")
    user: Any = request.user
    book = list(Address.objects.filter(user=user).order_by("-is_default", "pk")) if user.is_authenticated else []
    form = ContactForm(request.POST or None, initial=_initial(request, book), has_book=user.is_authenticated)
    if request.method == "POST" and form.is_valid():
        visit.keep_contact(request, form.contact)
        if form.cleaned_data.get("keep"):
            save_address(user=user, fields={name: value for name, value in form.contact.items() if name != "email"})
        return redirect("checkout:delivery")
    status = 422 if form.errors else 200
    return render(request, "checkout/start.html", {"form": form, "contents": contents, "book": book}, status=status)


def _initial(request: MallRequest, book: list[Address]) -> dict[str, str]:
    """What was typed before, else the chosen or default entry of the address book, else the person's e-mail."""
    wanted = request.GET.get("address", "")
    chosen = next((entry for entry in book if str(entry.pk) == wanted), None)
    typed = visit.contact(request)
    if chosen is None and typed:
        return typed
    user: Any = request.user
    email = typed.get("email") or (user.email if user.is_authenticated else "")
    entry = chosen or next(iter(book), None)
    return {"email": email, **(contact_from(entry) if entry else {})}


@never_cache
@require_http_methods(["GET", "POST"])
def delivery(request: MallRequest) -> HttpResponse:
    """Step 2: how each vendor sends its goods."""
    contents = contents_or_none(request)
    if contents is None:
        return redirect("cart:page")
    if not visit.contact(request):
        return redirect("checkout:start")
    form = DeliveryForm(request.POST or None, contents=contents, chosen=visit.methods(request, contents))
    if request.method == "POST" and form.is_valid():
        visit.keep_methods(request, form.methods)
        return redirect("checkout:review")
    choices = [_choices(group, form[f"vendor-{group.vendor.pk}"]) for group in contents.groups]
    status = 422 if form.errors else 200
    context = {"form": form, "contents": contents, "choices": choices}
    return render(request, "checkout/delivery.html", context, status=status)


def _choices(group: Any, field: Any) -> dict[str, Any]:
    """A vendor's delivery methods with what each costs for these goods."""
    selected = field.value()
    offered = [
        (method, group.tariff.charge(group.goods, method), method == selected)
        for method in Method
        if group.tariff.offers(method)
    ]
    return {"group": group, "field": field, "offered": offered}


@never_cache
@require_GET
def review(request: MallRequest) -> HttpResponse:
    """Step 3: everything on one page, and the button that pays."""
    contents = contents_or_none(request)
    if contents is None:
        return redirect("cart:page")
    if not visit.contact(request):
        return redirect("checkout:start")
    return review_page(request, contents)


def review_page(request: MallRequest, contents: Contents, *, notice: str = "", status: int = 200) -> HttpResponse:
    """The review, perhaps once more with the reason why it is asked again."""
    ask = visit.ask(request, contents)
    if Order.objects.filter(checkout_key=ask.key).exclude(state=Order.State.DRAFT).exists():
        visit.renew(request)  # bought already, or let go: what is reviewed now is another order
        ask = visit.ask(request, contents)
    parcels = parcels_of(contents, ask)
    total = sum(parcel.total for parcel in parcels)
    context = {
        "ask": ask,
        "contact": ask.contact,
        "country": countries.name(ask.contact["country"]),
        "contents": contents,
        "groups": list(zip(contents.groups, parcels, strict=True)),
        "goods": sum(parcel.goods for parcel in parcels),
        "delivery": sum(parcel.delivery for parcel in parcels),
        "total": total,
        "notice": notice,
    }
    return render(request, "checkout/review.html", context, status=status)

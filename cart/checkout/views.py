"""Views of the checkout's steps, on the master: address, delivery and review."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods
from django_countries import countries

from cart.checkout import checkout_session
from cart.checkout.forms import ContactForm, DeliveryForm, contact_from
from cart.checkout.payments.gateways import offered_gateways
from cart.orders.models import Address, Order
from cart.orders.services import FullAddressBookError, save_address
from cart.summary import CartSummary, VendorSummary, summarise_cart
from sessions_farm.communities.query_plans import planned
from vendors.delivery import DeliveryMethod, Destination
from vendors.destination import destination_of
from vendors.http import MallRequest


def available_summary_or_none(request: MallRequest) -> CartSummary | None:
    """Return the cart's summary if all can be had; else add a message for the shopper and return None."""
    summary = summarise_cart(request.mall.visitor, checkout_session.destination(request), timezone.now())
    if not summary:
        messages.info(request, gettext("Your cart is empty: there is nothing to check out."))
        return None
    if not summary.is_available:
        messages.error(request, gettext("Sold out or fewer left: change or remove the marked lines, then check out."))
        return None
    return summary


def summary_or_redirect(request: MallRequest) -> CartSummary | HttpResponse:
    """Return the summary of a cart that can be paid for, else a redirect to the page on which it is mended."""
    summary = available_summary_or_none(request)
    if summary is None:
        return redirect("cart:page")
    if not checkout_session.contact(request) or summary.unserved:
        return redirect("checkout:start")  # which says what is not delivered there
    return summary


@never_cache
@require_http_methods(["GET", "POST"])
def start(request: MallRequest) -> HttpResponse:
    """Step 1: take the contact data and address; the session keeps them for the Back button."""
    user: Any = request.user
    book = [] if request.method == "POST" else _address_book(user)
    form = ContactForm(request.POST or None, initial=_initial(request, book), has_book=user.is_authenticated)
    if request.method == "POST" and form.is_valid():
        return _keep_contact(request, form)
    summary = available_summary_or_none(request)
    if summary is None:
        return redirect("cart:page")
    context = {"form": form, "summary": summary, "book": book, "cart_count": summary.pieces}
    if not form.errors and checkout_session.contact(request):
        context |= {"unserved": summary.unserved, "place": _place_name(summary.destination)}
    return TemplateResponse(request, "checkout/start.html", context, status=_status(form))  # as the cart's page


def _keep_contact(request: MallRequest, form: ContactForm) -> HttpResponse:
    checkout_session.save_contact(request, form.contact)
    if form.cleaned_data.get("keep"):
        _keep_address(request, form)
    return redirect("checkout:delivery")  # which looks at the cart


def _keep_address(request: MallRequest, form: ContactForm) -> None:
    fields = {name: value for name, value in form.contact.items() if name != "email"}
    try:
        save_address(user=request.user, fields=fields)
    except FullAddressBookError as error:
        messages.info(request, gettext("The address was not kept. %(error)s") % {"error": error})


def _place_name(destination: Destination) -> str:
    country = countries.name(destination.country)
    return f"{destination.postcode}, {country}" if destination.postcode else country


def _address_book(user: Any) -> list[Address]:
    if not user.is_authenticated:
        return []
    return list(Address.objects.filter(user=user).order_by("-is_default", "pk"))


def _status(form: forms.Form) -> int:
    return 422 if form.errors else 200


def _initial(request: MallRequest, book: list[Address]) -> dict[str, str]:
    """Return the data entered before, else an entry of the address book, else the user's e-mail address."""
    entry_id = request.GET.get("address", "")
    chosen = next((entry for entry in book if str(entry.pk) == entry_id), None)
    typed = checkout_session.contact(request)
    if chosen is None and typed:
        return typed
    user: Any = request.user
    email = typed.get("email", "") or getattr(user, "email", "")  # an anonymous user has none
    entry = chosen or next(iter(book), None)
    country = {"country": destination_of(request).country}
    return {"email": email, **(contact_from(entry) if entry else country)}


@never_cache
@require_http_methods(["GET", "POST"])
def delivery(request: MallRequest) -> HttpResponse:
    """Step 2: choose each vendor's delivery method."""
    summary = summary_or_redirect(request)
    if isinstance(summary, HttpResponse):
        return summary
    form = DeliveryForm(request.POST or None, summary=summary, chosen=checkout_session.methods(request, summary))
    if request.method == "POST" and form.is_valid():
        checkout_session.save_methods(request, form.methods)
        return redirect("checkout:review")
    choices = [_choices(group, form[f"vendor-{group.vendor.pk}"]) for group in summary.groups]
    context = {"form": form, "summary": summary, "choices": choices, "cart_count": summary.pieces}
    return render(request, "checkout/delivery.html", context, status=_status(form))


def _choices(group: VendorSummary, field: Any) -> dict[str, Any]:
    """Return a vendor's delivery methods with their charges for these goods, and the days on which they come."""
    selected = field.value()
    offered = [
        (method, group.promise(method), group.tariff.charge(group.goods_total, method), method == selected)
        for method in DeliveryMethod
        if group.tariff.offers(method)
    ]
    return {"group": group, "field": field, "offered": offered}


@never_cache
@require_GET
def review(request: MallRequest) -> HttpResponse:
    """Step 3: show everything on one page, with the pay button."""
    summary = summary_or_redirect(request)
    if isinstance(summary, HttpResponse):
        return summary
    return review_page(request, summary)


@planned
def _settled_order(wish: str, order_key: str) -> QuerySet[Order, int]:
    settled = Q(wish=wish, state__in=[Order.State.PLACED, Order.State.CANCELLED])
    to_be_paid = Q(idempotency_key=order_key, pay_by__isnull=False)
    return Order.objects.filter(settled | to_be_paid).order_by().values_list("pk", flat=True)[:1]


def review_page(request: MallRequest, summary: CartSummary, *, notice: str = "", status: int = 200) -> HttpResponse:
    """Render the review, with a notice if the shopper has to agree again."""
    checkout_request = checkout_session.build_request(request, summary)
    if _settled_order(checkout_request.wish, checkout_request.order_key):
        checkout_session.renew_token(request)  # the previous order is settled; this review leads to another one
        checkout_request = checkout_session.build_request(request, summary)
    drafts = summary.drafts(checkout_request.methods)
    gateways = offered_gateways(request.marketplace)
    total = sum(draft.total for draft in drafts)
    context = {
        "checkout_request": checkout_request,
        "contact": checkout_request.contact,
        "country": countries.name(checkout_request.contact["country"]),
        "summary": summary,
        "cart_count": summary.pieces,
        "groups": [
            (group, draft, group.promise(draft.method)) for group, draft in zip(summary.groups, drafts, strict=True)
        ],
        "goods_total": sum(draft.goods_total for draft in drafts),
        "delivery_total": sum(draft.delivery_charge for draft in drafts),
        "total": total,
        "notice": notice,
        "gateways": gateways,
        "chosen_gateway": request.POST.get("gateway") or gateways[0].name,
    }
    return render(request, "checkout/review.html", context, status=status)

"""Pages that lead to orders: those of the account, those of a guest to be claimed, and one found by its number."""

from __future__ import annotations

import time
from typing import Any

from allauth.account.models import EmailAddress
from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from cart.letters.services import write_link_letter
from cart.orders.claiming import claim_orders
from cart.orders.history import read_page
from cart.orders.models import Order
from mall.accounts.forms import FindOrderForm
from mall.accounts.home_views import confirmed_emails
from vendors.http import MallRequest

MOST_CLAIMED = 100  # at once; the page shows the rest afterwards
SECONDS_TO_ANSWER = 0.1  # of a search, found or not: more than writing the letter takes


@never_cache
@login_required
@require_safe
def orders(request: MallRequest) -> HttpResponse:
    """List the account's orders, the newest first, with the state of each consignment."""
    community_id = request.mall.member.community_id
    after = request.GET.get("after", "")
    context = {
        "page": read_page(Order.objects.for_user(request.user, community_id), after=after),
        "is_first": not after,
        "claimable": Order.objects.of_guests(confirmed_emails(request.user), community_id).count(),
    }
    return render(request, "account/orders.html", context)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def claim(request: MallRequest) -> HttpResponse:
    """List the orders that were made with a confirmed address without signing in; POST claims those that are ticked."""
    community_id = request.mall.member.community_id
    if request.method == "POST":
        number = _claim(request.user, request.POST.getlist("number")[:MOST_CLAIMED], community_id)
        if not number:
            messages.info(request, gettext("No order was added. Tick those that are yours."))
            return redirect("claim_orders")
        messages.success(
            request,
            ngettext(
                "%(number)s order added. The links in its letters have ended.",
                "%(number)s orders added. The links in their letters have ended.",
                number,
            )
            % {"number": number},
        )
        return redirect("account_orders")
    emails = confirmed_emails(request.user)
    context = {
        "page": read_page(Order.objects.of_guests(emails, community_id), size=MOST_CLAIMED),
        "emails": emails,
        "unconfirmed": EmailAddress.objects.filter(user=request.user, verified=False).exists(),
    }
    return render(request, "account/claim.html", context)


@transaction.atomic
def _claim(user: Any, numbers: list[str], community_id: int) -> int:
    """Claim orders by the addresses that are confirmed now: they stay so until the end of the transaction."""
    confirmed = EmailAddress.objects.filter(user=user, verified=True).select_for_update()
    return claim_orders(user=user, emails=[row.email for row in confirmed], numbers=numbers, community_id=community_id)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def find(request: MallRequest) -> HttpResponse:
    """Mail the link to an order to its own address; answer alike whether there is such an order, and in like time."""
    began = time.monotonic()
    form = FindOrderForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        refusal: HttpResponse | None = ratelimit.consume_or_429(request, action="find_order")
        if refusal is not None:
            return refusal
        _mail_link(form.cleaned_data, request.mall.member.community_id)
        time.sleep(max(0.0, began + SECONDS_TO_ANSWER - time.monotonic()))
        return HttpResponseRedirect(f"{request.path}?sent", status=303)
    context = {"form": form, "is_sent": "sent" in request.GET}
    return render(request, "account/find_order.html", context, status=422 if form.errors else 200)


def _mail_link(typed: dict[str, str], community_id: int) -> None:
    found = Order.objects.shown().filter(
        number=typed["number"], email__iexact=typed["email"], marketplace__community=community_id
    )
    order = found.first()
    if order is not None:
        write_link_letter(order=order, now=timezone.now())

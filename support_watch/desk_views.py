"""The desk: the present visitors, claims of visits, and a look at a cart."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from support_watch import access, carts, claims, history, services
from support_watch.feed.events import Visitor
from support_watch.forms import ClaimForm, DeskFilterForm
from support_watch.models import SupportVisit
from support_watch.presence import Presence
from vendors.http import MallRequest
from vendors.models import Vendor


def vendor_or_404(request: MallRequest, slug: str) -> Vendor:
    """Return the vendor that the user may watch; raise Http404 for any other."""
    vendor = access.vendor_for(request.user, slug)
    if vendor is None:
        raise Http404("There is no such vendor, or its feed is not yours to watch.")
    return vendor


@never_cache
@login_required
@require_safe
def desk_page(request: MallRequest, slug: str) -> HttpResponseBase:
    """Show the present visitors and today's visits; live with JavaScript, by reloading without."""
    vendor = vendor_or_404(request, slug)
    now = timezone.now()
    services.end_visits(vendor_id=vendor.pk)
    claims.renew(user_id=request.user.pk, now=now)
    snapshot = Presence(vendor).snapshot()
    held = claims.held(vendor.pk)
    filters = DeskFilterForm(request.GET)
    chosen = filters.cleaned_data if filters.is_valid() else {}
    context: dict[str, Any] = {
        "vendor": vendor,
        "snapshot": snapshot,
        "visitors": [with_claim(one, held) for one in filtered(snapshot.present if snapshot else [], held, chosen)],
        "filters": filters,
        "is_filtered": any(chosen.values()),
        "today": history.page_of(vendor_id=vendor.pk, begin=history.day_of(None, now)[0], now=now, rows=20),
        "here": {visitor["visit"] for visitor in snapshot.present} if snapshot else set(),
        "now": now,
        "may_set_up": access.may_set_up(request.user, vendor),
    }
    template = "support_watch/desk.html"
    if request.GET.get("part") == "history":
        template += "#history"
    return TemplateResponse(request, template, context)


def with_claim(visitor: Visitor, held: dict[str, claims.Holder]) -> dict[str, Any]:
    """Return a visitor with the holder of the visit."""
    return {**visitor, "claim": held.get(visitor["visit"])}


def filtered(present: list[Visitor], held: dict[str, claims.Holder], chosen: dict[str, str]) -> list[Visitor]:
    """Return the visitors that a filter shows; the page's script filters by the same rules."""
    show, words = chosen.get("show", ""), chosen.get("q", "").casefold()
    states = {"active": {"active"}, "idle": {"idle", "away"}}.get(show)
    return [
        visitor
        for visitor in present
        if (states is None or visitor["state"] in states)
        and not (show == "free" and visitor["visit"] in held)
        and words in f"{visitor['name']} {visitor['page']['title']} {visitor['page']['path']}".casefold()
    ]


@login_required
@require_POST
def claim(request: MallRequest, slug: str) -> HttpResponseBase:
    """Take a visitor; the second of two is told the name of the first."""
    vendor = vendor_or_404(request, slug)
    form = ClaimForm(request.POST)
    if not form.is_valid():
        return answer(request, vendor, HTTPStatus.UNPROCESSABLE_ENTITY, "The note may have 200 characters at most.")
    visit, note = form.cleaned_data["visit"], form.cleaned_data["note"]
    try:
        holding = claims.claim_visit(vendor_id=vendor.pk, visit=visit, user=request.user, note=note, now=timezone.now())
    except SupportVisit.DoesNotExist:
        return answer(request, vendor, HTTPStatus.NOT_FOUND, "That visitor is not on your list any more.")
    if holding.by_id != request.user.pk:
        return answer(request, vendor, HTTPStatus.CONFLICT, f"{holding.by_name} was first.")
    return answer(request, vendor, HTTPStatus.OK, f"{holding.visit.name} is yours.")


@login_required
@require_POST
def release(request: MallRequest, slug: str) -> HttpResponseBase:
    """Let a visitor go."""
    vendor = vendor_or_404(request, slug)
    form = ClaimForm(request.POST)
    if form.is_valid() and claims.release_visit(
        vendor_id=vendor.pk, visit=form.cleaned_data["visit"], user=request.user, now=timezone.now()
    ):
        return answer(request, vendor, HTTPStatus.OK, "The visitor is free for others.")
    return answer(request, vendor, HTTPStatus.CONFLICT, "That visitor is not yours to let go.")


def answer(request: MallRequest, vendor: Vendor, status: HTTPStatus, words: str) -> HttpResponseBase:
    """Answer the page's script with JSON, and a form with the desk and a message."""
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"words": words}, status=status)
    level = messages.SUCCESS if status == HTTPStatus.OK else messages.WARNING
    messages.add_message(request, level, words)
    return HttpResponseRedirect(reverse("watch:vendor", args=[vendor.slug]))


@never_cache
@login_required
@require_POST
def cart(request: MallRequest, slug: str) -> HttpResponseBase:
    """Show a shopper's cart, as far as it is of this vendor and the shopper allows it; the look is written down."""
    vendor = vendor_or_404(request, slug)
    form = ClaimForm(request.POST)
    visit = form.cleaned_data["visit"] if form.is_valid() else ""
    try:
        lines = carts.look(vendor_id=vendor.pk, visit=visit, user=request.user, now=timezone.now())
    except carts.NotAllowedError as error:
        return answer(request, vendor, HTTPStatus.FORBIDDEN, str(error))
    context = {"vendor": vendor, "visit": visit, "lines": lines}
    return TemplateResponse(request, "support_watch/cart.html", context)

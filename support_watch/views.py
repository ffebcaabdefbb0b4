"""The support page of a store and what its script tells; the page where the vendor's staff watch."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from sessions_farm.communities.links import origin
from support_watch import access, counting, services, stream
from support_watch.broker import Broker
from support_watch.forms import TokenForm
from support_watch.limits import BEAT_MS
from support_watch.models import SupportVisit
from support_watch.stream import FeedDown, Page
from support_watch.visits import PageToken
from support_watch.watch import watch_page
from vendors.hosts import Store
from vendors.models import Vendor

HISTORY_ROWS = 200


@require_safe
@watch_page("support")
def support_page(request: HttpRequest) -> HttpResponseBase:
    vendor = get_object_or_404(Vendor.objects.published(), pk=storefront(request).vendor_id)
    return TemplateResponse(
        request, "support_watch/support_page.html", {"vendor": vendor, "beat_seconds": BEAT_MS // 1000}
    )


@csrf_exempt  # the page's own signed token is the proof, and other sites' pages are refused
@require_POST
def beat(request: HttpRequest) -> HttpResponseBase:
    """The page is open and looked at. Answers with a new token where the visit began only now."""
    token = told_token(request)
    if token is None:
        return HttpResponse(status=HTTPStatus.FORBIDDEN)
    if not token.counted:
        return begin(request, token)
    page = Page(token.path, token.title)
    try:
        stream.beat(vendor_id=token.vendor_id, visit=token.visit, tab=token.tab, at=token.at, page=page)
    except FeedDown:
        return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


@csrf_exempt  # as for beat
@require_POST
def leave(request: HttpRequest) -> HttpResponseBase:
    token = told_token(request)
    if token is None:
        return HttpResponse(status=HTTPStatus.FORBIDDEN)
    try:
        stream.leave(vendor_id=token.vendor_id, visit=token.visit, tab=token.tab)
    except FeedDown:
        return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def begin(request: HttpRequest, token: PageToken) -> HttpResponseBase:
    """Count a visit whose page was read ahead, or came before the browser had a cookie."""
    subjects = counting.subjects_of(request)
    if not subjects or not counting.is_shopper(request, token.vendor_id):
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    counted = services.record_arrival(token=token, page=token.title, subjects=subjects, now=timezone.now())
    return JsonResponse({"token": counted.signed()})


def told_token(request: HttpRequest) -> PageToken | None:
    """The token that one of our own pages sent, None for any other sender."""
    if not is_own_page(request):
        return None
    form = TokenForm(request.POST, vendor_id=storefront(request).vendor_id)
    return form.cleaned_data["token"] if form.is_valid() else None


def is_own_page(request: HttpRequest) -> bool:
    """By Sec-Fetch-Site; where a browser sends none (plain HTTP, old), by the Origin."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    host = request.mall.member.host  # type: ignore[attr-defined]  # set by sessions_farm's HostGate
    return request.headers.get("Origin") == origin(host)


def storefront(request: HttpRequest) -> Store:
    """Raise Http404 outside a store."""
    store: Store | None = request.storefront  # type: ignore[attr-defined]  # set by vendors' StorefrontMiddleware
    if store is None:
        raise Http404("There is no store here.")
    return store


@never_cache
@login_required
@require_safe
def vendor_page(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Who is on the vendor's support page now and who was today; live with JavaScript, by reloading without."""
    vendor = access.vendor_for(request.user, slug)
    if vendor is None:
        raise Http404("There is no such vendor, or its feed is not yours to watch.")
    now = timezone.now()
    services.end_visits(vendor_id=vendor.pk)
    snapshot = Broker(vendor).snapshot()
    here = {visitor["visit"] for visitor in snapshot.present} if snapshot else set()
    visits = list(SupportVisit.objects.for_vendor(vendor.pk).of_day(now)[:HISTORY_ROWS])
    context: dict[str, Any] = {
        "vendor": vendor,
        "snapshot": snapshot,
        "visits": visits,
        "here": here,
        "now": now,
        "is_full": len(visits) == HISTORY_ROWS,
    }
    template = "support_watch/vendor.html"
    if request.GET.get("part") == "history":
        template += "#history"
    return TemplateResponse(request, template, context)

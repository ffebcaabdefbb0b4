"""The support page of a store with the endpoints of its script; the page of the vendor's staff."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from sessions_farm.communities.links import origin
from support_watch import access, counting, services
from support_watch.decorators import watch_page
from support_watch.feed import writes
from support_watch.feed.writes import FeedUnavailableError, Page
from support_watch.forms import BeaconForm
from support_watch.limits import BEAT_MS
from support_watch.models import SupportVisit
from support_watch.presence import Presence
from support_watch.visits import PageToken
from vendors.http import MallRequest
from vendors.models import Vendor
from vendors.storefronts import CachedStorefront

HISTORY_ROWS = 200


@require_safe
@watch_page("support")
def support_page(request: MallRequest) -> HttpResponseBase:
    """Show the store's support page."""
    vendor = get_object_or_404(Vendor.objects.published(), pk=storefront(request).vendor_id)
    return TemplateResponse(
        request, "support_watch/support_page.html", {"vendor": vendor, "beat_seconds": BEAT_MS // 1000}
    )


@csrf_exempt  # the page's own signed token is the proof, and other sites' pages are refused
@require_POST
def beat(request: MallRequest) -> HttpResponseBase:
    """Record the heartbeat of a visible page; respond with a new token where the visit begins now."""
    beacon = read_beacon(request)
    if beacon is None:
        return HttpResponse(status=HTTPStatus.FORBIDDEN)
    token, number = beacon
    if not token.counted:
        return begin_visit(request, token, number)
    page = Page(token.path, token.title)
    try:
        writes.beat(vendor_id=token.vendor_id, visit=token.visit, tab=token.tab, number=number, at=token.at, page=page)
    except FeedUnavailableError:
        return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


@csrf_exempt  # as for beat
@require_POST
def leave(request: MallRequest) -> HttpResponseBase:
    """Record that the page is closed."""
    beacon = read_beacon(request)
    if beacon is None:
        return HttpResponse(status=HTTPStatus.FORBIDDEN)
    token, number = beacon
    try:
        writes.leave(vendor_id=token.vendor_id, visit=token.visit, tab=token.tab, number=number)
    except FeedUnavailableError:
        return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def begin_visit(request: MallRequest, token: PageToken, number: int) -> HttpResponseBase:
    """Record a visit whose page was prefetched, or served before the browser had a cookie."""
    subjects = counting.subjects_of(request)
    if not subjects or not counting.is_shopper(request, token.vendor_id):
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    counted = services.record_arrival(
        token=token, page=token.title, subjects=subjects, now=timezone.now(), number=number
    )
    return JsonResponse({"token": counted.signed()})


def read_beacon(request: MallRequest) -> tuple[PageToken, int] | None:
    """Return the token and the number that a page of this store sent, None for any other sender."""
    if not is_same_origin(request):
        return None
    form = BeaconForm(request.POST, vendor_id=storefront(request).vendor_id)
    return (form.cleaned_data["token"], form.cleaned_data["number"]) if form.is_valid() else None


def is_same_origin(request: MallRequest) -> bool:
    """Return True for a same-origin request, by Sec-Fetch-Site or, where a browser sends none, by the Origin."""
    if site := request.headers.get("Sec-Fetch-Site"):
        return site == "same-origin"
    host = request.mall.member.host
    return request.headers.get("Origin") == origin(host)


def storefront(request: MallRequest) -> CachedStorefront:
    """Return the store of the request; raise Http404 outside a store."""
    store: CachedStorefront | None = request.storefront
    if store is None:
        raise Http404("There is no store here.")
    return store


@never_cache
@login_required
@require_safe
def vendor_page(request: MallRequest, slug: str) -> HttpResponseBase:
    """Show the present visitors and today's visits; live with JavaScript, by reloading without."""
    vendor = access.vendor_for(request.user, slug)
    if vendor is None:
        raise Http404("There is no such vendor, or its feed is not yours to watch.")
    now = timezone.now()
    services.end_visits(vendor_id=vendor.pk)
    snapshot = Presence(vendor).snapshot()
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

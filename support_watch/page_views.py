"""The shopper's side: the support page, the endpoints of watched pages, and the choice of consent."""

from __future__ import annotations

from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sessions_farm.communities.links import origin
from support_watch import counting, redaction, services
from support_watch.consent import CONSENT, Level, consent_of
from support_watch.feed import writes
from support_watch.feed.writes import Beacon, FeedUnavailableError, Page
from support_watch.forms import BeaconForm, ConsentForm
from support_watch.visits import PageToken
from vendors.http import MallRequest, asks_not_to_be_followed
from vendors.models import Vendor
from vendors.storefronts import CachedStorefront, storefronts


@require_safe
def support_page(request: MallRequest) -> HttpResponseBase:
    """Show the store's support page."""
    vendor = get_object_or_404(Vendor.objects.published(), pk=storefront(request).vendor_id)
    consent = consent_of(request, has_notice=True)
    return TemplateResponse(request, "support_watch/support_page.html", {"vendor": vendor, "consent": consent})


@csrf_exempt  # the page's own signed token is the proof, and other sites' pages are refused
@require_POST
def beat(request: MallRequest) -> HttpResponseBase:
    """Record the heartbeat of an open page; respond with a new token where the visit begins now, and staff's line."""
    found = read_beacon(request)
    if found is None:
        return HttpResponse(status=HTTPStatus.FORBIDDEN)
    token, beacon = found
    if not token.counted:
        return begin_visit(request, token, beacon)
    try:
        line = renew_visit(request, token, beacon)
    except FeedUnavailableError:
        return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
    return (
        JsonResponse({"line": in_words(line, token.vendor_id)}) if line else HttpResponse(status=HTTPStatus.NO_CONTENT)
    )


def renew_visit(request: MallRequest, token: PageToken, beacon: Beacon) -> str:
    """Renew a visit's presence; restore a visit that the feed has lost, with the present consent."""
    page = Page(token.path, token.title)  # the feed keeps it only where the visit's level allows it
    line = writes.beat(beacon, at=token.at, page=page)
    if line is None:  # only now is the session read: a page that stays open keeps no session alive
        line = writes.beat(beacon, at=token.at, page=page, level=consent_of(request, has_notice=token.has_notice).level)
    return line or ""


@csrf_exempt  # as for beat
@require_POST
def leave(request: MallRequest) -> HttpResponseBase:
    """Record that the page is closed."""
    found = read_beacon(request)
    if found is None:
        return HttpResponse(status=HTTPStatus.FORBIDDEN)
    try:
        writes.leave(found[1])
    except FeedUnavailableError:
        return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def begin_visit(request: MallRequest, token: PageToken, beacon: Beacon) -> HttpResponseBase:
    """Record the visit of a page that is looked at only now; respond with its counted token."""
    subjects = counting.subjects_of(request)
    is_looked_at = beacon.state != "away" and subjects and counting.is_shopper(request, token.vendor_id)
    if not is_looked_at:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
    counted, line = services.record_arrival(
        token=token,
        subjects=subjects,
        consent=consent_of(request, has_notice=token.has_notice),
        handle=request.mall.key_hash,
        now=timezone.now(),
        number=beacon.number,
    )
    return JsonResponse({"token": counted.signed(), "line": in_words(line, token.vendor_id)})


def in_words(line: str, vendor_id: int) -> str:
    """Return staff's line in the shopper's language: the feed has it in that of the person who wrote it."""
    store = storefronts.by_vendor(vendor_id)
    return gettext("Somebody from %(shop)s is here for you.") % {"shop": store.name} if line and store else line


def read_beacon(request: MallRequest) -> tuple[PageToken, Beacon] | None:
    """Return the token and the beacon that a page of this host sent, None for any other sender."""
    if not is_same_origin(request):
        return None
    vendor_id = None if request.mall.is_master else storefront(request).vendor_id
    form = BeaconForm(request.POST, vendor_id=vendor_id)
    if not form.is_valid():
        return None
    token: PageToken = form.cleaned_data["token"]
    state = form.cleaned_data["state"] or "active"
    return token, Beacon(token.vendor_id, token.visit, token.tab, form.cleaned_data["number"], state)


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
@require_http_methods(["GET", "POST"])
def consent_page(request: MallRequest) -> HttpResponseBase:
    """Let a shopper choose the level of consent, and read the looks at the cart."""
    subjects = counting.subjects_of(request)
    vendor_ids = [store.vendor_id for store in storefronts.of_marketplace(request.marketplace.marketplace_id)]
    form = ConsentForm(request.POST or None, initial={"level": consent_of(request, has_notice=True).level})
    if request.method == "POST" and form.is_valid():
        choose(request, form.cleaned_data["level"], vendor_ids, subjects)
        messages.success(request, gettext("It is kept, for all shops of the mall."))
        return HttpResponseRedirect(reverse("watching:consent"))
    looks = redaction.looks_of(vendor_ids=vendor_ids, subjects=subjects) if subjects else []
    context = {"form": form, "looks": looks, "is_private": asks_not_to_be_followed(request)}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return TemplateResponse(request, "support_watch/consent.html", context, status=status)


def choose(request: MallRequest, level: Level, vendor_ids: list[int], subjects: list[str]) -> None:
    """Keep a choice; delete all that a lower level no longer allows."""
    before = consent_of(request, has_notice=True).level
    request.session[CONSENT] = int(level)
    if level < before and level == Level.PRESENCE:
        redaction.redact_shopper(vendor_ids=vendor_ids, subjects=subjects, now=timezone.now())


@require_POST
def forget(request: MallRequest) -> HttpResponseBase:
    """Delete all that shops keep of this shopper's visits but their times."""
    subjects = counting.subjects_of(request)
    vendor_ids = [store.vendor_id for store in storefronts.of_marketplace(request.marketplace.marketplace_id)]
    request.session[CONSENT] = int(Level.PRESENCE)
    count = redaction.redact_shopper(vendor_ids=vendor_ids, subjects=subjects, now=timezone.now()) if subjects else 0
    messages.success(
        request,
        gettext("Visits that are forgotten: %(count)s. From now on shops see only that somebody is here.")
        % {"count": count},
    )
    return HttpResponseRedirect(reverse("watching:consent"))

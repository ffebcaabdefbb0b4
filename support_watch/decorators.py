"""``@watch_page``: announce visits of the decorated page to the vendor's staff."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.utils import timezone

from sessions_farm.web.clients import is_prefetch
from support_watch import counting, services, visits
from support_watch.visits import PageToken
from vendors.http import MallRequest

type View = Callable[..., HttpResponseBase]


def watch_page(page: str) -> Callable[[View], View]:
    """Announce a page view that succeeded (GET, 200), before the page is rendered.

    The view returns a TemplateResponse; its context gets ``watch_token``, which the page's script sends with each
    heartbeat. A page that a browser prefetches, or requests without a cookie, gets a token that is not counted: the
    first heartbeat, which the script sends once the page is visible, then records the visit.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def watched(request: MallRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            response = view(request, *args, **kwargs)
            if request.method == "GET" and response.status_code == HTTPStatus.OK:
                announce(request, response, page)
            return response

        return watched

    return decorate


def announce(request: MallRequest, response: HttpResponseBase, page: str) -> None:
    """Record the visit of a shopper and give the page its token."""
    store = request.storefront
    if store is None or not isinstance(response, SimpleTemplateResponse):
        return
    if not counting.is_shopper(request, store.vendor_id):
        return
    token = PageToken(
        vendor_id=store.vendor_id,
        visit="",
        tab=visits.new_tab(),
        at=0,
        path=request.path,
        title=page,
        counted=False,
    )
    if not is_prefetch(request):
        token = record_visit(request, token)
    extra = {"watch_token": token.signed(), "watch_name": visits.pseudonym(token.visit) if token.counted else ""}
    response.context_data = {**(response.context_data or {}), **extra}


def record_visit(request: MallRequest, token: PageToken) -> PageToken:
    """Record the arrival of a shopper with a stable identity; create an id for any other, for the next request.

    Only the master creates ids; a vendor's host gets them by the hand-off.
    """
    if subjects := counting.subjects_of(request):
        return services.record_arrival(token=token, page=token.title, subjects=subjects, now=timezone.now())
    if request.mall.is_master and request.session.session_key is None:
        request.session.claim_key()
    return token

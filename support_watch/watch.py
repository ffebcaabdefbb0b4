"""``@watch_page``: opening the decorated page shows up on the screens of the vendor's staff."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.utils import timezone

from support_watch import counting, services, visits
from support_watch.visits import PageToken

type View = Callable[..., HttpResponseBase]


def watch_page(page: str) -> Callable[[View], View]:
    """Tell of the page once it is known to be served (GET, 200) and before it is rendered.

    The view returns a TemplateResponse; its context gets ``watch_token``, with which the page's script goes on telling.
    A page that a browser reads ahead, or that came without a cookie, gets a token that is not counted: the script,
    which runs only when somebody looks, then makes it count.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def watched(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            response = view(request, *args, **kwargs)
            if request.method == "GET" and response.status_code == HTTPStatus.OK:
                tell(request, response, page)
            return response

        return watched

    return decorate


def tell(request: HttpRequest, response: HttpResponseBase, page: str) -> None:
    store = request.storefront  # type: ignore[attr-defined]  # set by vendors' StorefrontMiddleware
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
    if not counting.reads_ahead(request):
        token = count(request, token)
    told = {"watch_token": token.signed(), "watch_name": visits.pseudonym(token.visit) if token.counted else ""}
    response.context_data = {**(response.context_data or {}), **told}


def count(request: HttpRequest, token: PageToken) -> PageToken:
    """Record the arrival of whom we can tell from others; give the rest an id to come back with.

    Only the master gives ids to those who have none; a vendor's host gets them by the hand-off.
    """
    if subjects := counting.subjects_of(request):
        return services.record_arrival(token=token, page=token.title, subjects=subjects, now=timezone.now())
    if request.mall.is_master and request.session.session_key is None:  # type: ignore[attr-defined]  # as above
        request.session.claim_key()  # type: ignore[attr-defined]  # the farm's SessionStore
    return token

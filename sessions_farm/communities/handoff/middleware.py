"""The middleware that starts a hand-off where a page needs one."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.http import HttpResponse, HttpResponseBase

from sessions_farm.communities.handoff import audit, concurrent_tabs, merge, paths
from sessions_farm.communities.handoff.audit import Outcome, SkipReason
from sessions_farm.communities.handoff.decorators import requires_mall_id
from sessions_farm.communities.handoff.initiate import Policy, blocked_reason, can_defer, start_handoff
from sessions_farm.communities.handoff.navigation import RequestKind, kind_of_request
from sessions_farm.communities.handoff.responses import confidential
from sessions_farm.communities.handoff.triggers import Cause, Trigger, has_no_id, trigger_of
from sessions_farm.communities.robots import is_robot

if TYPE_CHECKING:
    from sessions_farm.communities.context import Mall, MallRequest
    from sessions_farm.communities.registry import Member


class HandoffMiddleware:
    """Stands after SessionMiddleware. A form's POST never leaves its host: it gets a session here, merged later."""

    def __init__(self, get_response: Callable[[MallRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: MallRequest) -> HttpResponseBase:
        response = handoff_response(request) or self.get_response(request)
        if paths.GAVE_UP in request.META.get("QUERY_STRING", ""):
            response["X-Robots-Tag"] = "noindex"
        if _was_done_locally(request):
            response["HX-Refresh"] = "true"  # the page comes anew, by a hand-off that brings it to the community
        return response

    def process_view(
        self, request: MallRequest, view: Callable[..., object], _args: object, _kwargs: object
    ) -> HttpResponse | None:
        """Start the hand-off of a view that requires the mall id, under a lazy policy too."""
        return handoff_response(request, is_required=True) if requires_mall_id(view) else None


def _was_done_locally(request: MallRequest) -> bool:
    """Return whether htmx sent a form whose outcome no other host knows of yet, while no navigation follows."""
    mall = getattr(request, "mall", None)
    if request.method in {"GET", "HEAD"} or request.headers.get("HX-Request") != "true" or mall is None:
        return False
    if is_robot(request.headers.get("User-Agent", "")):
        return False  # or a browser that is taken for one: its page would come anew as it is, and without the outcome
    return not mall.is_master and bool(mall.is_local) and blocked_reason(request, mall.member) is None


def handoff_response(request: MallRequest, *, is_required: bool = False) -> HttpResponse | None:
    """Return the response that fetches an id instead of the page; None where the page is served."""
    mall: Mall | None = getattr(request, "mall", None)
    kind = kind_of_request(request)
    if mall is None or mall.member is None or kind is RequestKind.OTHER or request.path.startswith(paths.PREFIX):
        return None
    if response := _response_by_policy(request, mall, mall.member, kind, is_required=is_required):
        return response
    if (
        mall.is_master
        and kind is RequestKind.NAVIGATION
        and has_no_id(mall)
        and concurrent_tabs.is_first(request, mall.member)
    ):
        merge.make_id(request)
    return None


def _response_by_policy(
    request: MallRequest, mall: Mall, member: Member, kind: RequestKind, *, is_required: bool
) -> HttpResponse | None:
    """Return the response that starts a hand-off, where this page triggers one and nothing blocks or defers it."""
    if member.handoff_policy == Policy.OFF:
        return None  # without a look into the session
    trigger = trigger_of(request, mall, member)
    if trigger is None:
        return None
    if reason := blocked_reason(request, member):
        audit.record(request, reason)
        return None
    if not is_required and can_defer(request, member, trigger):
        audit.record(request, SkipReason.DEFERRED)
        return None
    return _response_by_kind(request, member, kind, trigger)


def _response_by_kind(request: MallRequest, client: Member, kind: RequestKind, trigger: Trigger) -> HttpResponse | None:
    match kind:
        case RequestKind.NAVIGATION:
            return start_handoff(request, client, trigger)
        case _ if trigger.cause is Cause.RESYNC:
            return None  # the id is good enough for a request that shows no page of its own
        case RequestKind.PREFETCH:
            audit.record(request, Outcome.PREFETCH_REFUSED, trigger.cause.value)
            return refuse_prefetch()
        case _:
            audit.record(request, Outcome.HTMX_REFRESHED, trigger.cause.value)
            return refresh_page()


def refuse_prefetch() -> HttpResponse:
    """Return a 409: any status but a success makes the browser ask again at the visit; a 5xx alarms balancers."""
    text = "This page is not given in advance.\n"
    return confidential(HttpResponse(text, status=HTTPStatus.CONFLICT, content_type="text/plain"))


def refresh_page() -> HttpResponse:
    """Return an order to htmx to load the page anew, as a navigation: it follows redirects unseen on its host alone."""
    response = confidential(HttpResponse(status=HTTPStatus.OK))
    response["HX-Refresh"] = "true"
    return response

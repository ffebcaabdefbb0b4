"""The middleware that starts a hand-off where a page needs one."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils.cache import patch_vary_headers

from sessions_farm.communities.handoff import audit, concurrent_tabs, cookies_off, merge, paths, verifier
from sessions_farm.communities.handoff.audit import Outcome, SkipReason
from sessions_farm.communities.handoff.decorators import requires_mall_id
from sessions_farm.communities.handoff.initiate import Policy, blocked_reason, can_defer, has_given_up, start_handoff
from sessions_farm.communities.handoff.navigation import RequestKind, kind_of_request
from sessions_farm.communities.handoff.responses import NEGOTIATED, SeeOther, confidential
from sessions_farm.communities.handoff.triggers import Cause, Trigger, has_no_id, trigger_of
from sessions_farm.communities.robots import is_robot
from sessions_farm.web import cookies

if TYPE_CHECKING:
    from sessions_farm.communities.context import Mall, MallRequest
    from sessions_farm.communities.registry import Member


class HandoffMiddleware:
    """Stands after SessionMiddleware. A form's POST never leaves its host: it gets a session here, merged later."""

    def __init__(self, get_response: Callable[[MallRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: MallRequest) -> HttpResponseBase:
        if handoff := handoff_response(request):
            return handoff
        response = self.get_response(request)
        complete_response(request, response)
        return response

    def process_view(
        self, request: MallRequest, view: Callable[..., object], _args: object, _kwargs: object
    ) -> HttpResponse | None:
        """Start the hand-off of a view that requires the mall id, under a lazy policy too."""
        return handoff_response(request, is_required=True) if requires_mall_id(view) else None


def complete_response(request: MallRequest, response: HttpResponseBase) -> None:
    """Add to a view's response what caches, browsers without cookies, and htmx need."""
    mall = getattr(request, "mall", None)
    if mall is None or mall.member is None or request.path.startswith(paths.PREFIX):
        return
    is_html = response.get("Content-Type", "").startswith("text/html")
    if is_html and request.method == "GET" and cookies.name_for(mall.member) not in request.COOKIES:
        patch_vary_headers(response, NEGOTIATED)
        if cookies_off.keeps_no_cookies(request, mall.member):
            cookies_off.carry_mark(response, mall.member)
    if cookies_off.is_marked(request.META.get("QUERY_STRING", "")):
        response["X-Robots-Tag"] = "noindex"
    if _was_done_locally(request):
        response["HX-Refresh"] = "true"  # the page comes anew, by a hand-off that brings it to the community


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
    unmarked = None if is_required else _response_without_mark(request, mall, mall.member, kind)
    return (
        unmarked
        or _response_by_policy(request, mall, mall.member, kind, is_required=is_required)
        or _response_for_new_browser(request, mall, mall.member, kind)
    )


def _response_without_mark(request: MallRequest, mall: Mall, member: Member, kind: RequestKind) -> HttpResponse | None:
    """Return the redirect to the page's own address, if it is marked and the browser keeps cookies after all.

    Asked before an id is made for this request: only one that the browser brought shows that it keeps cookies.
    """
    if kind is not RequestKind.NAVIGATION or not cookies_off.is_marked(request.META.get("QUERY_STRING", "")):
        return None
    if mall.is_master and has_no_id(mall) and verifier.verifier_in(request, member) is not None:
        merge.make_id(request)  # the browser has waited for another tab's
    if mall.id is None or mall.is_local:
        return None
    return confidential(SeeOther(cookies_off.unmarked(request.get_full_path())))


def _response_for_new_browser(
    request: MallRequest, mall: Mall, member: Member, kind: RequestKind
) -> HttpResponse | None:
    """Make an id for a browser that is new to the master, or redirect it to its page where another tab may bring one.

    It waits once: it comes back with the verifier's cookie or, where cookies are off, to an address that says so.
    """
    if not mall.is_master or kind is not RequestKind.NAVIGATION or not has_no_id(mall):
        return None
    path = request.get_full_path()
    may_wait = not has_given_up(request, member) and verifier.verifier_in(request, member) is None
    if (
        not may_wait
        or not paths.is_safe_path(path)
        or concurrent_tabs.is_first(request, member, concurrent_tabs.By.PAGE)
    ):
        merge.make_id(request)
        return None
    audit.record(request, Outcome.WAITED)
    response = confidential(HttpResponseRedirect(paths.without_id(path)))
    verifier.set_verifier(response, member, verifier.new_verifier().count())
    return response


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

"""Starts a hand-off where a page on another host than the master's needs one."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from sessions_farm.communities.handoff import audit, concurrent_tabs, merge, paths
from sessions_farm.communities.handoff.audit import Outcome, Skipped
from sessions_farm.communities.handoff.decorators import is_required
from sessions_farm.communities.handoff.initiate import Policy, begin, hindrance, is_premature, unseen
from sessions_farm.communities.handoff.navigation import Kind, kind_of
from sessions_farm.communities.handoff.triggers import Need, Why, is_unknown, need_of

if TYPE_CHECKING:
    from sessions_farm.communities.context import Mall
    from sessions_farm.communities.registry import Member


class HandoffMiddleware:
    """Stands after SessionMiddleware. A form's POST never leaves its host: it gets a session here, merged later."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = handed_off(request) or self.get_response(request)
        if paths.GAVE_UP in request.META.get("QUERY_STRING", ""):
            response["X-Robots-Tag"] = "noindex"
        if was_done_locally(request):
            response["HX-Refresh"] = "true"  # the page comes anew, by a hand-off that brings it to the community
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., object], _args: object, _kwargs: object
    ) -> HttpResponse | None:
        return handed_off(request, is_needed=True) if is_required(view) else None


def was_done_locally(request: HttpRequest) -> bool:
    """Whether htmx sent a form whose outcome no other host knows of yet, while no navigation follows."""
    mall = getattr(request, "mall", None)
    if request.method in {"GET", "HEAD"} or request.headers.get("HX-Request") != "true" or mall is None:
        return False
    return not mall.is_master and bool(mall.is_local) and hindrance(request, mall.member) is None


def handed_off(request: HttpRequest, *, is_needed: bool = False) -> HttpResponse | None:
    """The answer that fetches an id instead of the page; None where the page is served."""
    mall: Mall | None = getattr(request, "mall", None)
    kind = kind_of(request)
    if mall is None or mall.member is None or kind is Kind.OTHER or request.path.startswith(paths.PREFIX):
        return None
    if answer := asked(request, mall, mall.member, kind, is_needed=is_needed):
        return answer
    if (
        mall.is_master
        and kind is Kind.NAVIGATION
        and is_unknown(mall)
        and concurrent_tabs.is_first(request, mall.member)
    ):
        merge.make_id(request)
    return None


def asked(request: HttpRequest, mall: Mall, member: Member, kind: Kind, *, is_needed: bool) -> HttpResponse | None:
    """The answer that begins a hand-off, where this page needs one and nothing speaks against it."""
    if member.handoff_policy == Policy.OFF:
        return None  # without a look into the session
    need = need_of(request, mall, member)
    if need is None:
        return None
    if hindered := hindrance(request, member):
        audit.note(request, hindered)
        return None
    if not is_needed and is_premature(request, member, need):
        audit.note(request, Skipped.NO_NEED)
        return None
    return ask(request, member, kind, need)


def ask(request: HttpRequest, client: Member, kind: Kind, need: Need) -> HttpResponse | None:
    match kind:
        case Kind.NAVIGATION:
            return begin(request, client, need)
        case _ if need.why is Why.RESYNC:
            return None  # the id is good enough for what is no page of its own
        case Kind.PREFETCH:
            audit.note(request, Outcome.NOT_IN_ADVANCE, need.why.value)
            return not_in_advance()
        case _:
            audit.note(request, Outcome.RELOADED, need.why.value)
            return as_whole_page()


def not_in_advance() -> HttpResponse:
    """Any status but a success makes the browser ask again when the page is really wanted; a 5xx alarms balancers."""
    text = "This page is not given in advance.\n"
    return unseen(HttpResponse(text, status=HTTPStatus.CONFLICT, content_type="text/plain"))


def as_whole_page() -> HttpResponse:
    """htmx follows redirects unseen and cannot leave the host: let it load the page anew, as a navigation."""
    response = unseen(HttpResponse(status=HTTPStatus.OK))
    response["HX-Refresh"] = "true"
    return response

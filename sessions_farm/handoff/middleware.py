"""Starts a hand-off where a page on another host than the master's needs one."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from sessions_farm.communities import Member
from sessions_farm.handoff import adopting, paths
from sessions_farm.handoff.navigation import Kind, kind_of
from sessions_farm.handoff.starting import begin, is_unknown, may_start, needs_id, unseen


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


def was_done_locally(request: HttpRequest) -> bool:
    """Whether htmx sent a form whose outcome no other host knows of yet, while no navigation follows."""
    mall = getattr(request, "mall", None)
    if request.method in {"GET", "HEAD"} or request.headers.get("HX-Request") != "true" or mall is None:
        return False
    return not mall.is_master and bool(mall.is_local) and may_start(request, mall.member)


def handed_off(request: HttpRequest) -> HttpResponse | None:
    """The answer that fetches an id instead of the page; None where the page is served."""
    mall = getattr(request, "mall", None)
    kind = kind_of(request)
    if mall is None or mall.member is None or kind is Kind.OTHER or request.path.startswith(paths.PREFIX):
        return None
    answer = None
    if may_start(request, mall.member) and needs_id(request, mall):
        answer = ask(request, mall.member, kind)
    elif mall.is_master and kind is Kind.NAVIGATION and is_unknown(mall):
        adopting.make_id(request)
    return answer


def ask(request: HttpRequest, client: Member, kind: Kind) -> HttpResponse | None:
    match kind:
        case Kind.NAVIGATION:
            return begin(request, client)
        case Kind.PREFETCH:
            return not_in_advance()
        case _:
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

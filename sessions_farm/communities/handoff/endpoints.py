"""The two endpoints of a hand-off, on every host of a community alike: who is asked, and who asked."""

from __future__ import annotations

import logging
from http import HTTPStatus
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from sessions_farm.communities.context import Mall
from sessions_farm.communities.handoff import (
    audit,
    codes,
    concurrent_tabs,
    merge,
    navigation,
    paths,
    rate_limit,
    verifier,
)
from sessions_farm.communities.handoff.audit import Outcome, Refusal
from sessions_farm.communities.handoff.breaker import breaker_of
from sessions_farm.communities.handoff.initiate import SeeOther, redirect_to, unseen
from sessions_farm.communities.handoff.state import PREFIX_LENGTH, BadState, State
from sessions_farm.communities.handoff.triggers import can_be_asked
from sessions_farm.communities.handoff.verifier import CHALLENGE
from sessions_farm.communities.links import absolute_url
from sessions_farm.communities.registry import Member, registry
from sessions_farm.stores import current_store
from sessions_farm.stores.base import StoreUnavailableError

logger = logging.getLogger(__name__)


class Refused(Exception):
    """What was brought here is not what it must be."""

    def __init__(self, why: Refusal, detail: str = "") -> None:
        super().__init__(detail or why.value)
        self.why = why


def health(_request: HttpRequest) -> HttpResponse:
    """For the probes of the farm's own nodes: this host is reached, and its node answers."""
    response = HttpResponse("ok\n", content_type="text/plain")
    response["Cache-Control"] = "no-store"
    return response


def authorize(request: HttpRequest) -> HttpResponse:
    """Tell another host of this community who the visitor is, by a code that goes through the browser.

    The answer's address is built from the registry and the client's own signed state; no input names it.
    """
    here: Member = request.mall.member  # type: ignore[attr-defined]  # HostGate's
    try:
        require_page(request)
        client, state = read_question(request, here)
    except Refused as error:
        return refused(request, error)
    if state.stale:
        audit.note(request, Outcome.OUTDATED)
        return unseen(HttpResponseRedirect(absolute_url(client.host, state.path)))
    if elsewhere := who_else_may_know(request, here, client):
        audit.note(request, Outcome.PASSED_ON, f"{elsewhere} is asked for {client.host}.")
        return unseen(HttpResponseRedirect(absolute_url(elsewhere, passed_on(request, here))))
    if here.is_master and id_here(request, client) is None and is_to_come_again(request, here):
        return once_more(request, here)
    if hindered := hindrance_of_answer(request):
        audit.note(request, hindered)
        return without_code(client, state)
    return answer_to(request, here, client, state)


def is_to_come_again(request: HttpRequest, here: Member) -> bool:
    """Whether the browser has, or may soon have, another cookie of the master than this request came with."""
    mall: Mall = request.mall  # type: ignore[attr-defined]  # HostGate's
    may_have_another = mall.in_grace or not concurrent_tabs.is_first(request, here)
    was_long = paths.FORMER_KNOWS_NOBODY in request.GET  # over the former master; the browser had time enough
    return (
        may_have_another and not was_long and concurrent_tabs.times_looked_again(request) < concurrent_tabs.MOST_TIMES
    )


def once_more(request: HttpRequest, here: Member) -> HttpResponse:
    audit.note(request, Outcome.ONCE_MORE)
    question = request.GET.copy()
    question[paths.LOOKED_AGAIN] = str(concurrent_tabs.times_looked_again(request) + 1)
    return unseen(HttpResponseRedirect(absolute_url(here.host, f"{request.path}?{question.urlencode()}")))


def read_question(request: HttpRequest, here: Member) -> tuple[Member, State]:
    """Who asks, and its state. A peer that knew nobody forwards its question, so the master answers for any authority;
    the former master does, because the master asks it in its turn.

    Raise Refused.
    """
    client = registry.resolve(request.GET.get("m", ""))
    challenge = request.GET.get("ch", "")
    if client is None or client.community_id != here.community_id or client.host == here.host or client.canonical_host:
        raise Refused(Refusal.CLIENT)
    if not CHALLENGE.fullmatch(challenge):
        raise Refused(Refusal.CHALLENGE)
    state = read_state(request.GET.get("st", ""), client)
    may_answer = here.host in {state.authority, here.master_host, here.former_master}
    if state.challenge != challenge[:PREFIX_LENGTH] or not may_answer:
        raise Refused(Refusal.OTHER_QUESTION)
    return client, state


def read_state(sealed: str, client: Member) -> State:
    """Raise Refused."""
    try:
        return State.unseal(sealed, client)
    except BadState as error:
        raise Refused(Refusal.STATE, str(error)) from error


def who_else_may_know(request: HttpRequest, here: Member, client: Member) -> str:
    """The host to pass the question on to; '' where this one answers it."""
    if id_here(request, client) is not None or client.is_master:
        return ""
    if not here.is_master:
        return here.master_host
    # Once only: a former master that knows nobody gives the question back, and the id is made here.
    may_ask = client.host != here.former_master and paths.FORMER_KNOWS_NOBODY not in request.GET
    return here.former_master if may_ask and can_be_asked(here.former_master) else ""


def passed_on(request: HttpRequest, here: Member) -> str:
    question = request.get_full_path()
    return f"{question}&{paths.FORMER_KNOWS_NOBODY}=0" if here.host == here.former_master else question


def hindrance_of_answer(request: HttpRequest) -> Refusal | None:
    if request.mall.in_grace:  # type: ignore[attr-defined]  # HostGate's
        return Refusal.IN_GRACE
    return None if rate_limit.within_pace(request, "answer") else Refusal.PACE


def answer_to(request: HttpRequest, here: Member, client: Member, state: State) -> HttpResponse:
    mall_id = id_here(request, client) or (merge.make_id(request) if here.is_master else None)
    answer = {"state": request.GET["st"], "iss": here.host}
    if times := concurrent_tabs.times_looked_again(request):
        answer[paths.LOOKED_AGAIN] = str(times)
    if mall_id is None:  # the master, where it asks, is told that this host knows nobody: it makes an id itself
        audit.note(request, Outcome.NOBODY)
    else:
        grant = codes.Grant(here.community, mall_id, client.host, request.GET["ch"], here.host)
        try:
            answer["code"] = codes.put(current_store(), grant)
        except StoreUnavailableError:
            logger.warning("No hand-off to %s: the store keeps no code.", client.host)
            audit.note(request, Refusal.STORE)
            return without_code(client, state)
        audit.note(request, Outcome.ANSWERED, f"{client.host} asked.")
    return unseen(HttpResponseRedirect(absolute_url(client.host, f"{paths.FINISH}?{urlencode(answer)}")))


def without_code(client: Member, state: State) -> HttpResponse:
    return unseen(HttpResponseRedirect(absolute_url(client.host, paths.without_id(state.path))))


def finish(request: HttpRequest) -> HttpResponse:
    """Take the answer: only for the browser that asked, from whom it asked, once; then show the page."""
    client: Member = request.mall.member  # type: ignore[attr-defined]  # HostGate's
    try:
        require_page(request)
        state = read_state(request.GET.get("state", ""), client)
    except Refused as error:
        return refused(request, error)
    breaker_of(state.authority).came_back()
    kept = verifier.read(request, client)
    if kept is None:
        # The cookie that the first redirect set did not come along: this browser keeps none.
        audit.note(request, Outcome.COOKIES_OFF)
        return unseen(SeeOther(paths.without_id(state.path)))
    try:
        grant = take_grant(request, client, state, kept)
    except Refused as error:
        audit.note(request, error.why)
        return try_again(request, client, state, kept)
    response = unseen(SeeOther(state.path))
    if times := concurrent_tabs.times_looked_again(request):  # the way was longer: so this browser may begin fewer
        verifier.keep(response, client, kept.more(times))
    if client.is_master and request.mall.in_grace:  # type: ignore[attr-defined]  # HostGate's
        return response  # the browser has another id of the master by now
    if client.is_master and grant.issuer != client.former_master:
        audit.note(request, Outcome.ABSORBED, f"{grant.issuer} answered.")
        merge.absorb(request, grant.mall_id)
    else:
        audit.note(request, Outcome.FINISHED, f"{grant.issuer} answered.")
        merge.adopt(request, response, grant.mall_id)
    return response


def id_here(request: HttpRequest, client: Member) -> str | None:
    """The visitor's id, as it may be told to the client.

    One that a member made for itself is told to the master alone, which joins what it leads to to an id of its own.
    """
    mall: Mall = request.mall  # type: ignore[attr-defined]  # HostGate's
    return mall.id if client.is_master or not mall.is_local else None


def take_grant(request: HttpRequest, client: Member, state: State, kept: verifier.Verifier) -> codes.Grant:
    """The grant behind the code where everything about it fits; a code is gone once it was taken. Raise Refused."""
    issuer = request.GET.get("iss", "")
    if state.stale:
        raise Refused(Refusal.STALE)
    if state.challenge != kept.challenge[:PREFIX_LENGTH]:
        raise Refused(Refusal.OTHER_BROWSER)
    if not issuer or issuer not in {state.authority, client.master_host, client.former_master}:
        raise Refused(Refusal.ISSUER)
    try:
        grant = codes.take(current_store(), request.GET.get("code", ""))
    except StoreUnavailableError as error:
        raise Refused(Refusal.STORE) from error
    if grant is None:
        raise Refused(Refusal.CODE)
    expected = (client.community, client.host, kept.challenge, issuer)
    if (grant.community, grant.client, grant.challenge, grant.issuer) != expected:
        raise Refused(Refusal.GRANT)
    return grant


def try_again(request: HttpRequest, client: Member, state: State, kept: verifier.Verifier) -> HttpResponse:
    """Ask the master once more; after that the page comes without an id, for a while. The master needs nobody."""
    if state.attempt == 0 and "code" in request.GET and not kept.is_exhausted(client):
        audit.note(request, Outcome.ASKED_AGAIN)
        authority = state.authority if client.is_master else client.master_host
        return redirect_to(authority, request, client, state.path, attempt=1)
    if client.is_master:
        if not request.mall.in_grace:  # type: ignore[attr-defined]  # HostGate's
            merge.make_id(request)
        return unseen(SeeOther(state.path))
    audit.note(request, Outcome.GAVE_UP)
    response = unseen(SeeOther(paths.without_id(state.path)))
    verifier.give_up(response, client)
    return response


def require_page(request: HttpRequest) -> None:
    """Only a person's own top-level GET: a frame, an image, a script or a prefetch would act unseen. Raise Refused."""
    if request.method != "GET":
        raise Refused(Refusal.METHOD)
    if not navigation.may_be_top_level(request):
        raise Refused(Refusal.NOT_TOP_LEVEL)


def refused(request: HttpRequest, error: Refused) -> HttpResponse:
    audit.note(request, error.why, str(error))
    is_method = error.why is Refusal.METHOD
    status = HTTPStatus.METHOD_NOT_ALLOWED if is_method else HTTPStatus.BAD_REQUEST
    response = unseen(HttpResponse(f"{error}\n", status=status, content_type="text/plain"))
    if is_method:
        response["Allow"] = "GET"
    return response

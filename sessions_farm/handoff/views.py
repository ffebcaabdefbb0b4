"""The two endpoints of a hand-off, on every host of a community alike: who is asked, and who asked."""

from __future__ import annotations

import logging
from http import HTTPStatus
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from sessions_farm.communities import Member, registry
from sessions_farm.handoff import adopting, codes, navigation, paths, verifier
from sessions_farm.handoff.breaker import breaker_of
from sessions_farm.handoff.starting import SeeOther, redirect_to, unseen
from sessions_farm.handoff.state import PREFIX_LENGTH, BadState, State
from sessions_farm.handoff.verifier import CHALLENGE
from sessions_farm.links import absolute_url
from sessions_farm.stores import current_store
from sessions_farm.stores.base import StoreUnavailable

logger = logging.getLogger(__name__)


class BadQuestion(Exception):
    """Not a question that a member of this community asked here."""


def authorize(request: HttpRequest) -> HttpResponse:
    """Tell another host of this community who the visitor is, by a code that goes through the browser.

    The answer's address is built from the registry and the client's own signed state; no input names it.
    """
    if refused := refuse(request):
        return refused
    here: Member = request.mall.member  # type: ignore[attr-defined]  # HostGate's
    try:
        client, state = read_question(request, here)
    except (BadQuestion, BadState) as error:
        return bad_request(str(error))
    if state.stale:
        return unseen(HttpResponseRedirect(absolute_url(client.host, state.path)))
    mall_id = id_here(request)
    if mall_id is None and not client.is_master:
        return unseen(HttpResponseRedirect(absolute_url(here.master_host, request.get_full_path())))
    answer = {"state": request.GET["st"], "iss": here.host}
    if mall_id is not None:  # the master, where it asks, is told that this host knows nobody: it makes an id itself
        grant = codes.Grant(here.community, mall_id, client.host, request.GET["ch"], here.host)
        try:
            answer["code"] = codes.put(current_store(), grant)
        except StoreUnavailable:
            logger.warning("No hand-off to %s: the store keeps no code.", client.host)
            return unseen(HttpResponseRedirect(absolute_url(client.host, paths.without_id(state.path))))
    return unseen(HttpResponseRedirect(absolute_url(client.host, f"{paths.FINISH}?{urlencode(answer)}")))


def read_question(request: HttpRequest, here: Member) -> tuple[Member, State]:
    """Who asks, and its state. A peer that knew nobody forwards its question, so the master answers for any authority.

    Raise BadQuestion or BadState.
    """
    client = registry.resolve(request.GET.get("m", ""))
    challenge = request.GET.get("ch", "")
    if client is None or client.community_id != here.community_id or client.host == here.host or client.canonical_host:
        raise BadQuestion("Who asks is no other member of this community.")
    if not CHALLENGE.fullmatch(challenge):
        raise BadQuestion("There is no challenge in this question.")
    state = State.unseal(request.GET.get("st", ""), client)
    if state.challenge != challenge[:PREFIX_LENGTH] or (state.authority != here.host and not here.is_master):
        raise BadQuestion("This state belongs to another question.")
    return client, state


def finish(request: HttpRequest) -> HttpResponse:
    """Take the answer: only for the browser that asked, from whom it asked, once; then show the page."""
    client: Member = request.mall.member  # type: ignore[attr-defined]  # HostGate's
    if refused := refuse(request):
        return refused
    sealed = request.GET.get("state", "")
    try:
        state = State.unseal(sealed, client)
    except BadState as error:
        return bad_request(str(error))
    breaker_of(client.community_id).came_back()
    kept = verifier.read(request, client)
    if kept is None:
        # The cookie that the first redirect set did not come along: this browser keeps none.
        return unseen(SeeOther(paths.without_id(state.path)))
    grant = take_grant(request, client, state, kept)
    if grant is None:
        return try_again(request, client, state)
    response = unseen(SeeOther(state.path))
    if client.is_master:
        adopting.absorb(request, grant.mall_id)
    else:
        adopting.adopt(request, response, grant.mall_id)
    return response


def id_here(request: HttpRequest) -> str | None:
    """The visitor's id; the master makes one where there is none. An id that a member made for itself is not told."""
    mall = request.mall  # type: ignore[attr-defined]  # HostGate's
    if mall.id is not None and not mall.is_local:
        return str(mall.id)
    return adopting.make_id(request) if mall.is_master else None


def take_grant(request: HttpRequest, client: Member, state: State, kept: verifier.Verifier) -> codes.Grant | None:
    """The grant behind the code where everything about it fits; a code is gone once it was taken."""
    issuer = request.GET.get("iss", "")
    if state.stale or state.challenge != kept.challenge[:PREFIX_LENGTH]:
        return None
    if issuer not in {state.authority, client.master_host}:
        return None
    try:
        grant = codes.take(current_store(), request.GET.get("code", ""))
    except StoreUnavailable:
        return None
    expected = (client.community, client.host, kept.challenge, issuer)
    if grant is None or (grant.community, grant.client, grant.challenge, grant.issuer) != expected:
        return None
    return grant


def try_again(request: HttpRequest, client: Member, state: State) -> HttpResponse:
    """Ask the master once more; after that the page comes without an id, for a while. The master needs nobody."""
    kept = verifier.read(request, client)
    if state.attempt == 0 and "code" in request.GET and not (kept and kept.exhausted):
        authority = state.authority if client.is_master else client.master_host
        return redirect_to(authority, request, client, state.path, attempt=1)
    if client.is_master:
        adopting.make_id(request)
        return unseen(SeeOther(state.path))
    response = unseen(SeeOther(paths.without_id(state.path)))
    verifier.give_up(response, client)
    return response


def refuse(request: HttpRequest) -> HttpResponse | None:
    """Only a person's own top-level GET: a frame, an image, a script or a prefetch would act unseen."""
    if request.method != "GET":
        response = HttpResponse("Only GET.\n", status=HTTPStatus.METHOD_NOT_ALLOWED, content_type="text/plain")
        response["Allow"] = "GET"
        return unseen(response)
    if not navigation.may_be_top_level(request):
        return bad_request("Only a page's own address leads here.")
    return None


def bad_request(reason: str) -> HttpResponse:
    return unseen(HttpResponse(f"{reason}\n", status=HTTPStatus.BAD_REQUEST, content_type="text/plain"))

"""The endpoints of a hand-off, on every host of a community alike: the authorization endpoint and the callback."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.http import Http404, HttpResponse, HttpResponseRedirect

from sessions_farm.communities.handoff import (
    audit,
    codes,
    concurrent_tabs,
    former_master,
    merge,
    navigation,
    paths,
    rate_limit,
    verifier,
)
from sessions_farm.communities.handoff.audit import Outcome, RefusalReason
from sessions_farm.communities.handoff.errors import HandoffRefusedError
from sessions_farm.communities.handoff.initiate import redirect_to_authority
from sessions_farm.communities.handoff.responses import SeeOther, confidential
from sessions_farm.communities.handoff.state import CHALLENGE_PREFIX, HandoffState
from sessions_farm.communities.handoff.verifier import CHALLENGE
from sessions_farm.communities.links import absolute_url
from sessions_farm.communities.registry import Member, registry
from sessions_farm.stores import current_store
from sessions_farm.stores.base import StoreUnavailableError

if TYPE_CHECKING:
    from sessions_farm.communities.context import MallRequest

logger = logging.getLogger(__name__)


def health(_request: MallRequest) -> HttpResponse:
    """Answer the health probes of the farm's own nodes: this host is reached, and its node answers."""
    response = HttpResponse("ok\n", content_type="text/plain")
    response["Cache-Control"] = "no-store"
    return response


def authorize(request: MallRequest) -> HttpResponse:
    """Give another host of this community the visitor's id, by a code that goes through the browser.

    The authorization endpoint. The callback's address is built from the registry and the client's own signed state; no
    input names it, so there is no open redirect.
    """
    here = served_member(request)
    try:
        require_page(request)
        client, state = read_question(request, here)
    except HandoffRefusedError as error:
        return refusal_response(request, error)
    if state.is_stale:
        audit.record(request, Outcome.STATE_EXPIRED)
        return confidential(HttpResponseRedirect(absolute_url(client.host, state.path)))
    if host := host_to_forward_to(request, here, client):
        audit.record(request, Outcome.FORWARDED, f"{host} is asked for {client.host}.")
        question = former_master.marked(request.get_full_path(), here)
        return confidential(HttpResponseRedirect(absolute_url(host, question)))
    if here.is_master and shareable_id(request, client) is None and should_retry(request, here):
        return retry_here(request, here)
    if reason := answer_blocked_reason(request, is_limited=not client.is_master):
        audit.record(request, reason)
        return return_without_code(client, state)
    return return_with_code(request, here, client, state)


def should_retry(request: MallRequest, here: Member) -> bool:
    """Return whether the browser has, or may soon have, another cookie of the master than this request came with."""
    mall = request.mall
    may_have_another = mall.in_grace or not concurrent_tabs.is_first(request, here, concurrent_tabs.By.CODE)
    was_long = former_master.was_asked(request)  # the browser had time enough
    return may_have_another and not was_long and concurrent_tabs.retries_of(request) < concurrent_tabs.MAX_RETRIES


def retry_here(request: MallRequest, here: Member) -> HttpResponse:
    """Redirect the browser to this same endpoint once more, with the cookie that another tab may have brought."""
    audit.record(request, Outcome.RETRIED_AT_MASTER)
    question = request.GET.copy()
    question[paths.RETRIES] = str(concurrent_tabs.retries_of(request) + 1)
    return confidential(HttpResponseRedirect(absolute_url(here.host, f"{request.path}?{question.urlencode()}")))


def read_question(request: MallRequest, here: Member) -> tuple[Member, HandoffState]:
    """Return the client host and its state.

    A peer that knows no id forwards its question, so the master answers for any authority, and the former master too.

    Raise HandoffRefusedError.
    """
    client = registry.resolve(request.GET.get("m", ""))
    challenge = request.GET.get("ch", "")
    if client is None or client.community_id != here.community_id or client.host == here.host or client.canonical_host:
        raise HandoffRefusedError(RefusalReason.UNKNOWN_CLIENT)
    if not CHALLENGE.fullmatch(challenge):
        raise HandoffRefusedError(RefusalReason.INVALID_CHALLENGE)
    state = HandoffState.unseal(request.GET.get("st", ""), client)
    may_answer = here.host in {state.authority, *former_master.authorities_of(here)}
    if state.challenge != challenge[:CHALLENGE_PREFIX] or not may_answer:
        raise HandoffRefusedError(RefusalReason.STATE_MISMATCH)
    return client, state


def host_to_forward_to(request: MallRequest, here: Member, client: Member) -> str:
    """Return the host to forward the question to; '' where this one answers it."""
    if shareable_id(request, client) is not None or client.is_master:
        return ""
    return former_master.forwarded_to(request, here, client) if here.is_master else here.master_host


def answer_blocked_reason(request: MallRequest, *, is_limited: bool = True) -> RefusalReason | None:
    """Return the reason against any code for this request: a rotation under way, or the rate limit.

    An answer to the master is not limited: it is on the way to the till.
    """
    if request.mall.in_grace:
        return RefusalReason.IN_GRACE
    is_allowed = not is_limited or rate_limit.allow(request, rate_limit.answers)
    return None if is_allowed else RefusalReason.RATE_LIMITED


def return_with_code(request: MallRequest, here: Member, client: Member, state: HandoffState) -> HttpResponse:
    """Redirect to the client's callback, with a code if this host knows an id or is the master and makes one."""
    mall_id = shareable_id(request, client) or (merge.make_id(request) if here.is_master else None)
    answer = {"state": request.GET["st"], "iss": here.host}
    if retries := concurrent_tabs.retries_of(request):
        answer[paths.RETRIES] = str(retries)
    if mall_id is None:  # the master, where it asks, learns that this host has no id: it makes one itself
        audit.record(request, Outcome.UNKNOWN_VISITOR)
    else:
        grant = codes.Grant(here.community, mall_id, client.host, request.GET["ch"], here.host)
        try:
            answer["code"] = codes.issue_code(current_store(), grant)
        except StoreUnavailableError:
            logger.warning("No hand-off to %s: the store keeps no code.", client.host)
            audit.record(request, RefusalReason.STORE_UNAVAILABLE)
            return return_without_code(client, state)
        audit.record(request, Outcome.CODE_ISSUED, f"{client.host} asked.")
    return confidential(HttpResponseRedirect(absolute_url(client.host, f"{paths.CALLBACK}?{urlencode(answer)}")))


def return_without_code(client: Member, state: HandoffState) -> HttpResponse:
    """Redirect to the client's page, to be served without an id."""
    return confidential(HttpResponseRedirect(absolute_url(client.host, paths.without_id(state.path))))


def callback(request: MallRequest) -> HttpResponse:
    """Redeem the code and redirect to the page: for the browser that asked, from the host that was asked, once."""
    client = served_member(request)
    try:
        require_page(request)
        state = HandoffState.unseal(request.GET.get("state", ""), client)
    except HandoffRefusedError as error:
        return refusal_response(request, error)
    kept = verifier.verifier_in(request, client)
    if kept is None:
        # The cookie that the first redirect set did not come along: this browser keeps none.
        audit.record(request, Outcome.COOKIES_OFF)
        return confidential(SeeOther(paths.without_id(state.path)))
    try:
        grant = redeem_grant(request, client, state, kept)
    except HandoffRefusedError as error:
        audit.record(request, error.reason)
        return retry_handoff(request, client, state, kept)
    response = confidential(SeeOther(state.path))
    if retries := concurrent_tabs.retries_of(request):  # the way was longer: so this browser may begin fewer
        verifier.set_verifier(response, client, kept.count(retries))
    if client.is_master and request.mall.in_grace:
        return response  # the browser has another id of the master by now
    if former_master.keeps_id(client, grant.issuer):
        audit.record(request, Outcome.FINISHED, f"{grant.issuer} answered.")
        merge.set_session_id(request, response, grant.mall_id)
    else:
        audit.record(request, Outcome.MERGED, f"{grant.issuer} answered.")
        merge.merge_into_master(request, grant.mall_id)
    return response


def shareable_id(request: MallRequest, client: Member) -> str | None:
    """Return the visitor's id, as the client may learn it.

    An id that a member made for itself goes to the master alone, which merges its session into one of its own id.
    """
    mall = request.mall
    return mall.id if client.is_master or not mall.is_local else None


def redeem_grant(request: MallRequest, client: Member, state: HandoffState, kept: verifier.Verifier) -> codes.Grant:
    """Return the grant behind the code if each of its parts fits; a code is gone once it was redeemed.

    Raise HandoffRefusedError.
    """
    issuer = request.GET.get("iss", "")
    if state.is_stale:
        raise HandoffRefusedError(RefusalReason.STATE_EXPIRED)
    if state.challenge != kept.challenge[:CHALLENGE_PREFIX]:
        raise HandoffRefusedError(RefusalReason.VERIFIER_MISMATCH)
    if issuer not in {state.authority, *former_master.authorities_of(client)}:
        raise HandoffRefusedError(RefusalReason.ISSUER_MISMATCH)
    try:
        grant = codes.redeem_code(current_store(), request.GET.get("code", ""))
    except StoreUnavailableError as error:
        raise HandoffRefusedError(RefusalReason.STORE_UNAVAILABLE) from error
    if grant is None:
        raise HandoffRefusedError(RefusalReason.UNKNOWN_CODE)
    expected = (client.community, client.host, kept.challenge, issuer)
    if (grant.community, grant.client, grant.challenge, grant.issuer) != expected:
        raise HandoffRefusedError(RefusalReason.GRANT_MISMATCH)
    return grant


def retry_handoff(request: MallRequest, client: Member, state: HandoffState, kept: verifier.Verifier) -> HttpResponse:
    """Ask the master once more; after that serve the page without an id for a while. The master makes an id itself."""
    if state.attempt == 0 and "code" in request.GET and not kept.is_exhausted(client):
        audit.record(request, Outcome.RETRIED)
        authority = state.authority if client.is_master else client.master_host
        return redirect_to_authority(authority, request, client, state.path, attempt=1)
    if client.is_master:
        if not request.mall.in_grace:
            merge.make_id(request)
        return confidential(SeeOther(state.path))
    audit.record(request, Outcome.GAVE_UP)
    response = confidential(SeeOther(paths.without_id(state.path)))
    verifier.give_up(response, client)
    return response


def served_member(request: MallRequest) -> Member:
    """Return the member host that a request was sent to. Raise Http404 where no community is served."""
    member = request.mall.member
    if member is None:
        raise Http404
    return member


def require_page(request: MallRequest) -> None:
    """Let only a person's own top-level GET pass: a frame, an image, a script or a prefetch would act unseen.

    Raise HandoffRefusedError.
    """
    if request.method != "GET":
        raise HandoffRefusedError(RefusalReason.METHOD)
    if not navigation.may_be_top_level(request):
        raise HandoffRefusedError(RefusalReason.NOT_TOP_LEVEL)


def refusal_response(request: MallRequest, error: HandoffRefusedError) -> HttpResponse:
    """Return the error's text as a 400, or a 405 for another method than GET."""
    audit.record(request, error.reason, str(error))
    is_method = error.reason is RefusalReason.METHOD
    status = HTTPStatus.METHOD_NOT_ALLOWED if is_method else HTTPStatus.BAD_REQUEST
    response = confidential(HttpResponse(f"{error}\n", status=status, content_type="text/plain"))
    if is_method:
        response["Allow"] = "GET"
    return response

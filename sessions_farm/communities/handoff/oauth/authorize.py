"""Members outside the farm: OAuth 2.0's code flow with PKCE, on the master, for a visitor whom nobody asks anything.

An outside site sends its visitor here, gets a code through the browser, and redeems it from its own server (RFC 6749,
RFC 7636, RFC 9207; any OAuth client library will do). It learns ``sub``, one name for the visitor that is the same for
every member outside and useless elsewhere, never the mall id; and what the project tells (``EXTERNAL_FACTS``).
"""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from sessions_farm.communities.context import Mall
from sessions_farm.communities.handoff import audit, codes, merge
from sessions_farm.communities.handoff.audit import Outcome, Refusal
from sessions_farm.communities.handoff.endpoints import (
    Refused,
    hindrance_of_answer,
    is_to_come_again,
    once_more,
    refused,
    require_page,
)
from sessions_farm.communities.handoff.initiate import unseen
from sessions_farm.communities.handoff.verifier import CHALLENGE
from sessions_farm.communities.links import origin
from sessions_farm.communities.registry import ExternalMember, Member, registry
from sessions_farm.stores import current_store
from sessions_farm.stores.base import StoreUnavailableError

LONGEST_STATE = 1500  # characters that still make an address every browser takes


def authorize(request: HttpRequest) -> HttpResponse:
    """The authorization endpoint (RFC 6749, 3.1). Shows no page: the answer is a redirect to the one known callback."""
    here: Member = request.mall.member  # type: ignore[attr-defined]  # HostGate's
    try:
        require_page(request)
        client = client_of(request, here)
    except Refused as error:
        return refused(request, error)
    if fault := error_in(request):
        return answer(request, client, here, error=fault)
    mall: Mall = request.mall  # type: ignore[attr-defined]  # HostGate's
    if mall.id is None and is_to_come_again(request, here):
        return once_more(request, here)
    if fault := hindrance(request, here):
        return answer(request, client, here, error=fault)
    known = None if mall.is_local else mall.id
    grant = codes.Grant(
        here.community, known or merge.make_id(request), client.host, request.GET["code_challenge"], here.host
    )
    try:
        code = codes.put(current_store(), grant)
    except StoreUnavailableError:
        audit.note(request, Refusal.STORE)
        return answer(request, client, here, error="temporarily_unavailable")
    audit.note(request, Outcome.TOLD_OUTSIDE, f"{client.host} asked.")
    return answer(request, client, here, code=code)


def client_of(request: HttpRequest, here: Member) -> ExternalMember:
    """Who asks; ``redirect_uri`` may be left out, and else is the callback to the letter. Raise Refused.

    Nobody is redirected to an address that was not registered (RFC 9700, 4.1).
    """
    client = registry.external_member(request.GET.get("client_id", ""))
    if client is None or client.community_id != here.community_id or not here.is_master:
        raise Refused(Refusal.CLIENT, "client_id is no member outside the farm that this host serves.")
    if request.GET.get("redirect_uri", client.callback) != client.callback:
        raise Refused(Refusal.CLIENT, f"redirect_uri is not the one that is registered for {client.host}.")
    return client


def error_in(request: HttpRequest) -> str:
    """What is wrong with the question, in OAuth's words; '' for nothing."""
    if request.GET.get("response_type") != "code":
        return "unsupported_response_type"
    state = request.GET.get("state", "")
    right = (
        CHALLENGE.fullmatch(request.GET.get("code_challenge", ""))
        and request.GET.get("code_challenge_method") == "S256"
        and 0 < len(state) <= LONGEST_STATE
    )
    return "" if right else "invalid_request"


def hindrance(request: HttpRequest, here: Member) -> str:
    """Why the visitor is not told of now, in OAuth's words; '' where they are."""
    if request.headers.get("Sec-GPC") == "1":  # "do not share" is just this
        audit.note(request, Refusal.PRIVACY)
        return "access_denied"
    if here.is_paused:
        return "temporarily_unavailable"
    if hindered := hindrance_of_answer(request):
        audit.note(request, hindered)
        return "temporarily_unavailable"
    return ""


def answer(request: HttpRequest, client: ExternalMember, here: Member, **said: str) -> HttpResponse:
    query = urlencode({**said, "state": request.GET.get("state", "")[:LONGEST_STATE], "iss": origin(here.host)})
    return unseen(HttpResponseRedirect(f"{client.callback}{'&' if '?' in client.callback else '?'}{query}"))

"""The OAuth authorization endpoint, on the master: no consent is asked, for the visitor stays a number.

An outside site redirects its visitor here, gets a code through the browser, and redeems it from its own server; any
OAuth client library will do. It learns ``sub``, one name for the visitor that is the same for every member outside and
useless elsewhere, never the mall id; and the facts that the project adds (``EXTERNAL_FACTS``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect

from sessions_farm.communities.handoff import audit, codes, merge
from sessions_farm.communities.handoff.audit import Outcome, RefusalReason
from sessions_farm.communities.handoff.endpoints import (
    answer_blocked_reason,
    refusal_response,
    require_page,
    retry_here,
    served_member,
    should_retry,
)
from sessions_farm.communities.handoff.errors import HandoffRefusedError
from sessions_farm.communities.handoff.responses import confidential
from sessions_farm.communities.handoff.verifier import CHALLENGE
from sessions_farm.communities.links import origin
from sessions_farm.communities.registry import ExternalMember, Member, registry
from sessions_farm.stores import current_store
from sessions_farm.stores.base import StoreUnavailableError

if TYPE_CHECKING:
    from sessions_farm.communities.context import MallRequest

MAX_STATE_LENGTH = 1500  # characters that still make an address every browser takes


def oauth_authorize(request: MallRequest) -> HttpResponse:
    """Redirect to the client's registered callback with a code, or an error (RFC 6749, 3.1). No page is shown."""
    here = served_member(request)
    try:
        require_page(request)
        client = registered_client(request, here)
    except HandoffRefusedError as error:
        return refusal_response(request, error)
    if fault := request_error(request):
        return callback_redirect(request, client, here, error=fault)
    mall = request.mall
    if mall.id is None and should_retry(request, here):
        return retry_here(request, here)
    if fault := blocked_error(request, here):
        return callback_redirect(request, client, here, error=fault)
    known = None if mall.is_local else mall.id
    grant = codes.Grant(
        here.community, known or merge.make_id(request), client.host, request.GET["code_challenge"], here.host
    )
    try:
        code = codes.issue_code(current_store(), grant)
    except StoreUnavailableError:
        audit.record(request, RefusalReason.STORE_UNAVAILABLE)
        return callback_redirect(request, client, here, error="temporarily_unavailable")
    audit.record(request, Outcome.OAUTH_CODE_ISSUED, f"{client.host} asked.")
    return callback_redirect(request, client, here, code=code)


def registered_client(request: MallRequest, here: Member) -> ExternalMember:
    """Return the client; its ``redirect_uri`` may be left out, and else is the registered callback to the letter.

    An open redirect would be any other address (RFC 9700, 4.1). Raise HandoffRefusedError.
    """
    client = registry.external_member(request.GET.get("client_id", ""))
    if client is None or client.community_id != here.community_id or not here.is_master:
        raise HandoffRefusedError(
            RefusalReason.UNKNOWN_CLIENT, "client_id is no member outside the farm that this host serves."
        )
    if request.GET.get("redirect_uri", client.callback) != client.callback:
        raise HandoffRefusedError(
            RefusalReason.UNKNOWN_CLIENT, f"redirect_uri is not the one that is registered for {client.host}."
        )
    return client


def request_error(request: MallRequest) -> str:
    """Return OAuth's error code for a malformed request; '' for a good one."""
    if request.GET.get("response_type") != "code":
        return "unsupported_response_type"
    state = request.GET.get("state", "")
    is_valid = (
        CHALLENGE.fullmatch(request.GET.get("code_challenge", ""))
        and request.GET.get("code_challenge_method") == "S256"
        and 0 < len(state) <= MAX_STATE_LENGTH
    )
    return "" if is_valid else "invalid_request"


def blocked_error(request: MallRequest, here: Member) -> str:
    """Return OAuth's error code where the visitor's name is not given now; '' where it is."""
    if request.headers.get("Sec-GPC") == "1":  # "do not share" is just this
        audit.record(request, RefusalReason.PRIVACY_CONTROL)
        return "access_denied"
    if here.is_paused:
        return "temporarily_unavailable"
    if reason := answer_blocked_reason(request):
        audit.record(request, reason)
        return "temporarily_unavailable"
    return ""


def callback_redirect(request: MallRequest, client: ExternalMember, here: Member, **answer: str) -> HttpResponse:
    """Return the redirect to the client's callback, with its state and our issuer identifier (RFC 9207)."""
    query = urlencode({**answer, "state": request.GET.get("state", "")[:MAX_STATE_LENGTH], "iss": origin(here.host)})
    return confidential(HttpResponseRedirect(f"{client.callback}{'&' if '?' in client.callback else '?'}{query}"))

"""The authorization endpoint, on the master: no consent is asked, for the visitor stays a number.

An outside site redirects its visitor here, gets a code through the browser, and redeems it from its own server; any
OpenID Connect client library will do. Only GET: a form of another site would come without the visitor's cookie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse, HttpResponseRedirect
from oauthlib.common import add_params_to_uri
from oauthlib.oauth2.rfc6749.errors import FatalClientError, OAuth2Error

from sessions_farm.communities.handoff import audit, merge
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
from sessions_farm.communities.links import origin
from sessions_farm.communities.openid import codes
from sessions_farm.communities.openid.protocol import MAX_LENGTH, Protocol, description_of
from sessions_farm.communities.registry import Member
from sessions_farm.stores import current_store
from sessions_farm.stores.base import StoreUnavailableError

if TYPE_CHECKING:
    from oauthlib.common import Request

    from sessions_farm.communities.context import MallRequest


def authorize(request: MallRequest) -> HttpResponse:
    """Redirect to the client's registered address with a code, or an error (RFC 6749, 3.1). No page is shown."""
    here = served_member(request)
    try:
        require_page(request)
        question = read_question(request, here)
    except HandoffRefusedError as error:
        return refusal_response(request, error)
    except OAuth2Error as error:
        audit.record(request, RefusalReason.INVALID_QUESTION, str(error.error))
        return error_redirect(request, here, str(error.redirect_uri), str(error.error), description_of(error))
    mall = request.mall
    if mall.id is None and should_retry(request, here):
        return retry_here(request, here)
    if blocked := blocked_reason(request, here):
        return refuse(request, here, question, blocked)
    known = None if mall.is_local else mall.id
    grant = codes.Grant(known or merge.make_id(request), question.nonce or "", " ".join(question.scopes))
    try:
        code = codes.issue_code(current_store(), binding_of(request, here, question), grant)
    except StoreUnavailableError:
        return refuse(request, here, question, RefusalReason.STORE_UNAVAILABLE)
    audit.record(request, Outcome.MEMBER_CODE_ISSUED, f"{question.client_id} asked.")
    return answer_redirect(request, here, question.redirect_uri, code=code)


def read_question(request: MallRequest, here: Member) -> Request:
    """Return the valid question of an external member, its ``redirect_uri`` filled in.

    Raise HandoffRefusedError where it names no client or address that is registered, and the browser is sent nowhere;
    OAuth2Error for a fault that the client is told.
    """
    address = f"https://{here.host}{request.path}?{request.GET.urlencode()}"
    try:
        _, found = Protocol(here).validate_authorization_request(address)
    except OAuth2Error as error:
        if error.redirect_uri and not isinstance(error, FatalClientError):
            raise
        raise HandoffRefusedError(RefusalReason.UNKNOWN_CLIENT, f"{error.error}: {description_of(error)}") from error
    question: Request = found["request"]
    return question


def binding_of(request: MallRequest, here: Member, question: Request) -> codes.Binding:
    """Return the binding of the code, to the address as the client gave it: it repeats it when it redeems."""
    where = request.GET.get("redirect_uri", "")
    return codes.Binding(here.community, here.host, question.client_id, where, question.code_challenge)


def blocked_reason(request: MallRequest, here: Member) -> RefusalReason | None:
    """Return the reason for which the visitor's name is not given now; None where it is."""
    if request.headers.get("Sec-GPC") == "1":  # "do not share" is just this
        return RefusalReason.PRIVACY_CONTROL
    if here.is_paused:
        return RefusalReason.PAUSED
    return answer_blocked_reason(request)


def refuse(request: MallRequest, here: Member, question: Request, reason: RefusalReason) -> HttpResponse:
    """Return the redirect that tells the client of a refusal."""
    audit.record(request, reason)
    error = "access_denied" if reason is RefusalReason.PRIVACY_CONTROL else "temporarily_unavailable"
    return error_redirect(request, here, question.redirect_uri, error, reason.value)


def error_redirect(request: MallRequest, here: Member, to: str, error: str, description: str) -> HttpResponse:
    """Return the redirect with an error by its name and in words (RFC 6749, 4.1.2.1)."""
    return answer_redirect(request, here, to, error=error, error_description=description)


def answer_redirect(request: MallRequest, here: Member, to: str, **answer: str) -> HttpResponse:
    """Return the redirect to the client's address, with its state and our issuer identifier (RFC 9207)."""
    if state := request.GET.get("state", "")[: MAX_LENGTH["state"]]:
        answer["state"] = state
    answer["iss"] = origin(here.host)
    return confidential(HttpResponseRedirect(add_params_to_uri(to, list(answer.items()))))

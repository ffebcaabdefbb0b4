"""The token endpoint, for external members' servers: a code for an access token and an ID token. No cookie counts.

RFC 6749, 3.2, with PKCE (RFC 7636); OpenID Connect Core 1.0, 3.1.3.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.db import DatabaseError
from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from sessions_farm.communities.handoff import audit
from sessions_farm.communities.handoff.audit import Outcome, RefusalReason
from sessions_farm.communities.handoff.endpoints import served_member
from sessions_farm.communities.openid import signing_keys
from sessions_farm.communities.openid.protocol import DESCRIPTIONS, Protocol
from sessions_farm.communities.openid.responses import error_response, no_store_json, store_unavailable
from sessions_farm.communities.registry import Member
from sessions_farm.stores.base import StoreUnavailableError

if TYPE_CHECKING:
    from sessions_farm.communities.context import MallRequest


@csrf_exempt
def token(request: MallRequest) -> HttpResponse:
    """Redeem a code for the client that authenticates, in the header or in the form."""
    here = served_member(request)
    if request.method != "POST":
        allow = {"Allow": "POST"}
        status = HTTPStatus.METHOD_NOT_ALLOWED
        return error_response(request, RefusalReason.METHOD, "invalid_request", "Only POST leads here.", status, allow)
    try:
        said = redeem(request, here)
    except (StoreUnavailableError, DatabaseError):
        return store_unavailable(request)
    if "error" in said:
        return refusal(request, here, said)
    audit.record(request, Outcome.MEMBER_CODE_REDEEMED)
    return no_store_json(said)


def redeem(request: MallRequest, here: Member) -> Mapping[str, str]:
    """Return what OAuthLib answers. Raise StoreUnavailableError, or DatabaseError while nothing is spent."""
    protocol = Protocol(here, signing_keys.signer(here.community_id))
    query = f"?{request.GET.urlencode()}" if request.GET else ""
    headers = {"Authorization": request.headers["Authorization"]} if "Authorization" in request.headers else {}
    try:
        _, body, _ = protocol.create_token_response(
            f"https://{here.host}{request.path}{query}", "POST", request.POST.urlencode(), headers
        )
    except OAuth2Error as error:
        body = error.json
    said: Mapping[str, str] = json.loads(body)
    return said


def refusal(request: MallRequest, here: Member, said: Mapping[str, str]) -> HttpResponse:
    """Return an error by its name and in words.

    A client that sent its secret in the form is not challenged: some libraries read nothing else of such an answer.
    """
    error = said["error"]
    description = said.get("error_description") or DESCRIPTIONS.get(error, "")
    if error != "invalid_client":
        return error_response(request, RefusalReason.INVALID_GRANT, error, description)
    if "Authorization" not in request.headers and "client_secret" in request.POST:
        return error_response(request, RefusalReason.INVALID_CLIENT, error, description)
    challenge = f'Basic realm="{here.host}", error="{error}", error_description="{description}"'
    headers = {"WWW-Authenticate": challenge}
    return error_response(request, RefusalReason.INVALID_CLIENT, error, description, HTTPStatus.UNAUTHORIZED, headers)

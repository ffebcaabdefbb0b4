"""The OAuth endpoints for the servers of members outside: a code for a token, and the token for the visitor.

The token endpoint (RFC 6749, 3.2, with PKCE) and one in the manner of OpenID Connect's UserInfo; no cookie counts here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote_plus

from django.http import HttpResponse, JsonResponse
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt

from sessions_farm.communities.conf import community_options
from sessions_farm.communities.handoff import audit, codes, verifier
from sessions_farm.communities.handoff.audit import Outcome, RefusalReason
from sessions_farm.communities.handoff.endpoints import served_member
from sessions_farm.communities.handoff.oauth import credentials
from sessions_farm.communities.models import Visitor
from sessions_farm.communities.registry import ExternalMember, Member, registry
from sessions_farm.session import ids, serializer
from sessions_farm.session.variables import SIGNED_IN
from sessions_farm.stores import current_store
from sessions_farm.stores.base import Reading, State, StoreUnavailableError, now_ms
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.web import tokens

if TYPE_CHECKING:
    from sessions_farm.communities.context import MallRequest

LIFETIME = 600  # seconds of an access token
PURPOSE = "oauth.access"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The right of a member outside to ask about a visitor.

    ``digests`` are the digests of the id under each of our keys, joined by dots: a new SECRET_KEY must not make a
    stranger of the visitor.
    """

    digests: str
    client: str

    def seal(self, community: str, now: float | None = None) -> str:
        """Return the token, bound to a community."""
        return tokens.seal(PURPOSE, f"{self.digests}~{self.client}", community, now=now)

    @classmethod
    def unseal(cls, token: str, community: str) -> Self | None:
        """Return the content of an authentic token of the community, at most LIFETIME old."""
        sealed = tokens.unseal(PURPOSE, token, community, max_age=LIFETIME)
        if sealed is None:
            return None
        digests, _, client = sealed.payload.partition("~")
        return cls(digests, client)


def subject_of(community: str, digests: str) -> str:
    """Return one name of the visitor for all members outside; it changes with the id, at a login and at a logout."""
    return tokens.mac("oauth.subject", community, digests.partition(".")[0])


@csrf_exempt
def oauth_token(request: MallRequest) -> HttpResponse:
    """Redeem a code: ``grant_type``, ``code``, ``code_verifier``; the client authenticates by HTTP Basic."""
    here = served_member(request)
    if request.method != "POST":
        allow = {"Allow": "POST"}
        return error_response(request, RefusalReason.METHOD, "invalid_request", HTTPStatus.METHOD_NOT_ALLOWED, allow)
    client = authenticated_client(request, here)
    if client is None:
        challenge = {"WWW-Authenticate": f'Basic realm="{here.host}"'}
        return error_response(
            request, RefusalReason.INVALID_CLIENT, "invalid_client", HTTPStatus.UNAUTHORIZED, challenge
        )
    if request.POST.get("grant_type") != "authorization_code":
        return error_response(request, RefusalReason.INVALID_GRANT, "unsupported_grant_type")
    try:
        grant = codes.redeem_code(current_store(), request.POST.get("code", ""))
    except StoreUnavailableError:
        return store_unavailable(request)
    secret = verifier.Verifier(request.POST.get("code_verifier", ""), 0)
    expected = (here.community, client.host, secret.challenge, here.host)
    if grant is None or (grant.community, grant.client, grant.challenge, grant.issuer) != expected:
        return error_response(request, RefusalReason.INVALID_GRANT, "invalid_grant")
    digests = ".".join(ids.digests_of(grant.mall_id))
    audit.record(request, Outcome.OAUTH_CODE_REDEEMED, client.host)
    return no_store_json(
        {
            "access_token": AccessToken(digests, client.host).seal(here.community),
            "token_type": "Bearer",
            "expires_in": LIFETIME,
            "sub": subject_of(here.community, digests),
        }
    )


def authenticated_client(request: MallRequest, here: Member) -> ExternalMember | None:
    """Return the member outside whose host and secret are the request's Basic credentials (RFC 6749, 2.3.1)."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    try:
        name, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    client = registry.external_member(unquote_plus(name))
    if client is None or client.community_id != here.community_id or not here.is_master:
        return None
    is_proven = scheme.lower() == "basic" and credentials.is_secret_of(unquote_plus(secret), client.secret_digest)
    return client if is_proven else None


def oauth_userinfo(request: MallRequest) -> HttpResponse:
    """Give a member outside ``sub``, ``signed_in`` and the project's facts of the visitor, for an access token."""
    here = served_member(request)
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    access = AccessToken.unseal(given, here.community) if scheme.lower() == "bearer" else None
    client = registry.external_member(access.client) if access else None
    if access is None or client is None or client.community_id != here.community_id or not here.is_master:
        return invalid_token(request)
    digests = access.digests.split(".")
    try:
        reading = load_first(digests)
    except StoreUnavailableError:
        return store_unavailable(request)
    if reading.state is State.ENDED:
        return invalid_token(request)  # signed in, signed out or merged since: ask the browser anew
    signed_in = serializer.decode(reading.variables.get(SIGNED_IN, "false"))
    return no_store_json(
        {
            "sub": subject_of(here.community, access.digests),
            "signed_in": bool(signed_in),
            **external_facts(digests, client),
        }
    )


def load_first(digests: list[str]) -> Reading:
    """Return the session under the first key that has one. Raise StoreUnavailableError."""
    readings = (run_sync(current_store().load(digest, now_ms())) for digest in digests)
    return next((found for found in readings if found.state is not State.ABSENT), Reading(State.ABSENT))


def external_facts(digests: list[str], client: ExternalMember) -> Mapping[str, Any]:
    """Return the facts of the project's own function, ``f(visitor or None, client)``."""
    path = community_options().external_facts
    if not path:
        return {}
    visitor = Visitor.objects.filter(keys__key_hash__in=digests).first()
    facts: Mapping[str, Any] = import_string(path)(visitor, client)
    return facts


def invalid_token(request: MallRequest) -> HttpResponse:
    """Return the refusal of an access token (RFC 6750, 3.1)."""
    challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return error_response(request, RefusalReason.INVALID_TOKEN, "invalid_token", HTTPStatus.UNAUTHORIZED, challenge)


def store_unavailable(request: MallRequest) -> HttpResponse:
    """Return a 503."""
    status = HTTPStatus.SERVICE_UNAVAILABLE
    return error_response(request, RefusalReason.STORE_UNAVAILABLE, "temporarily_unavailable", status)


def error_response(
    request: MallRequest,
    reason: RefusalReason,
    error: str,
    status: HTTPStatus = HTTPStatus.BAD_REQUEST,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Return an error as OAuth says it (RFC 6749, 5.2)."""
    audit.record(request, reason)
    return no_store_json({"error": error, "error_description": reason.value}, status, headers)


def no_store_json(
    content: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return JSON that no cache keeps."""
    return JsonResponse(dict(content), status=status, headers={"Cache-Control": "no-store", **(headers or {})})

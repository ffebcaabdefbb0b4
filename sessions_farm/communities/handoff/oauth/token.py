"""What a member outside the farm asks from its own server: the code for a token, and the token for the visitor.

The token endpoint (RFC 6749, 3.2, with PKCE) and one in the manner of OpenID Connect's UserInfo; no cookie counts here.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import unquote_plus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt

from sessions_farm.communities.conf import community_options
from sessions_farm.communities.handoff import audit, codes, verifier
from sessions_farm.communities.handoff.audit import Outcome, Refusal
from sessions_farm.communities.handoff.oauth import credentials
from sessions_farm.communities.models import Visitor
from sessions_farm.communities.registry import ExternalMember, Member, registry
from sessions_farm.session import ids, serializer
from sessions_farm.session.variables import SIGNED_IN
from sessions_farm.stores import current_store
from sessions_farm.stores.base import Reading, State, StoreUnavailableError, now_ms
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.web import tokens

LIFETIME = 600  # seconds that a token is good for


@dataclass(frozen=True, slots=True)
class Access:
    """That a member outside may ask about a visitor, signed for the member.

    ``handles`` is what may stand for the id at rest, under each of our keys, joined by dots: a new SECRET_KEY must not
    make a stranger of somebody.
    """

    handles: str
    client: str
    expires: int  # Unix seconds

    def seal(self, community: str) -> str:
        expires = f"{self.expires:x}"
        return f"{self.handles}~{self.client}~{expires}~{tokens.mac(use_of(community), self.handles, self.client, expires)}"

    @classmethod
    def unseal(cls, token: str, community: str) -> Self | None:
        """None for all but an authentic token whose time has not run out."""
        handles, client, expires, mac = (token.split("~") + [""] * 4)[:4]
        if not tokens.is_mac(mac, use_of(community), handles, client, expires):
            return None
        access = cls(handles, client, int(expires, 16))
        return access if time.time() <= access.expires else None


def use_of(community: str) -> str:
    return f"mall|{community}|access"


def subject_of(community: str, handles: str) -> str:
    """One name of the visitor for all members outside; it changes with the id, at a login and at a logout."""
    return tokens.mac(f"mall|{community}|subject", handles.partition(".")[0])


@csrf_exempt
def token(request: HttpRequest) -> HttpResponse:
    """Redeem a code: ``grant_type``, ``code``, ``code_verifier``; the client proves itself by HTTP Basic."""
    here: Member = request.mall.member  # type: ignore[attr-defined]  # HostGate's
    if request.method != "POST":
        return fault(request, Refusal.METHOD, "invalid_request", HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "POST"})
    client = proven_client(request, here)
    if client is None:
        challenge = {"WWW-Authenticate": f'Basic realm="{here.host}"'}
        return fault(request, Refusal.IMPOSTOR, "invalid_client", HTTPStatus.UNAUTHORIZED, challenge)
    if request.POST.get("grant_type") != "authorization_code":
        return fault(request, Refusal.REDEMPTION, "unsupported_grant_type")
    try:
        grant = codes.take(current_store(), request.POST.get("code", ""))
    except StoreUnavailableError:
        return fault(request, Refusal.STORE, "temporarily_unavailable", HTTPStatus.SERVICE_UNAVAILABLE)
    secret = verifier.Verifier(request.POST.get("code_verifier", ""), 0)
    expected = (here.community, client.host, secret.challenge, here.host)
    if grant is None or (grant.community, grant.client, grant.challenge, grant.issuer) != expected:
        return fault(request, Refusal.REDEMPTION, "invalid_grant")
    handles = ".".join(ids.digests_of(grant.mall_id))
    audit.note(request, Outcome.REDEEMED, client.host)
    return told(
        {
            "access_token": Access(handles, client.host, int(time.time()) + LIFETIME).seal(here.community),
            "token_type": "Bearer",
            "expires_in": LIFETIME,
            "sub": subject_of(here.community, handles),
        }
    )


def proven_client(request: HttpRequest, here: Member) -> ExternalMember | None:
    """The member outside whose host and secret the request's Basic credentials are (RFC 6749, 2.3.1)."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    try:
        name, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    client = registry.external_member(unquote_plus(name))
    if client is None or client.community_id != here.community_id or not here.is_master:
        return None
    right = scheme.lower() == "basic" and credentials.is_right(unquote_plus(secret), client.secret_digest)
    return client if right else None


def userinfo(request: HttpRequest) -> HttpResponse:
    """What a member outside may know of the visitor now: ``sub``, ``signed_in``, and the project's facts."""
    here: Member = request.mall.member  # type: ignore[attr-defined]  # HostGate's
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    access = Access.unseal(given, here.community) if scheme.lower() == "bearer" else None
    client = registry.external_member(access.client) if access else None
    if access is None or client is None or client.community_id != here.community_id or not here.is_master:
        return no_access(request)
    handles = access.handles.split(".")
    try:
        reading = reading_of(handles)
    except StoreUnavailableError:
        return fault(request, Refusal.STORE, "temporarily_unavailable", HTTPStatus.SERVICE_UNAVAILABLE)
    if reading.state is State.ENDED:
        return no_access(request)  # signed in, signed out or merged since: ask the browser anew
    signed_in = serializer.decode(reading.variables.get(SIGNED_IN, "false"))
    return told(
        {
            "sub": subject_of(here.community, access.handles),
            "signed_in": bool(signed_in),
            **facts_for(handles, client),
        }
    )


def reading_of(handles: list[str]) -> Reading:
    """The session under whichever of our keys it was kept. Raise StoreUnavailable."""
    readings = (run_sync(current_store().load(handle, now_ms())) for handle in handles)
    return next((found for found in readings if found.state is not State.ABSENT), Reading(State.ABSENT))


def facts_for(handles: list[str], client: ExternalMember) -> Mapping[str, Any]:
    """What the project tells: ``f(visitor or None, client)``."""
    path = community_options().external_facts
    if not path:
        return {}
    found: Mapping[str, Any] = import_string(path)(Visitor.objects.filter(keys__key_hash__in=handles).first(), client)
    return found


def no_access(request: HttpRequest) -> HttpResponse:
    challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    return fault(request, Refusal.ACCESS, "invalid_token", HTTPStatus.UNAUTHORIZED, challenge)


def fault(
    request: HttpRequest,
    why: Refusal,
    error: str,
    status: HTTPStatus = HTTPStatus.BAD_REQUEST,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """A refusal as OAuth says it (RFC 6749, 5.2)."""
    audit.note(request, why)
    return told({"error": error, "error_description": why.value}, status, headers)


def told(
    content: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    return JsonResponse(dict(content), status=status, headers={"Cache-Control": "no-store", **(headers or {})})

"""The UserInfo endpoint (OpenID Connect Core 1.0, 5.3), for the servers of external members. No cookie counts."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt

from sessions_farm.communities.conf import community_options
from sessions_farm.communities.handoff.audit import RefusalReason
from sessions_farm.communities.handoff.endpoints import served_member
from sessions_farm.communities.models import Visitor
from sessions_farm.communities.openid.access_tokens import AccessToken, is_signed_in
from sessions_farm.communities.openid.responses import error_response, no_store_json, store_unavailable
from sessions_farm.communities.openid.validator import client_of
from sessions_farm.communities.registry import ExternalMember
from sessions_farm.stores.base import StoreUnavailableError

if TYPE_CHECKING:
    from sessions_farm.communities.context import MallRequest


@csrf_exempt
def userinfo(request: MallRequest) -> HttpResponse:
    """Give ``sub``, ``signed_in`` and the project's facts of the visitor of an access token, by GET or POST."""
    here = served_member(request)
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    access = AccessToken.unseal(given, here.community) if scheme.lower() == "bearer" else None
    client = client_of(here, access.client) if access else None
    if access is None or client is None:
        return invalid_token(request)
    try:
        session = None if access.has_ended else access.read_session()
    except StoreUnavailableError:
        return store_unavailable(request)
    if session is None:  # signed in, signed out or merged since, or the code was used twice: ask the browser anew
        return invalid_token(request)
    facts = external_facts(access.digests.split("."), client)
    return no_store_json({**facts, "sub": access.sub, "signed_in": is_signed_in(session)})


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
    reason, error = RefusalReason.INVALID_TOKEN, "invalid_token"
    challenge = {"WWW-Authenticate": f'Bearer error="{error}", error_description="{reason.value}"'}
    return error_response(request, reason, error, reason.value, HTTPStatus.UNAUTHORIZED, challenge)

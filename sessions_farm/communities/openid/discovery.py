"""What clients read first, on the master alone: the server's metadata and its signing keys.

OpenID Connect Discovery 1.0 and RFC 8414 have one document, each at an address of its own.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError
from django.http import Http404, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from sessions_farm.communities.handoff.endpoints import served_member
from sessions_farm.communities.links import absolute_url, origin
from sessions_farm.communities.openid import signing_keys
from sessions_farm.communities.openid.validator import OPENID
from sessions_farm.communities.registry import Member

if TYPE_CHECKING:
    from sessions_farm.communities.context import MallRequest

MAX_AGE = 300  # seconds for which the metadata and the keys may be kept, less than signing_keys.LEAD


@require_safe
def metadata(request: MallRequest) -> HttpResponse:
    """Return the metadata of the server. Raise Http404 on any host but a master."""
    return public_json(metadata_of(served_master(request)))


@require_safe
def jwks(request: MallRequest) -> HttpResponse:
    """Return the public signing keys (RFC 7517). Raise Http404 on any host but a master."""
    try:
        keys = signing_keys.published_keys(served_master(request).community_id)
    except DatabaseError:
        return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
    return public_json({"keys": keys})


def metadata_of(master: Member) -> dict[str, Any]:
    """Return the metadata of a master (OpenID Connect Discovery 1.0, 3; RFC 8414, 2; RFC 9207, 3)."""
    return {
        "issuer": origin(master.host),
        "authorization_endpoint": _address(master, "authorize"),
        "token_endpoint": _address(master, "token"),
        "userinfo_endpoint": _address(master, "userinfo"),
        "jwks_uri": _address(master, "jwks"),
        "scopes_supported": [OPENID],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": [signing_keys.ALGORITHM],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nonce", "at_hash", "signed_in"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "authorization_response_iss_parameter_supported": True,
    }


def served_master(request: MallRequest) -> Member:
    """Return the master that a request was sent to. Raise Http404 for any other host."""
    member = served_member(request)
    if not member.is_master:
        raise Http404
    return member


def public_json(content: dict[str, Any]) -> HttpResponse:
    """Return JSON that any cache may keep for MAX_AGE."""
    return JsonResponse(content, headers={"Cache-Control": f"public, max-age={MAX_AGE}"})


def _address(master: Member, name: str) -> str:
    return absolute_url(master.host, reverse(f"openid:{name}"))

"""OAuthLib's endpoints for one request: the code flow alone, with PKCE, and what this server asks of it besides."""

from __future__ import annotations

import re
from typing import Any

from joserfc.jwk import RSAKey
from oauthlib.common import Request
from oauthlib.oauth2 import AuthorizationEndpoint, BearerToken, TokenEndpoint
from oauthlib.oauth2.rfc6749 import errors
from oauthlib.openid.connect.core.exceptions import LoginRequired, RequestNotSupported, RequestURINotSupported
from oauthlib.openid.connect.core.grant_types import AuthorizationCodeGrant

from sessions_farm.communities.handoff.verifier import CHALLENGE
from sessions_farm.communities.openid.access_tokens import LIFETIME
from sessions_farm.communities.openid.validator import MemberValidator
from sessions_farm.communities.registry import Member

MAX_LENGTH = {"state": 1500, "nonce": 500}  # characters that still make an address every browser takes
DESCRIPTIONS = {  # where OAuthLib gives none
    "invalid_client": "The client id, its secret, or the way of sending them is wrong.",
    "invalid_grant": "The code was used, is older than a minute, or is for another client, redirect_uri or verifier.",
    "login_required": "No page is shown here, and a visitor is no login: ask with prompt=none, or without prompt.",
    "server_error": "Something failed here.",
    "unauthorized_client": "The only response_type is code, and the only grant_type authorization_code.",
    "unsupported_grant_type": "The only grant_type is authorization_code.",
    "unsupported_response_type": "The only response_type is code.",
}


class Protocol(AuthorizationEndpoint, TokenEndpoint):  # type: ignore[misc]  # it has no types
    """The authorization endpoint and the token endpoint of a host."""

    def __init__(self, here: Member, signer: RSAKey | None = None) -> None:
        validator = MemberValidator(here, signer)
        bearer = BearerToken(validator, validator.seal_access_token, LIFETIME)
        grant = AuthorizationCodeGrant(
            validator,
            pre_auth=[require_supported, require_protection],
            pre_token=[require_verifier],
            refresh_token=False,
        )
        AuthorizationEndpoint.__init__(
            self, default_response_type="code", default_token_type=bearer, response_types={"code": grant}
        )
        TokenEndpoint.__init__(
            self,
            default_grant_type="authorization_code",
            default_token_type=bearer,
            grant_types={"authorization_code": grant},
        )


def require_supported(request: Request) -> dict[str, Any]:
    """Refuse what this server does not do."""
    request.claims = None  # single claims cannot be asked for: left out, as the metadata says
    prompts = set((request.prompt or "").split())
    if (prompts and "none" not in prompts) or request.max_age is not None:
        raise LoginRequired(request=request)
    if "request" in dict(request.uri_query_params):
        raise RequestNotSupported(request=request)
    if "request_uri" in dict(request.uri_query_params):
        raise RequestURINotSupported(request=request)
    if request.response_mode not in {None, "query"}:
        raise errors.InvalidRequestError("The only response_mode is query.", request=request)
    return {}


def require_protection(request: Request) -> dict[str, Any]:
    """Refuse a challenge that protects nothing, and what is too long to come back."""
    if request.code_challenge is not None and not CHALLENGE.fullmatch(request.code_challenge):
        raise errors.InvalidRequestError("code_challenge is no SHA-256 in base64url.", request=request)
    if request.code_challenge is not None and request.code_challenge_method != "S256":
        raise errors.InvalidRequestError("The only code_challenge_method is S256.", request=request)
    for name, most in MAX_LENGTH.items():
        if len(getattr(request, name) or "") > most:
            raise errors.InvalidRequestError(f"{name} is longer than {most} characters.", request=request)
    return {}


def require_verifier(request: Request) -> None:
    """Refuse a redemption without PKCE's verifier, before anything is looked up."""
    if not request.code_verifier:
        raise errors.MissingCodeVerifierError(request=request)


def description_of(error: errors.OAuth2Error) -> str:
    """Return the description of an error, in the characters that RFC 6749 allows (4.1.2.1, 5.2)."""
    return re.sub(r"[^ !#-\[\]-~]", "", error.description or DESCRIPTIONS.get(error.error or "", ""))

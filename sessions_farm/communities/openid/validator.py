"""What OAuthLib asks about external members: who they are, which codes are theirs, and whom a code names."""

from __future__ import annotations

import base64
import binascii
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from joserfc import jwt
from joserfc.jwk import RSAKey
from oauthlib.common import Request
from oauthlib.openid import RequestValidator

from sessions_farm.communities.handoff.verifier import Verifier
from sessions_farm.communities.links import origin
from sessions_farm.communities.openid import access_tokens, codes
from sessions_farm.communities.openid.access_tokens import AccessToken
from sessions_farm.communities.openid.client_secrets import is_secret_of
from sessions_farm.communities.openid.signing_keys import ALGORITHM
from sessions_farm.communities.registry import ExternalMember, Member, registry
from sessions_farm.stores import current_store
from sessions_farm.stores.base import Reading

OPENID = "openid"


def client_of(here: Member, client_id: str) -> ExternalMember | None:
    """Return the external member that a host serves under a client id; the community's master alone serves any."""
    client = registry.external_member(client_id)
    return client if client and here.is_master and client.community_id == here.community_id else None


@dataclass(frozen=True, slots=True)
class Redemption:
    """What a code gave."""

    access: AccessToken
    session: Reading
    nonce: str
    challenge: str


class MemberValidator(RequestValidator):  # type: ignore[misc]  # it has no types
    """The answers for one request to a host. ``signer`` signs ID tokens; the token endpoint alone needs it."""

    redemption: Redemption

    def __init__(self, here: Member, signer: RSAKey | None = None) -> None:
        super().__init__()
        self.here, self.signer = here, signer

    # The authorization endpoint.

    def validate_client_id(self, client_id: str, request: Request, *_args: Any, **_kwargs: Any) -> bool:
        request.client = client_of(self.here, client_id)
        return request.client is not None

    def validate_redirect_uri(
        self, client_id: str, redirect_uri: str, request: Request, *_args: Any, **_kwargs: Any
    ) -> bool:
        """Return whether an address is registered, to the letter: any other is an open redirect (RFC 9700, 4.1)."""
        return redirect_uri in request.client.redirect_uris

    def get_default_redirect_uri(self, client_id: str, request: Request, *_args: Any, **_kwargs: Any) -> str | None:
        """Return the address that is meant where none is given: the only one (RFC 6749, 3.1.2.3)."""
        registered: tuple[str, ...] = request.client.redirect_uris
        return registered[0] if len(registered) == 1 else None

    def validate_response_type(
        self, client_id: str, response_type: str, client: Any, request: Request, *_args: Any, **_kwargs: Any
    ) -> bool:
        return response_type == "code"

    def is_pkce_required(self, client_id: str, request: Request) -> bool:
        return True

    def get_default_scopes(self, client_id: str, request: Request, *_args: Any, **_kwargs: Any) -> list[str]:
        return []

    def validate_scopes(
        self, client_id: str, scopes: list[str], client: Any, request: Request, *_args: Any, **_kwargs: Any
    ) -> bool:
        """Leave out the scopes that are not known (OpenID Connect Core 1.0, 3.1.2.1)."""
        request.scopes = [OPENID] if OPENID in scopes else []
        return True

    def validate_silent_login(self, request: Request) -> bool:
        return True  # a visitor is whoever comes, and no page is ever shown

    def validate_silent_authorization(self, request: Request) -> bool:
        return True

    def validate_user_match(self, id_token_hint: str, scopes: Any, claims: Any, request: Request) -> bool:
        return True  # a hint binds nobody

    # The token endpoint.

    def authenticate_client(self, request: Request, *_args: Any, **_kwargs: Any) -> bool:
        """Find the client by its id and secret, in the header or in the form (RFC 6749, 2.3.1)."""
        client_id, secret = credentials_in(request)
        client = client_of(self.here, client_id)
        if client is None or not is_secret_of(secret, client) or (request.client_id or client_id) != client_id:
            return False
        request.client = client
        return True

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, request: Request, *_args: Any, **_kwargs: Any
    ) -> bool:
        return grant_type == "authorization_code"

    def validate_code(
        self, client_id: str, code: str, client: Any, request: Request, *_args: Any, **_kwargs: Any
    ) -> bool:
        """Redeem the code for this client, redirect_uri and verifier, and find its visitor's session."""
        challenge = Verifier(request.code_verifier, 0).challenge
        where = request.redirect_uri or ""
        binding = codes.Binding(self.here.community, self.here.host, client.host, where, challenge)
        grant = codes.redeem_code(current_store(), code, binding)
        if grant is None:
            return False
        access = AccessToken.of_visitor(grant.mall_id, self.here.community, client.host, codes.token_id(code))
        session = access.read_session()
        if session is None:  # signed in or out since: the browser is to be asked anew
            return False
        self.redemption = Redemption(access, session, grant.nonce, challenge)
        request.scopes = grant.scope.split() or None
        return True

    def get_code_challenge(self, code: str, request: Request) -> str:
        return self.redemption.challenge

    def get_code_challenge_method(self, code: str, request: Request) -> str:
        return "S256"

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: Any, request: Request, *_args: Any, **_kwargs: Any
    ) -> bool:
        return True  # the code is sealed for it

    def seal_access_token(self, request: Request, *, refresh_token: bool = False) -> str:
        """Return the token that OAuthLib puts into its answer."""
        return self.redemption.access.seal(self.here.community)

    def get_authorization_code_nonce(
        self, client_id: str, code: str, redirect_uri: str, request: Request
    ) -> str | None:
        return self.redemption.nonce or None

    def finalize_id_token(
        self, id_token: dict[str, Any], token: dict[str, Any], token_handler: Any, request: Request
    ) -> str:
        """Return the signed ID token (OpenID Connect Core 1.0, 2). ``signed_in`` alone speaks of a person."""
        assert self.signer is not None  # noqa: S101 -- of the token endpoint
        said = {
            "iss": origin(self.here.host),
            "sub": self.redemption.access.sub,
            "exp": int(time.time()) + access_tokens.LIFETIME,
            "signed_in": access_tokens.is_signed_in(self.redemption.session),
        }
        header = {"alg": ALGORITHM, "kid": self.signer.kid, "typ": "JWT"}
        return jwt.encode(header, id_token | said, self.signer, [ALGORITHM])

    def save_token(self, token: Any, request: Request, *_args: Any, **_kwargs: Any) -> None:
        """Keep nothing: tokens are sealed."""

    def invalidate_authorization_code(
        self, client_id: str, code: str, request: Request, *_args: Any, **_kwargs: Any
    ) -> None:
        """Do nothing: it was taken out of the store when it was validated."""


def credentials_in(request: Request) -> tuple[str, str]:
    """Return the client id and secret of a request, by one way alone; '' for each where there are none, or two."""
    header = request.headers.get("Authorization", "")
    if not header:
        return request.client_id or "", request.client_secret or ""
    scheme, _, given = header.partition(" ")
    if scheme.lower() != "basic" or request.client_secret is not None:
        return "", ""
    try:
        name, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return unquote_plus(name), unquote_plus(secret)

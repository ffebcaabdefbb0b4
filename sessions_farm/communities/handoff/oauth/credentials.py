"""Client secrets of members outside the farm: shown once, kept as a digest."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sessions_farm.communities.handoff.errors import NotExternalError
from sessions_farm.communities.models import Domain


def issue_secret(*, domain: Domain) -> str:
    """Give a member a new secret of 256 bits, and end the one that it had. Raise NotExternalError."""
    if domain.kind != Domain.Kind.EXTERNAL:
        raise NotExternalError(f"{domain} is {domain.get_kind_display()}; only a host outside the farm has a secret.")
    secret = secrets.token_urlsafe(32)
    Domain.objects.filter(pk=domain.pk).update(secret_digest=digest_of_secret(secret))
    domain.refresh_from_db()
    return secret


def digest_of_secret(secret: str) -> str:
    """Return the SHA-256 of a secret in hex: 256 random bits are not to be guessed, so no slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_secret_of(secret: str, digest: str) -> bool:
    """Return whether a digest is of a secret; False without a digest."""
    return bool(digest) and hmac.compare_digest(digest_of_secret(secret), digest)

"""Secrets of members outside the farm: shown once, kept as a digest."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from sessions_farm.communities.models import Domain


class NotExternalError(Exception):
    """Only a member outside the farm has a secret."""


def issue_secret(*, domain: Domain) -> str:
    """Give the member a new secret of 256 bits, and end the one that it had. Raise NotOutside."""
    if domain.kind != Domain.Kind.EXTERNAL:
        raise NotExternalError(f"{domain} is {domain.get_kind_display()}; only a host outside the farm has a secret.")
    secret = secrets.token_urlsafe(32)
    Domain.objects.filter(pk=domain.pk).update(secret_digest=digest_of(secret))
    domain.refresh_from_db()
    return secret


def digest_of(secret: str) -> str:
    """SHA-256 in hex: of 256 random bits there is nothing to guess, so no slow hash is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_right(secret: str, digest: str) -> bool:
    """Whether the digest is the secret's; never, where there is no digest."""
    return bool(digest) and hmac.compare_digest(digest_of(secret), digest)

"""Client secrets of external members: shown once, kept as digests; an old one overlaps with its successor."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import secrets
import time

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from sessions_farm.communities.errors import NotExternalError
from sessions_farm.communities.models import ClientSecret, Domain
from sessions_farm.communities.registry import ExternalMember

OVERLAP = datetime.timedelta(days=7)


@transaction.atomic
def issue_secret(*, domain: Domain, overlap: datetime.timedelta = OVERLAP) -> str:
    """Give a member a new secret of 256 bits; those that it had end after ``overlap``. Raise NotExternalError."""
    if domain.kind != Domain.Kind.EXTERNAL:
        raise NotExternalError(f"{domain} is {domain.get_kind_display()}; only a host outside the farm has a secret.")
    secret, now = secrets.token_urlsafe(32), timezone.now()
    domain.secrets.filter(ends_at__lte=now).delete()
    domain.secrets.filter(Q(ends_at=None) | Q(ends_at__gt=now + overlap)).update(ends_at=now + overlap)
    ClientSecret.objects.create(domain=domain, digest=digest_of_secret(secret), created_at=now)
    return secret


def end_older_secrets(*, domain: Domain) -> int:
    """End each secret of a member but the newest, now. Return how many."""
    newest = domain.secrets.order_by("-created_at", "-pk").values_list("pk", flat=True)[:1]
    ended, _ = domain.secrets.exclude(pk__in=list(newest)).delete()
    return ended


def is_secret_of(secret: str, client: ExternalMember) -> bool:
    """Return whether a secret is one of the client's, and has not ended."""
    digest, now = digest_of_secret(secret), time.time()
    return any(hmac.compare_digest(digest, kept) and (not ends or now < ends) for kept, ends in client.secrets)


def digest_of_secret(secret: str) -> str:
    """Return the SHA-256 of a secret in hex: 256 random bits are not to be guessed, so no slow hash is needed."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()

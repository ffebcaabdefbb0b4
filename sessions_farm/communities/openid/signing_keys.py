"""Signing keys: RSA key pairs (RS256) of a community, kept in the database and rotated by themselves.

RS256 is what clients take unless they are told otherwise (OpenID Connect Core 1.0, 15.1). A key is made when one is
first needed, on any node, under a lock. Its private part is encrypted at rest (Fernet) under a key that is derived
from SECRET_KEY; SECRET_KEY_FALLBACKS still open it, and where none does, a new key takes its place. A successor is
published for LEAD before it signs, so that clients that keep the key set have it; a key stays published for RETAINED
after its successor began, so that whatever it signed can be verified (OpenID Connect Core 1.0, 10.1.1).
"""

from __future__ import annotations

import base64
import datetime
import json
from functools import lru_cache
from itertools import pairwise
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.signals import setting_changed
from django.db import transaction
from django.dispatch import receiver
from django.utils import timezone
from django.utils.crypto import salted_hmac
from joserfc.jwk import RSAKey

from sessions_farm.communities.models import Community, SigningKey

ALGORITHM = "RS256"
BITS = 2048
LIFETIME = datetime.timedelta(days=90)
LEAD = datetime.timedelta(minutes=15)  # longer than clients and caches keep the key set
RETAINED = datetime.timedelta(days=1)  # longer than anything signed is good


def signer(community_id: int) -> RSAKey:
    """Return the key that signs now, with its private part."""
    now = timezone.now()
    for row in reversed(current_keys(community_id)):
        if row.signs_from <= now and (key := private_key(row.private_jwk)):
            return key
    return _made_now(community_id)


def published_keys(community_id: int) -> list[dict[str, Any]]:
    """Return the public keys (RFC 7517) that sign, will sign soon, or signed lately."""
    return [row.public_jwk for row in current_keys(community_id)]


def current_keys(community_id: int) -> list[SigningKey]:
    """Return the published keys, the newest last; make a first or a next one where that is due."""
    keys = _rows(community_id)
    if not keys or keys[-1].rotates_at <= timezone.now():
        keys = _rotated(community_id)
    return keys


def _rows(community_id: int) -> list[SigningKey]:
    rows = list(SigningKey.objects.filter(community=community_id).order_by("signs_from", "pk"))
    gone_before = timezone.now() - RETAINED
    superseded = {older.pk for older, newer in pairwise(rows) if newer.signs_from <= gone_before}
    return [row for row in rows if row.pk not in superseded]


@transaction.atomic
def _rotated(community_id: int) -> list[SigningKey]:
    """Make the next key, unless another node just did, and drop those of which nothing is good any more."""
    Community.objects.select_for_update().get(pk=community_id)
    keys, now = _rows(community_id), timezone.now()
    if not keys or keys[-1].rotates_at <= now:
        keys.append(_make(community_id, signs_from=now + LEAD if keys else now))
        SigningKey.objects.filter(community=community_id).exclude(pk__in=[key.pk for key in keys]).delete()
    return keys


@transaction.atomic
def _made_now(community_id: int) -> RSAKey:
    """Make a key that signs at once, where none can: SECRET_KEY is another, and opens none of them."""
    Community.objects.select_for_update().get(pk=community_id)
    opened = [private_key(row.private_jwk) for row in _rows(community_id) if row.signs_from <= timezone.now()]
    found = next(filter(None, reversed(opened)), None)
    return found or private_key(_make(community_id, timezone.now()).private_jwk)  # type: ignore[return-value]  # just made


def _make(community_id: int, signs_from: datetime.datetime) -> SigningKey:
    key = RSAKey.generate_key(BITS, {"use": "sig", "alg": ALGORITHM}, private=True, auto_kid=True)
    return SigningKey.objects.create(
        community_id=community_id,
        kid=key.thumbprint(),
        public_jwk=key.as_dict(private=False),
        private_jwk=_fernet().encrypt(json.dumps(key.as_dict(private=True)).encode()).decode(),
        signs_from=signs_from,
        rotates_at=signs_from + LIFETIME,
    )


@lru_cache(maxsize=16)
def private_key(encrypted: str) -> RSAKey | None:
    """Return the decrypted key; None where no key of the settings opens it."""
    try:
        return RSAKey.import_key(json.loads(_fernet().decrypt(encrypted.encode())))
    except InvalidToken:
        return None


def _fernet() -> MultiFernet:
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    salt = "sessions_farm.openid.signing_key"
    derived = (salted_hmac(salt, "", secret=key, algorithm="sha256").digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(each)) for each in derived])


@receiver(setting_changed)
def _forget_keys(*, setting: str, **_kwargs: object) -> None:
    if setting in {"SECRET_KEY", "SECRET_KEY_FALLBACKS"}:
        private_key.cache_clear()

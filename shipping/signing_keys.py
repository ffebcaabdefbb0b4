"""The keys that sign a department's documents: made, installed, retired. At most two of a vendor sign at once."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from django.db import transaction

from shipping import encryption
from shipping.envelope import HMAC_SHA256, SigningKey
from shipping.models import Department, VendorKey

if TYPE_CHECKING:
    from vendors.models import Vendor


KEY_ID = re.compile(r"mk_[0-9a-f]{16}")


class KeyRefusedError(ValueError):
    """A key cannot be added or retired now."""


def ensure_key(*, vendor: Vendor, key: SigningKey | None = None) -> None:
    """Give a vendor its first key, a new one where none is given; a vendor with a key keeps that."""
    if not VendorKey.objects.signing().filter(vendor=vendor).exists():
        add_key(vendor=vendor, key=key)


@transaction.atomic
def add_key(*, vendor: Vendor, key: SigningKey | None = None, algorithm: str = HMAC_SHA256) -> SigningKey:
    """Let a key sign, a new one where none is given; idempotent. Raise KeyRefusedError for a third key."""
    Department.objects.select_for_update().get_or_create(vendor=vendor)
    key = key or SigningKey.generate(vendor.slug, algorithm)
    signing = list(VendorKey.objects.signing().filter(vendor=vendor))
    if key.key_id in {row.key_id for row in signing}:
        return key
    if key.vendor != vendor.slug or VendorKey.objects.filter(key_id=key.key_id).exists():
        raise KeyRefusedError("That key is another shop’s, or was retired.")
    free = {1, 2} - {row.slot for row in signing}
    if not free:
        raise KeyRefusedError("Two keys sign already. Retire the old one, once the department has the new one.")
    VendorKey.objects.create(
        vendor=vendor,
        key_id=key.key_id,
        slot=min(free),
        encrypted_secret=encryption.encrypt_secrets({"line": key.stored_line}),
    )
    return key


@transaction.atomic
def retire_key(*, vendor: Vendor, key_id: str, now: datetime) -> None:
    """Let a key sign no more. Raise KeyRefusedError for the last key, and for a key that does not sign."""
    Department.objects.select_for_update().get_or_create(vendor=vendor)
    signing = {row.key_id: row for row in VendorKey.objects.signing().filter(vendor=vendor)}
    if key_id not in signing:
        raise KeyRefusedError("That key signs no more.")
    if len(signing) == 1:
        raise KeyRefusedError("It is the only key. Make another one first, and give it to the department.")
    row = signing[key_id]
    row.slot, row.retired_at = None, now
    row.save(update_fields=["slot", "retired_at"])


def open_keys(encrypted: Iterable[str]) -> tuple[SigningKey, ...]:
    """Return keys as they are stored; raise ``encryption.InvalidToken`` where no SECRET_KEY of the settings fits."""
    return tuple(map(_open_key, encrypted))


def find_signing(key_ids: Iterable[str]) -> VendorKey | None:
    """Return a key that signs, of those named; foreign text names none."""
    named = [each for each in key_ids if KEY_ID.fullmatch(each)]
    rows = VendorKey.objects.signing().filter(key_id__in=named)
    return rows.select_related("vendor__marketplace").first() if named else None


def find_by_token(token: str) -> VendorKey | None:
    """Return the signing key whose department signs in with a bearer token; None for any other text."""
    key_id, _, secret = token.partition(".")
    row = find_signing([key_id])
    if row is None or not secret:
        return None
    return row if hmac.compare_digest(_open_key(row.encrypted_secret).token.encode(), token.encode()) else None


@lru_cache(4096)
def _open_key(encrypted: str) -> SigningKey:
    return SigningKey.parse(encryption.decrypt_secrets(encrypted)["line"])

"""Rotation of signing keys by staff: signing_keys.py makes the next key where one is due, with what that needs."""

from __future__ import annotations

from django.utils import timezone

from sessions_farm.communities.models import Community


def rotate_signing_key(*, community: Community) -> None:
    """Let a next key be made at the next use. It signs once clients may have it; the present one stays published."""
    community.signing_keys.update(rotates_at=timezone.now())


def revoke_signing_keys(*, community: Community) -> None:
    """Drop every key at once: the next use makes another, and what these ones signed proves nothing."""
    community.signing_keys.all().delete()
